// The gateway's own replies. Each takes its place in the order of replies: behind every command that came before it,
// never inside a multi-line reply that is passing, exactly one for a command.

import { formatReply } from '../wire/reply.ts';
import type { Action } from './action.ts';
import { type AwaitedReplies, firstOwed, withOverdue } from './awaited-replies.ts';
import { awaiting, type Session } from './session.ts';

/** Answers the client's latest command, now or as soon as all before it are answered. */
export function answerClient(session: Session, code: number, text: string, out: Action[]): Session {
  const octets = formatReply(code, text);
  if (session.awaited.length === 0 && session.openReply === undefined) {
    sendReply(code, octets, out);
    return session;
  }
  return awaiting(session, [...session.awaited, { kind: 'gateway', code, octets, sinceMs: session.lastActivityMs }]);
}

/** Answers in the place of a reply of the server's that has just come: now. */
export function answerInPlace(session: Session, code: number, text: string, out: Action[]): Session {
  sendReply(code, formatReply(code, text), out);
  return session;
}

/** Sends every reply of the gateway before which nothing more is awaited. */
export function sendOwedReplies(session: Session, out: Action[]): Session {
  if (session.openReply !== undefined) return session;
  let { awaited } = session;
  for (let owed = dueReply(awaited); owed !== undefined; owed = dueReply(awaited))
    awaited = sendOwed(awaited, owed, out);
  return awaiting(session, awaited);
}

/** Sends the replies that the gateway owes to commands before entry `index`: what comes now answers a later one. */
export function sendOwedBefore(session: Session, index: number, out: Action[]): Session {
  let { awaited } = session;
  let later = index;
  for (let owed = firstOwed(awaited); owed !== undefined && owed < later; owed = firstOwed(awaited)) {
    awaited = sendOwed(awaited, owed, out);
    later -= 1;
  }
  return awaiting(session, awaited);
}

/**
 * Sends a reply of the gateway now, whatever is awaited: for those whose turn it is, and for the last word of a
 * session.
 */
export function sendReply(code: number, octets: Uint8Array, out: Action[]): void {
  out.push({ kind: 'record', record: { kind: 'reply', code, origin: 'gateway' } });
  out.push({ kind: 'send', to: 'client', octets });
}

/** The first reply of the gateway that has only overdue ones before it. */
function dueReply(awaited: AwaitedReplies): number | undefined {
  for (let index = 0; index < awaited.length; index += 1) {
    const entry = awaited[index]!;
    if (entry.kind === 'gateway') return index;
    if (entry.answer !== 'overdue') return undefined;
  }
  return undefined;
}

function sendOwed(awaited: AwaitedReplies, index: number, out: Action[]): AwaitedReplies {
  const entry = awaited[index];
  if (entry?.kind !== 'gateway') return awaited;
  sendReply(entry.code, entry.octets, out);
  return [...awaited.slice(0, index), ...awaited.slice(index + 1)];
}

/** What has been waited for in vain is waited for no more: the reply that is due now must be the next one. */
export function withNothingAwaited(session: Session, out: Action[]): Session {
  return sendOwedReplies(awaiting(session, withOverdue(session.awaited, session.awaited.length)), out);
}
