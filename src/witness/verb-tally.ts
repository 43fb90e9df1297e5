// Tallies that count commands by the verbs of the wire layer's table: the closed set of the label `verb`.

import { Tally } from '../observe/tally.ts';
import { knownVerbs } from '../wire/verbs.ts';

/** A tally of zeros, for one thread to write. */
export function newTally(): Tally {
  return Tally.create(knownVerbs);
}

/** The same tally in another thread. */
export function sharedTally(memory: SharedArrayBuffer): Tally {
  return Tally.over(memory, knownVerbs);
}
