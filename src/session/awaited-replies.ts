// Which command does the next reply answer? A queue of what was sent on and not yet answered, and of replies that
// the gateway itself owes: these take their place in the order and overtake nothing.
// RFC 959 §4.2: one command may get a 1yz and then one final reply. RFC 1123 §4.1.2.11: 120 and 421 may come unasked.

import { lookupVerb } from '../wire/verbs.ts';

type Awaited = AwaitedFromServer | OwedByGateway;

export interface AwaitedFromServer {
  readonly kind: 'server';
  readonly verb: string;
  /** The way that a transfer command is going to use. */
  readonly way: number | undefined;
  /** `doubtful`: an ABOR sent while a transfer was under way. Some servers answer both with one reply, others with two. */
  readonly answer: 'certain' | 'doubtful';
}

interface OwedByGateway {
  readonly kind: 'gateway';
  readonly code: number;
  readonly octets: Uint8Array;
}

export type AwaitedReplies = readonly Awaited[];

export const nothingAwaited: AwaitedReplies = [];

/**
 * The entry that a final reply of this code answers, or undefined for a reply that nobody asked for.
 * Usually the first. Two verbs are answered out of turn:
 * STAT during a transfer (RFC 959 §4.1.3) is answered at once, before the transfer's own final reply;
 * and a doubtful ABOR at the head does not swallow the answer to the command behind it. Where that cannot be told, the
 * ABOR is passed over: a reply too many is sent on, but a reply awaited that never comes would hold up the session.
 */
export function indexAnswered(awaited: AwaitedReplies, code: number): number | undefined {
  if (awaited.length <= 1) return awaited.length === 0 ? undefined : 0;
  if (code >= 211 && code <= 213 && isTransfer(awaited[0])) {
    const status = awaited.findIndex((entry) => entry.kind === 'server' && entry.verb === 'STAT');
    if (status > 0) return status;
  }
  const ahead = doubtfulAhead(awaited);
  return ahead === awaited.length || answersAbort(code) ? 0 : ahead;
}

/** The queue after its entry `index` was answered; ABORs that were passed over are given up with it. */
export function withoutAnswered(awaited: AwaitedReplies, index: number): AwaitedReplies {
  if (index === 0) return awaited.length === 1 ? nothingAwaited : awaited.slice(1);
  if (index === doubtfulAhead(awaited)) return awaited.slice(index + 1);
  return [...awaited.slice(0, index), ...awaited.slice(index + 1)];
}

/** The queue after a 1yz to its entry `index`, which awaits more; ABORs that were passed over are given up. */
export function withoutPassedOver(awaited: AwaitedReplies, index: number): AwaitedReplies {
  return index > 0 && index === doubtfulAhead(awaited) ? awaited.slice(index) : awaited;
}

/** Is every command answered, so that a set-up may go alone? A doubtful ABOR may never be answered and does not count. */
export function isQuiet(awaited: AwaitedReplies): boolean {
  return doubtfulAhead(awaited) === awaited.length;
}

/** How sure an answer to this verb is, sent now. */
export function certaintyOf(verb: string, awaited: AwaitedReplies): AwaitedFromServer['answer'] {
  // A second ABOR is no surer than the one before it.
  return verb === 'ABOR' && awaited.some((entry) => isTransfer(entry) || isDoubtful(entry)) ? 'doubtful' : 'certain';
}

/**
 * Does a reply of the gateway wait behind a doubtful ABOR, and nothing else? The server may have nothing more to say, so it
 * waits for `doubtfulAnswerMs` only: the two replies to an abort come back to back, and this is many round trips.
 */
export function waitsForDoubtful(awaited: AwaitedReplies): boolean {
  const ahead = doubtfulAhead(awaited);
  return ahead > 0 && awaited[ahead]?.kind === 'gateway';
}

/** The queue after that time: what was doubtful is given up. */
export function withoutDoubtful(awaited: AwaitedReplies): AwaitedReplies {
  return awaited.slice(doubtfulAhead(awaited));
}

export const doubtfulAnswerMs = 2_000;

/** How many doubtful ABORs stand at the head of the queue. */
function doubtfulAhead(awaited: AwaitedReplies): number {
  let ahead = 0;
  while (isDoubtful(awaited[ahead])) ahead += 1;
  return ahead;
}

function isTransfer(entry: Awaited | undefined): boolean {
  return entry?.kind === 'server' && lookupVerb(entry.verb)?.starts !== undefined;
}

function isDoubtful(entry: Awaited | undefined): boolean {
  return entry?.kind === 'server' && entry.answer === 'doubtful';
}

/** Is it a code that servers give to ABOR (RFC 959 §5.4; 426 by those that leave out the one for the transfer)? */
export function answersAbort(code: number): boolean {
  return code === 225 || code === 226 || code === 426;
}
