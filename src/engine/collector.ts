// How is the garbage of the engines collected? Every event leaves a copy of its session's state behind, so an engine
// collects some twenty times a second when it is busy, and whoever waits for an answer waits for that, too.

import { setFlagsFromString } from 'node:v8';

/** V8's own names; each is in the list that `node --v8-options` prints. */
const collectorFlags = [
  // An engine has collected its small nursery itself sooner than helpers are woken: on a processor of its own in 1 ms,
  // where waiting for helpers took 3 to 12.
  '--no-parallel-scavenge',
  // How much the old garbage may grow, as a part of what lives, before it is collected, too. By itself V8 lets it reach
  // four times that: with 256 busy sessions 25 MB that a flood adds to the process and nobody needs.
  '--heap-growing-percent=60',
];

/** Holds for threads that begin afterwards. */
export function tuneCollector(): void {
  for (const flag of collectorFlags) setFlagsFromString(flag);
}
