// Which command does the next reply answer? A queue of what was sent on and not yet answered, and of replies that
// the gateway itself owes: these take their place in the order and overtake nothing.
// RFC 959 §4.2: one command may get a 1yz and then one final reply. RFC 1123 §4.1.2.11: 120 and 421 may come unasked.

export type Awaited = AwaitedFromServer | OwedByGateway;

export interface AwaitedFromServer {
  readonly kind: 'server';
  readonly verb: string;
  /** The way that a transfer command is going to use. */
  readonly way: number | undefined;
}

export interface OwedByGateway {
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
 * and an ABOR that crossed the end of its transfer gets one reply from some servers and two from others,
 * so an ABOR at the head does not swallow a code that no server gives to ABOR.
 */
export function indexAnswered(awaited: AwaitedReplies, code: number): number | undefined {
  if (awaited.length <= 1) return awaited.length === 0 ? undefined : 0;
  if (code >= 211 && code <= 213) {
    const status = awaited.findIndex((entry) => entry.kind === 'server' && entry.verb === 'STAT');
    if (status > 0) return status;
  }
  if (isAbort(awaited[0]) && !answersAbort(code)) return 1;
  return 0;
}

/** The queue after its entry `index` was answered; an ABOR that was passed over is given up with it. */
export function withoutAnswered(awaited: AwaitedReplies, index: number): AwaitedReplies {
  if (index === 0) return awaited.length === 1 ? nothingAwaited : awaited.slice(1);
  if (index === 1 && isAbort(awaited[0])) return awaited.slice(2);
  return [...awaited.slice(0, index), ...awaited.slice(index + 1)];
}

/** Is every command answered, so that a set-up may go alone? A lone ABOR may never be answered and does not count. */
export function isQuiet(awaited: AwaitedReplies): boolean {
  return awaited.length === 0 || (awaited.length === 1 && isAbort(awaited[0]));
}

function isAbort(entry: Awaited | undefined): boolean {
  return entry?.kind === 'server' && entry.verb === 'ABOR';
}

function answersAbort(code: number): boolean {
  return code === 225 || code === 226 || code === 426 || code === 451 || (code >= 500 && code <= 503);
}
