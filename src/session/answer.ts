// The gateway's own replies. Each takes its place in the order of replies: behind every command that came before it,
// never inside a multi-line reply that is passing, exactly one for a command.

import { formatReply } from '../wire/reply.ts';
import type { Action } from './action.ts';
import { type AwaitedReplies, waitsForDoubtful, withoutDoubtful } from './awaited-replies.ts';
import { awaiting, type Session } from './session.ts';

/** Answers the client's latest command, now or as soon as all before it are answered. */
export function answerClient(session: Session, code: number, text: string, out: Action[]): Session {
  const octets = formatReply(code, text);
  if (session.awaited.length === 0 && session.openReply === undefined) {
    sendReply(code, octets, out);
    return session;
  }
  return awaiting(session, [...session.awaited, { kind: 'gateway', code, octets }]);
}

/** Sends every reply of the gateway that has come to the head of the order. */
export function sendOwedReplies(session: Session, out: Action[]): Session {
  if (session.openReply !== undefined) return session;
  let awaited: AwaitedReplies = session.awaited;
  for (let head = awaited[0]; head !== undefined && head.kind === 'gateway'; head = awaited[0]) {
    sendReply(head.code, head.octets, out);
    awaited = awaited.slice(1);
  }
  return awaited === session.awaited ? session : awaiting(session, awaited);
}

/** Gives up the doubtful ABORs that hold up replies of the gateway, and sends these. */
export function sendPastDoubtful(session: Session, out: Action[]): Session {
  let next = session;
  while (next.openReply === undefined && waitsForDoubtful(next.awaited)) {
    next = sendOwedReplies(awaiting(next, withoutDoubtful(next.awaited)), out);
  }
  return next;
}

/** Sends a reply of the gateway now, whatever is awaited: for those whose turn it is, and for the last word of a session. */
export function sendReply(code: number, octets: Uint8Array, out: Action[]): void {
  out.push({ kind: 'record', record: { kind: 'reply', code, origin: 'gateway' } });
  out.push({ kind: 'send', to: 'client', octets });
}
