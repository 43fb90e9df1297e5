// When must a session be looked at again, and what has run out then? Time is an argument; the shell keeps one coarse
// timer per session and asks here. No idle limit while data moves: control connections are silent for hours then.

import type { Action } from './action.ts';
import { type AwaitedFromServer, awaitsServer, isFull, withOverdue } from './awaited-replies.ts';
import { type Ending, endControl, tlsFailure } from './ending.ts';
import { heldUntilMs } from './on-command.ts';
import { isTransferVerb } from './reply-fit.ts';
import { awaiting, type Session } from './session.ts';
import { setUpLeft } from './set-up-reply.ts';
import { expiryMs, isInUse } from './way.ts';
import { closeWay } from './ways.ts';

const never = Number.POSITIVE_INFINITY;

/** Milliseconds, in the clock of the events; Infinity when nothing is pending. */
export function nextDeadlineMs(session: Session): number {
  let at = Math.min(controlDeadlineMs(session), patienceMs(session), owedDeadlineMs(session));
  for (const way of session.ways) at = Math.min(at, expiryMs(way, session.terms.limits.expectationTimeoutMs));
  return at;
}

export function onClock(session: Session, nowMs: number, out: Action[]): Session {
  let next = session;
  for (const way of session.ways) {
    if (expiryMs(way, session.terms.limits.expectationTimeoutMs) <= nowMs) {
      next = closeWay(next, way, 'expired', 'no data connection came in time', out);
    }
  }
  if (controlDeadlineMs(next) <= nowMs) {
    if (next.phase.kind !== 'opaque' || next.clientEndedMs !== undefined) return endControl(next, lateness(next), out);
    out.push({ kind: 'look-at-passive-range' });
    return next;
  }
  next = awaiting(next, withOverdue(next.awaited, owedInVain(next, nowMs)));
  // A held command goes by itself, with the next step.
  if (next.phase.kind === 'expect-turn' || patienceMs(next) > nowMs) return next;
  return next.phase.kind === 'expect-set-up-reply'
    ? setUpLeft(next)
    : awaiting(next, withOverdue(next.awaited, next.awaited.length));
}

/** Until when the client is kept from going on for replies that are missing. */
function patienceMs(session: Session): number {
  const { phase, terms, awaited, lastActivityMs } = session;
  const { holdTimeoutMs, commandsInFlightMax } = terms.limits;
  switch (phase.kind) {
    case 'expect-turn':
      return heldUntilMs(session, phase.held);
    case 'expect-set-up-reply':
      return phase.sinceMs + holdTimeoutMs;
    case 'expect-command':
      // Replies of the gateway alone, which wait for the end of one of the server's, are helped by no passing over.
      return isFull(awaited, commandsInFlightMax) && awaitsServer(awaited) ? lastActivityMs + holdTimeoutMs : never;
    default:
      return never;
  }
}

/** Until when the first reply of the gateway waits for those before it. */
function owedDeadlineMs(session: Session): number {
  if (session.openReply !== undefined) return never;
  for (const entry of session.awaited) {
    if (entry.kind === 'gateway') return entry.sinceMs + session.terms.limits.holdTimeoutMs;
    if (takesItsTime(session, entry)) return never;
  }
  return never;
}

/** How many entries at the head of the queue have kept replies of the gateway waiting for long enough. */
function owedInVain(session: Session, nowMs: number): number {
  if (session.openReply !== undefined) return 0;
  let count = 0;
  for (const [index, entry] of session.awaited.entries()) {
    if (entry.kind === 'gateway' && entry.sinceMs + session.terms.limits.holdTimeoutMs <= nowMs) count = index;
    if (entry.kind === 'server' && takesItsTime(session, entry)) break;
  }
  return count;
}

/** A transfer is answered when its data has passed, and that takes as long as it takes. */
function takesItsTime({ ways }: Session, { verb, way: id, answer }: AwaitedFromServer): boolean {
  if (answer === 'overdue' || !isTransferVerb(verb)) return false;
  return ways.some((way) => way.id === id && way.stage.kind !== 'ended');
}

function controlDeadlineMs(session: Session): number {
  const { terms, phase, login, loginBeganMs, startedMs, lastActivityMs, clientEndedMs } = session;
  const { limits } = terms;
  const farewellMs =
    clientEndedMs === undefined ? never : Math.max(clientEndedMs, lastActivityMs) + limits.farewellTimeoutMs;
  switch (phase.kind) {
    case 'closed':
    case 'lingering':
      return never;
    case 'expect-server':
      return Math.min(startedMs + limits.connectTimeoutMs, farewellMs);
    case 'expect-greeting':
      return Math.min(startedMs + limits.greetingTimeoutMs, farewellMs);
    case 'expect-auth-reply':
    case 'expect-handshake':
    case 'expect-clear':
    case 'expect-opaque':
      return Math.min(phase.sinceMs + limits.tlsHandshakeTimeoutMs, farewellMs);
    case 'opaque':
      return Math.min(lastActivityMs + limits.idleTimeoutMs, farewellMs);
    default:
      if (farewellMs < never && !session.ways.some(isInUse)) return farewellMs;
      if (login.kind !== 'in') return (loginBeganMs ?? startedMs) + limits.loginTimeoutMs;
      return session.ways.some(isInUse) ? never : lastActivityMs + limits.idleTimeoutMs;
  }
}

/** What a session that has run out of time ends with. */
function lateness({ phase, login, clientEndedMs }: Session): Ending {
  if (clientEndedMs !== undefined)
    return { outcome: 'closed-by-client', reason: 'the client closed', farewell: undefined };
  switch (phase.kind) {
    case 'expect-server':
      return late('upstream-timeout', 'The FTP server cannot be reached in time; try again later.');
    case 'expect-auth-reply':
    case 'expect-opaque':
      return tlsFailure('server', 'no answer to AUTH in time');
    case 'expect-handshake':
      return tlsFailure(phase.leg, 'no handshake in time');
    case 'expect-clear':
      return tlsFailure('client', 'CCC: the client did not take leave of TLS in time');
    case 'expect-greeting':
      return late('timeout-greeting', 'The FTP server sent no greeting in time; try again later.');
    default:
      return login.kind === 'in'
        ? late('timeout-idle', 'Idle for too long; closing the control connection.')
        : late('timeout-login', 'No login in time; closing the control connection.');
  }
}

function late(outcome: Ending['outcome'], sentence: string): Ending {
  return { outcome, reason: sentence, farewell: sentence };
}
