// Which command does the next reply answer? A queue of what was sent on and not yet answered, and of replies that
// the gateway itself owes: these take their place in the order and overtake nothing.
// Must not break: a reply that never comes costs nothing but a little patience. What was passed over by the reply to a
// later command, or was waited for long enough, is overdue: it may still be answered, and holds up nobody any more.
// RFC 959 §4.2: one command may get a 1yz and then one final reply. RFC 1123 §4.1.2.11: 120 and 421 may come unasked.

import type { Verb } from '../wire/verbs.ts';
import type { SetUp } from './expectation.ts';
import { isLoginVerb, isPassiveVerb, isTransferVerb, replyFit } from './reply-fit.ts';
import type { Protection } from './security.ts';

type Awaited = AwaitedFromServer | OwedByGateway;

export interface AwaitedFromServer {
  readonly kind: 'server';
  /** `gateway`: asked of its own accord, so that the client never sees the reply. */
  readonly asker: 'client' | 'gateway';
  /** As the server was told it. */
  readonly verb: string;
  /** The way that a transfer command is going to use, or that a PORT or EPRT names. */
  readonly way: number | undefined;
  /** What the client wants of it, where it asks for a data connection. */
  readonly setUp: SetUp | undefined;
  /** Whom USER names. */
  readonly user: string | undefined;
  /** What PROT asks for. */
  readonly protection: Protection | undefined;
  readonly progress: 'asked' | 'marked';
  /**
   * `doubtful`: an ABOR sent while a transfer was under way, because some servers answer both with one reply and others
   * with two. `overdue`: passed over, or waited for in vain.
   */
  readonly answer: 'certain' | 'doubtful' | 'overdue';
}

interface OwedByGateway {
  readonly kind: 'gateway';
  readonly code: number;
  readonly octets: Uint8Array;
  readonly sinceMs: number;
}

export type AwaitedReplies = readonly Awaited[];

export const nothingAwaited: AwaitedReplies = [];

/** The queue with one command more. Of those that are overdue the oldest is forgotten where there are too many. */
export function withAsked(awaited: AwaitedReplies, asked: AwaitedFromServer, inFlightMax: number): AwaitedReplies {
  if (awaited.length < 2 * inFlightMax) return withOneMore(awaited, asked);
  // A transfer whose way is still there is told when that ends; ways are bounded by themselves.
  const oldest = awaited.findIndex(
    (each) => each.kind === 'server' && each.answer === 'overdue' && each.way === undefined,
  );
  return [...awaited.filter((_, index) => index !== oldest), asked];
}

/** A queue may hold 64, and a spread would make room for half as many more, at every command. */
function withOneMore(awaited: AwaitedReplies, last: Awaited): AwaitedReplies {
  const { length } = awaited;
  const more = new Array<Awaited>(length + 1);
  for (let index = 0; index < length; index += 1) more[index] = awaited[index]!;
  more[length] = last;
  return more;
}

const plainlyAsked = new Map<Verb, AwaitedFromServer>();

/**
 * What a client has asked that needs no more than its verb to be remembered, one for all sessions: most commands of a
 * flood are such, and what waits for a reply outlives the garbage collector's patience with what is young.
 */
export function plainly(verb: Verb): AwaitedFromServer {
  const known = plainlyAsked.get(verb);
  if (known !== undefined) return known;
  const asked: AwaitedFromServer = {
    kind: 'server',
    asker: 'client',
    verb: verb.name,
    way: undefined,
    setUp: undefined,
    user: undefined,
    protection: undefined,
    progress: 'asked',
    answer: 'certain',
  };
  plainlyAsked.set(verb, asked);
  return asked;
}

/** The entry that a reply of this code answers; undefined for one that nobody asked for. */
export function indexAnswered(awaited: AwaitedReplies, code: number): number | undefined {
  let second: number | undefined;
  for (let index = 0; index < awaited.length; index += 1) {
    const entry = awaited[index]!;
    if (entry.kind !== 'server') continue;
    const fit = replyFit(entry, code);
    if (fit === 'own') return index;
    if (fit === 'alien') continue;
    // A further 1yz of a transfer gives way to the first one of a later transfer.
    if (entry.answer === 'certain' && code >= 200) return index;
    second ??= index;
  }
  return second ?? oddlyAnswered(awaited, code);
}

// Codes of transfers are no odd answer to anything else: they come late, or twice, from one before.
const noOddAnswers: ReadonlySet<number> = new Set([225, 226]);

/** A server may answer with a code of its own invention, PASS with 220 for one. The first in the order has it then. */
function oddlyAnswered(awaited: AwaitedReplies, code: number): number | undefined {
  if (code < 200 || noOddAnswers.has(code)) return undefined;
  const index = awaited.findIndex((entry) => entry.kind === 'server' && entry.answer === 'certain');
  const entry = awaited[index];
  if (entry?.kind !== 'server') return undefined;
  if (code >= 400) return index;
  return isPassiveVerb(entry.verb) || isTransferVerb(entry.verb) ? undefined : index;
}

/** The queue after a final reply to its entry `index`, and the transfers that no reply can be told from any more. */
export function withoutAnswered(awaited: AwaitedReplies, index: number): Passed {
  if (index === 0) return { awaited: awaited.length === 1 ? nothingAwaited : awaited.slice(1), givenUp: nobody };
  return passed(awaited, index, []);
}

/** The queue after a 1yz to its entry `index`, which is still to be answered. */
export function withMarked(awaited: AwaitedReplies, index: number): Passed {
  const entry = awaited[index];
  if (entry?.kind !== 'server' || (index === 0 && entry.progress === 'marked')) return { awaited, givenUp: nobody };
  return passed(awaited, index, [{ ...entry, progress: 'marked' }]);
}

export interface Passed {
  readonly awaited: AwaitedReplies;
  readonly givenUp: readonly AwaitedFromServer[];
}

const nobody: readonly AwaitedFromServer[] = [];

function passed(awaited: AwaitedReplies, index: number, instead: readonly Awaited[]): Passed {
  const answered = awaited[index];
  const ahead: Awaited[] = [];
  const givenUp: AwaitedFromServer[] = [];
  for (const entry of awaited.slice(0, index)) {
    if (entry.kind === 'gateway' || mayComeLater(entry, answered)) ahead.push(entry);
    else if (entry.answer === 'certain') ahead.push({ ...entry, answer: 'overdue' });
    else givenUp.push(entry);
  }
  return { awaited: [...ahead, ...instead, ...awaited.slice(index + 1)], givenUp };
}

/** RFC 959 §4.1.3: while a transfer runs, servers answer other commands before its own final reply. */
function mayComeLater(entry: AwaitedFromServer, answered: Awaited | undefined): boolean {
  if (!isTransferVerb(entry.verb) || answered?.kind !== 'server') return false;
  return answered.setUp === undefined && !isTransferVerb(answered.verb);
}

/** The queue once those at its head, as many as `count`, have been waited for long enough. */
export function withOverdue(awaited: AwaitedReplies, count: number): AwaitedReplies {
  const isLate = (entry: Awaited, index: number): entry is AwaitedFromServer =>
    index < count && entry.kind === 'server' && entry.answer !== 'overdue';
  if (!awaited.some(isLate)) return awaited;
  return awaited.map((entry, index) => (isLate(entry, index) ? { ...entry, answer: 'overdue' } : entry));
}

/** Is every command answered, so that a set-up may go alone? */
export function isQuiet(awaited: AwaitedReplies): boolean {
  for (const entry of awaited) if (entry.kind === 'gateway' || entry.answer === 'certain') return false;
  return true;
}

/** Are so many commands under way, without those of which nothing is expected any more? */
export function isFull(awaited: AwaitedReplies, inFlightMax: number): boolean {
  // Asked at every step, and mostly the length alone tells.
  if (awaited.length < inFlightMax) return false;
  let count = 0;
  for (const entry of awaited) if (entry.kind === 'gateway' || entry.answer !== 'overdue') count += 1;
  return count >= inFlightMax;
}

/** Is a reply of the server still counted on? */
export function awaitsServer(awaited: AwaitedReplies): boolean {
  return awaited.some((entry) => entry.kind === 'server' && entry.answer !== 'overdue');
}

/** How sure an answer to this verb is, sent now. */
export function certaintyOf(verb: string, awaited: AwaitedReplies): AwaitedFromServer['answer'] {
  if (verb !== 'ABOR') return 'certain';
  // Where the reply to one ABOR is doubtful, the reply to the next one may be the first one's, so it is doubtful too.
  const aborting = (entry: Awaited) =>
    entry.kind === 'server' && (isTransferVerb(entry.verb) || entry.answer === 'doubtful');
  return awaited.some(aborting) ? 'doubtful' : 'certain';
}

/** The first reply that the gateway owes; undefined where it owes none. */
export function firstOwed(awaited: AwaitedReplies): number | undefined {
  const index = awaited.findIndex((entry) => entry.kind === 'gateway');
  return index < 0 ? undefined : index;
}

/** Has the server been asked to listen, and not answered yet? */
export function awaitsPassive(awaited: AwaitedReplies): boolean {
  return awaited.some((entry) => isCertain(entry) && isPassiveVerb(entry.verb));
}

/** Has the server been asked for a data connection, and not answered yet? */
export function awaitsSetUp(awaited: AwaitedReplies): boolean {
  return awaited.some((entry) => isCertain(entry) && entry.setUp !== undefined);
}

/** Is it not settled yet how data connections are protected? */
export function awaitsProtection(awaited: AwaitedReplies): boolean {
  return awaited.some((entry) => isCertain(entry) && entry.protection !== undefined);
}

/** Is somebody still logging in, so that it is not known whether he is in? */
export function awaitsLogin(awaited: AwaitedReplies): boolean {
  return awaited.some((entry) => isCertain(entry) && isLoginVerb(entry.verb));
}

function isCertain(entry: Awaited): entry is AwaitedFromServer {
  return entry.kind === 'server' && entry.answer === 'certain';
}
