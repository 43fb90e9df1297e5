// A reply that is kept until it is whole: because it answers a set-up, or because it is a refusal of several lines,
// which may yet end in another code (scripts of some servers print `553-…` and then `150 …`).
// Must not break: what is kept is bounded, is a copy where it has to wait (a line is a view of the read that it came
// in), and leaves as one reply that every reader ends at the same line.

import type { ControlLine } from '../wire/line-splitter.ts';
import { readReplyLine } from '../wire/reply.ts';
import type { Action } from './action.ts';
import { indexAnswered } from './awaited-replies.ts';
import { replyFit } from './reply-fit.ts';
import { type CollectedLines, collecting, type OpenReply, type Session } from './session.ts';

const codeOctets = 3;

/** `last`: nothing of this reply is to come, so it leaves within the same step. */
export type Place = 'inner' | 'last';

/** The session with one more line, or undefined where that would be too many. */
export function keep(session: Session, line: ControlLine, place: Place): Session | undefined {
  const { collected, terms } = session;
  const kept: CollectedLines = {
    line: place === 'last' ? line : { octets: line.octets.slice(), wire: line.wire.slice(), fault: undefined },
    before: collected,
    lines: (collected?.lines ?? 0) + 1,
    octets: (collected?.octets ?? 0) + line.wire.length,
  };
  const { replyLinesMax, replyOctetsMax } = terms.limits;
  return kept.lines > replyLinesMax || kept.octets > replyOctetsMax ? undefined : collecting(session, kept);
}

/** The lines in the order in which they came. */
export function linesOf(collected: CollectedLines | undefined): readonly ControlLine[] {
  const lines: ControlLine[] = [];
  for (let kept = collected; kept !== undefined; kept = kept.before) lines.push(kept.line);
  return lines.reverse();
}

/** Sends what was kept; `code` instead of the code that the lines begin with, where the reply ended in another. */
export function release(session: Session, code: number | undefined, out: Action[]): Session {
  for (const { wire } of linesOf(session.collected)) {
    out.push({ kind: 'send', to: 'client', octets: code === undefined ? wire : withCode(wire, code) });
  }
  return collecting(session, undefined);
}

function withCode(wire: Uint8Array, code: number): Uint8Array {
  const rewritten = wire.slice();
  for (let index = 0; index < codeOctets; index += 1) rewritten[index] = String(code).charCodeAt(index);
  return rewritten;
}

/**
 * The code in which a kept refusal ends that every line has repeated so far, where this line has a code of which it is
 * certain that it answers the same command; undefined where the line is text (RFC 959 §4.2).
 */
export function endsOtherwise(session: Session, open: OpenReply, { octets }: ControlLine): number | undefined {
  if (open.treatment !== 'hold' || open.style !== 'repeated') return undefined;
  const read = readReplyLine(octets, undefined);
  if (read.kind !== 'single' || read.code === open.code || read.code >= 400) return undefined;
  const index = indexAnswered(session.awaited, open.code);
  const entry = index === undefined ? undefined : session.awaited[index];
  // An answer to a set-up names an address, and is never passed on as it came.
  if (entry?.kind !== 'server' || entry.setUp !== undefined) return undefined;
  return replyFit(entry, read.code) === 'own' ? read.code : undefined;
}
