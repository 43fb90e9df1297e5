// When must a session be looked at again, and what has run out then? Time is an argument; the shell keeps one coarse timer
// per session and asks here. No idle limit while data moves: control connections are silent for hours then.

import type { Action } from './action.ts';
import { sendOwedReplies } from './answer.ts';
import { doubtfulAnswerMs, waitsForDoubtful } from './awaited-replies.ts';
import { endControl } from './ending.ts';
import type { SessionOutcome } from './event.ts';
import { resumeHeld } from './on-reply.ts';
import { changed, type Session } from './session.ts';
import { isInUse, isUnused, type Way } from './way.ts';
import { closeWay } from './ways.ts';

interface ControlDeadline {
  readonly atMs: number;
  readonly outcome: SessionOutcome;
  readonly farewell: string;
}

/** Milliseconds, in the clock of the events; Infinity when nothing is pending. */
export function nextDeadlineMs(session: Session): number {
  let at = controlDeadline(session)?.atMs ?? Number.POSITIVE_INFINITY;
  at = Math.min(at, doubtfulDeadlineMs(session));
  for (const way of session.ways) if (isUnused(way)) at = Math.min(at, wayDeadlineMs(session, way));
  return at;
}

export function onClock(session: Session, nowMs: number, out: Action[]): Session {
  let next = doubtfulDeadlineMs(session) <= nowMs ? giveUpDoubtful(session, out) : session;
  for (const way of next.ways) {
    if (isUnused(way) && wayDeadlineMs(session, way) <= nowMs) {
      next = closeWay(next, way, 'expired', 'no data connection came in time', out);
    }
  }
  const deadline = controlDeadline(next);
  if (deadline === undefined || deadline.atMs > nowMs) return next;
  return endControl(next, deadline.outcome, deadline.farewell, deadline.farewell, out);
}

function doubtfulDeadlineMs(session: Session): number {
  const waiting = session.openReply === undefined && waitsForDoubtful(session.awaited);
  return waiting ? session.lastActivityMs + doubtfulAnswerMs : Number.POSITIVE_INFINITY;
}

function giveUpDoubtful(session: Session, out: Action[]): Session {
  return resumeHeld(sendOwedReplies(changed(session, { awaited: session.awaited.slice(1) }), out), out);
}

function wayDeadlineMs(session: Session, way: Way): number {
  return way.openedMs + session.terms.limits.expectationTimeoutMs;
}

function controlDeadline(session: Session): ControlDeadline | undefined {
  const { limits } = session.terms;
  switch (session.phase.kind) {
    case 'closed':
    case 'lingering':
      return undefined;
    case 'expect-server':
      return {
        atMs: session.startedMs + limits.connectTimeoutMs,
        outcome: 'upstream-timeout',
        farewell: 'The FTP server cannot be reached in time; try again later.',
      };
    case 'expect-greeting':
      return {
        atMs: session.startedMs + limits.greetingTimeoutMs,
        outcome: 'timeout-greeting',
        farewell: 'The FTP server sent no greeting in time; try again later.',
      };
    default:
      return session.login.kind === 'in' ? idleDeadline(session) : loginDeadline(session);
  }
}

function loginDeadline(session: Session): ControlDeadline {
  return {
    atMs: (session.loginBeganMs ?? session.startedMs) + session.terms.limits.loginTimeoutMs,
    outcome: 'timeout-login',
    farewell: 'No login in time; closing the control connection.',
  };
}

function idleDeadline(session: Session): ControlDeadline | undefined {
  if (session.ways.some(isInUse)) return undefined;
  return {
    atMs: session.lastActivityMs + session.terms.limits.idleTimeoutMs,
    outcome: 'timeout-idle',
    farewell: 'Idle for too long; closing the control connection.',
  };
}
