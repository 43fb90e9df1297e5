// The whole behaviour of a session as one pure function, and the only switch over event kinds.
// No socket, no clock, no randomness: the same session, event and time always give the same step.

import type { ControlLine } from '../wire/line-splitter.ts';
import type { Action } from './action.ts';
import { onClock } from './deadline.ts';
import { closeWhenDone, endAll, endControl } from './ending.ts';
import type { SessionEvent } from './event.ts';
import type { Side } from './expectation.ts';
import { onClientLine } from './on-client-line.ts';
import { onServerLine } from './on-server-line.ts';
import { activeAt, changed, type Phase, type Session, type Step } from './session.ts';
import { onOpened, onUnavailable } from './transfer-setup.ts';
import type { Way } from './way.ts';
import { onArrived, onAttempted, onDataEnded, onJoined } from './ways.ts';

const expectGreeting: Phase = { kind: 'expect-greeting' };

export function advance(session: Session, event: SessionEvent, nowMs: number): Step {
  const actions: Action[] = [];
  const next = take(session, event, nowMs, actions);
  return { session: drainIfIdle(next, actions), actions };
}

function take(session: Session, event: SessionEvent, nowMs: number, out: Action[]): Session {
  if (session.phase.kind === 'closed') return session;
  switch (event.kind) {
    case 'server-connected':
      return changed(session, { phase: expectGreeting, serverLocal: event.local });
    case 'server-unreachable':
      return endControl(
        session,
        'upstream-unreachable',
        event.reason,
        'The FTP server cannot be reached; try again later.',
        out,
      );
    case 'line':
      return onLine(session, event.from, event.line, nowMs, out);
    case 'leg-ended':
      return onLegEnded(session, event.leg, event.how, event.reason, out);
    case 'data-path-opened':
      return onOpened(session, event, nowMs, out);
    case 'data-path-unavailable':
      return onUnavailable(session, event.way, event.reason, out);
    case 'data-leg-arrived':
      return onArrived(session, event.way, event.leg, out);
    case 'stranger':
      out.push({ kind: 'record', record: { kind: 'stranger', way: event.way, leg: event.leg, peer: event.peer } });
      return session;
    case 'data-path-attempted':
      return onAttempted(session, event.way, nowMs);
    case 'data-path-joined':
      return onJoined(session, event.way, out);
    case 'data-path-ended':
      return closeWhenDone(onDataEnded(session, event.way, event.result, nowMs, out));
    case 'clock':
      return onClock(session, nowMs, out);
    case 'drain':
      // After QUIT and its 221 the server closes by itself: the client has had its last reply.
      return session.service === 'leaving' ? session : changed(session, { service: 'draining' });
    case 'end':
      return endAll(session, event.outcome, event.reason, 'The gateway is closing this control connection.', out);
  }
}

function onLine(session: Session, from: Side, line: ControlLine, nowMs: number, out: Action[]): Session {
  if (session.phase.kind === 'lingering') return session;
  const active = activeAt(session, nowMs);
  return from === 'client' ? onClientLine(active, line, out) : onServerLine(active, line, nowMs, out);
}

function onLegEnded(session: Session, leg: Side, how: 'end' | 'reset', reason: string, out: Action[]): Session {
  if (session.phase.kind === 'lingering') return session;
  if (leg === 'server' && session.service === 'leaving')
    return endControl(session, 'closed-by-client', 'QUIT', undefined, out);
  if (leg === 'server') {
    // Commands without answer, a transfer among them, must not look done: the client is told before the connection ends.
    const orderly = how === 'end' && session.awaited.length === 0 && session.phase.kind === 'expect-command';
    const farewell = orderly ? undefined : 'The FTP server ended the control connection.';
    return endControl(session, 'closed-by-server', reason, farewell, out);
  }
  if (how === 'reset' || session.phase.kind === 'expect-server')
    return endControl(session, 'closed-by-client', reason, undefined, out);
  // A half-close: what the client has asked is still answered (`printf 'QUIT\r\n' | nc`); the server closes in its turn.
  out.push({ kind: 'end-writing', leg: 'server' });
  return session;
}

/** An ended data connection that no command ever used keeps nobody waiting. */
function isPending(way: Way): boolean {
  return way.stage.kind !== 'ended' || way.transfer !== undefined;
}

/** A draining session ends as soon as nothing of it is under way (RFC 959 §5.4: 421, service closing). */
function drainIfIdle(session: Session, out: Action[]): Session {
  if (session.service !== 'draining' || session.phase.kind === 'lingering' || session.phase.kind === 'closed')
    return session;
  const idle = session.phase.kind === 'expect-command' && session.awaited.length === 0 && !session.ways.some(isPending);
  if (!idle) return session;
  return endControl(
    session,
    'drained',
    'the gateway is going down',
    'The gateway is going down for maintenance; try again later.',
    out,
  );
}
