// The end of the client's direction of the control connection: when is the server told?
// Must not break: some servers throw away what they have not read of an upload as soon as they see this end, and some
// clients close both connections at once and read no 226; so an upload under way is answered first. The client's end
// itself is seen at once, and how long it is kept from the server is bounded (deadline.ts).

import type { Action } from './action.ts';
import { endControl } from './ending.ts';
import { type ClientEnd, changed, type Phase, type Session } from './session.ts';
import { setUpLeft } from './set-up-reply.ts';
import { isInUse, type Way } from './way.ts';

/** Its lines are still taken, but nobody is there to wait for much longer. */
export function onClientEnding(session: Session, nowMs: number): Session {
  const next = session.clientEndedMs === undefined ? changed(session, { clientEndedMs: nowMs }) : session;
  return setUpLeft(next);
}

/** Nothing more comes from the client. */
export function onClientEnded(session: Session, { how, reason }: ClientEnd, nowMs: number, out: Action[]): Session {
  const isDue = session.phase.kind === 'expect-server' || (how === 'reset' && !isAtWork(session));
  if (isDue) return endControl(session, { outcome: 'closed-by-client', reason, farewell: undefined }, out);
  return onClientEnding(changed(session, { untoldEnd: { how, reason } }), nowMs);
}

/** Tells the server, once it has got all that the client has asked and no upload is under way. */
export function tellClientEnd(session: Session, out: Action[]): Session {
  const { untoldEnd, phase } = session;
  if (untoldEnd === undefined || holding.has(phase.kind) || isAtWork(session)) return session;
  const told = changed(session, { untoldEnd: undefined });
  if (untoldEnd.how === 'reset')
    return endControl(told, { outcome: 'closed-by-client', reason: untoldEnd.reason, farewell: undefined }, out);
  // A half-close: what the client has asked is still answered (`printf 'QUIT\r\n' | nc`); the server closes in its
  // turn.
  out.push({ kind: 'end-writing', leg: 'server' });
  return told;
}

/** Phases in which a command of the client's has not gone to the server yet. */
const holding: ReadonlySet<Phase['kind']> = new Set(['expect-turn', 'expect-data-path', 'expect-passive-range']);

function isAtWork({ ways, terms }: Session): boolean {
  // Where data has to end with its session, it ends with the client's part of it.
  return !terms.endFlows && ways.some(isBeingAnswered);
}

/** Of what a client downloads, nothing is left for the server to read. */
function isBeingAnswered(way: Way): boolean {
  if (way.transfer?.reply !== 'awaited' || way.transfer.direction !== 'upload') return false;
  return isInUse(way) || (way.stage.kind === 'ended' && way.stage.result.outcome === 'completed');
}
