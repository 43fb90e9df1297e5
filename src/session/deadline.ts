// When must a session be looked at again, and what has run out then? Time is an argument; the shell keeps one coarse timer
// per session and asks here. No idle limit while data moves: control connections are silent for hours then.

import type { Action } from './action.ts';
import { sendPastDoubtful } from './answer.ts';
import { doubtfulAnswerMs, waitsForDoubtful } from './awaited-replies.ts';
import { endControl } from './ending.ts';
import type { SessionOutcome } from './event.ts';
import { resumeHeld } from './on-reply.ts';
import type { Session } from './session.ts';
import { isInUse, isUnused, type Way } from './way.ts';
import { closeWay } from './ways.ts';

/** Milliseconds, in the clock of the events; Infinity when nothing is pending. */
export function nextDeadlineMs(session: Session): number {
  let at = Math.min(controlDeadlineMs(session), doubtfulDeadlineMs(session));
  for (const way of session.ways) if (isUnused(way)) at = Math.min(at, wayDeadlineMs(session, way));
  return at;
}

export function onClock(session: Session, nowMs: number, out: Action[]): Session {
  let next = session;
  for (const way of session.ways) {
    if (isUnused(way) && wayDeadlineMs(session, way) <= nowMs) {
      next = closeWay(next, way, 'expired', 'no data connection came in time', out);
    }
  }
  if (controlDeadlineMs(next) <= nowMs) {
    const { outcome, farewell } = lateness(next);
    return endControl(next, outcome, farewell, farewell, out);
  }
  // Last, because the set-up that it lets go on may ask for a way, whose answer comes before any action behind it.
  return doubtfulDeadlineMs(next) <= nowMs ? resumeHeld(sendPastDoubtful(next, out), out) : next;
}

function doubtfulDeadlineMs(session: Session): number {
  const waiting = session.openReply === undefined && waitsForDoubtful(session.awaited);
  return waiting ? session.lastActivityMs + doubtfulAnswerMs : Number.POSITIVE_INFINITY;
}

function wayDeadlineMs(session: Session, way: Way): number {
  return way.openedMs + session.terms.limits.expectationTimeoutMs;
}

function controlDeadlineMs(session: Session): number {
  const { limits } = session.terms;
  switch (session.phase.kind) {
    case 'closed':
    case 'lingering':
      return Number.POSITIVE_INFINITY;
    case 'expect-server':
      return session.startedMs + limits.connectTimeoutMs;
    case 'expect-greeting':
      return session.startedMs + limits.greetingTimeoutMs;
    default:
      if (session.login.kind !== 'in') return (session.loginBeganMs ?? session.startedMs) + limits.loginTimeoutMs;
      return session.ways.some(isInUse) ? Number.POSITIVE_INFINITY : session.lastActivityMs + limits.idleTimeoutMs;
  }
}

/** What a session that has run out of time ends with. */
function lateness(session: Session): { readonly outcome: SessionOutcome; readonly farewell: string } {
  switch (session.phase.kind) {
    case 'expect-server':
      return { outcome: 'upstream-timeout', farewell: 'The FTP server cannot be reached in time; try again later.' };
    case 'expect-greeting':
      return { outcome: 'timeout-greeting', farewell: 'The FTP server sent no greeting in time; try again later.' };
    default:
      return session.login.kind === 'in'
        ? { outcome: 'timeout-idle', farewell: 'Idle for too long; closing the control connection.' }
        : { outcome: 'timeout-login', farewell: 'No login in time; closing the control connection.' };
  }
}
