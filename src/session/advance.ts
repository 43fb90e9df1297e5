// The whole behaviour of a session as one pure function, and the only switch over event kinds.
// No socket, no clock, no randomness: the same session, event and time always give the same step.

import type { ControlLine } from '../wire/line-splitter.ts';
import type { Action } from './action.ts';
import { sendOwedReplies } from './answer.ts';
import { isQuiet } from './awaited-replies.ts';
import { reckonClientLine, reckonServerLine } from './budget.ts';
import { onClientEnded, onClientEnding, tellClientEnd } from './client-end.ts';
import { nextDeadlineMs, onClock } from './deadline.ts';
import { closeWhenDone, type Ending, endAll, endControl } from './ending.ts';
import type { SessionEvent } from './event.ts';
import { raceOf } from './event-law.ts';
import type { Side, WayNews } from './expectation.ts';
import { waysInDoubt } from './in-doubt.ts';
import { onClientLine } from './on-client-line.ts';
import { resumeHeld } from './on-command.ts';
import { onFirstOctets } from './on-first-octets.ts';
import { onLegCleared, onOctets, onRangeLooked, onRangeLost, onRangeOpened, onRangeUnavailable } from './on-opaque.ts';
import { onServerLine } from './on-server-line.ts';
import { onTlsDown, onTlsFailed, onTlsUp, startTls } from './on-tls.ts';
import { activeAt, changed, expectGreeting, type Session, type Step } from './session.ts';
import { onOpened, onUnavailable } from './transfer-setup.ts';
import type { Way } from './way.ts';
import { onArrived, onAttempted, onDataEnded, onJoined } from './ways.ts';

export function advance(session: Session, event: SessionEvent, nowMs: number): Step {
  const actions: Action[] = [];
  const taken = take(session, event, nowMs, actions);
  if (taken.judging !== undefined) return { session: taken, actions };
  const next = goOn(taken, nowMs, actions);
  return { session: tellsTime(event) ? whatElseIsDue(next, nowMs, actions) : next, actions };
}

/** The clock may have let a held command go, and the answer to what that has asked comes at the same time. */
function tellsTime({ kind }: SessionEvent): boolean {
  return kind === 'clock' || kind === 'data-path-opened' || kind === 'data-path-unavailable';
}

/** A held command that has gone may have ended what a reply of the gateway was waiting for. */
function whatElseIsDue(session: Session, nowMs: number, out: Action[]): Session {
  if (isAnsweredNext(session) || nextDeadlineMs(session) > nowMs) return session;
  return goOn(onClock(session, nowMs, out), nowMs, out);
}

/** Has something been asked of the shell that it answers before anything else? */
function isAnsweredNext({ phase }: Session): boolean {
  return phase.kind === 'expect-data-path' || phase.kind === 'expect-passive-range' || phase.kind === 'opaque';
}

/** What has become possible: replies of the gateway, the command that was held, the end of one side's direction. */
function goOn(session: Session, nowMs: number, out: Action[]): Session {
  // A way that is being opened is answered first; then all of this is due again.
  if (session.phase.kind === 'expect-data-path') return session;
  const next = sendOwedReplies(session, out);
  const resumed = resumeHeld(next, nowMs, out);
  // The held command may have been answered by the gateway, and nothing be left to wait for.
  return drainIfIdle(tellClientEnd(resumed === next ? next : sendOwedReplies(resumed, out), out), out);
}

/** Where what has happened cannot be judged before ways have been looked at, it is kept until then. */
function take(session: Session, event: SessionEvent, nowMs: number, out: Action[]): Session {
  if (event.kind === 'ways-looked') return onLooked(session, event.news, nowMs, out);
  if (raceOf(session, event) !== undefined) return session;
  const ways = waysInDoubt(session, event);
  if (ways.length === 0) return judge(session, event, nowMs, out);
  out.push({ kind: 'look-at-ways', ways: ways.map(({ id }) => id), when: 'now' });
  return changed(session, { judging: event });
}

function onLooked(session: Session, news: readonly WayNews[], nowMs: number, out: Action[]): Session {
  const { judging } = session;
  let next = judging === undefined ? session : changed(session, { judging: undefined });
  for (const each of judging === undefined ? news : [...news, judging]) {
    if (raceOf(next, each) === undefined) next = judge(next, each, nowMs, out);
  }
  return next;
}

function judge(session: Session, event: SessionEvent, nowMs: number, out: Action[]): Session {
  switch (event.kind) {
    case 'accepted':
      return onAccepted(session, nowMs, out);
    case 'server-connected':
      return onConnected(changed(session, { phase: expectGreeting, serverLocal: event.local }), nowMs, out);
    case 'server-unreachable':
      return endControl(session, unreachable(event.reason), out);
    case 'first-octets':
      return onFirstOctets(session, event, out);
    case 'line':
      return onLine(session, event.from, event.line, nowMs, out);
    case 'tls-up':
      return onTlsUp(session, event, nowMs, out);
    case 'tls-failed':
      return onTlsFailed(session, event, out);
    case 'tls-down':
      return onTlsDown(session);
    case 'octets':
      return onOctets(session, event, nowMs, out);
    case 'leg-cleared':
      return onLegCleared(session, event, out);
    case 'passive-range-opened':
      return onRangeOpened(session, event, out);
    case 'passive-range-unavailable':
      return onRangeUnavailable(session, event, out);
    case 'passive-range-looked':
      return onRangeLooked(session, event, nowMs, out);
    case 'passive-range-lost':
      return onRangeLost(session, event, out);
    case 'clear-text-discarded':
      out.push({ kind: 'record', record: event });
      return session;
    case 'leg-ending':
      return onClientEnding(session, nowMs);
    case 'leg-ended':
      return onLegEnded(session, event, nowMs, out);
    case 'data-path-opened':
      return onOpened(session, event, nowMs, out);
    case 'data-path-unavailable':
      return onUnavailable(session, event, out);
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
    case 'ways-looked':
      return session;
    case 'rules-changed':
      return changed(session, { terms: { ...session.terms, ruleset: event.ruleset } });
    case 'clock':
      return onClock(session, nowMs, out);
    case 'drain':
      // After a goodbye of the server's it closes by itself: the client has had its last reply.
      return session.service === 'serving' ? changed(session, { service: 'draining' }) : session;
    case 'end':
      return endAll(session, { ...event, farewell: 'The gateway is closing this control connection.' }, out);
  }
}

/** Implicit TLS begins with the connection; the server hears of the client once that has succeeded. */
function onAccepted(session: Session, nowMs: number, out: Action[]): Session {
  if (session.terms.tls.client === 'implicit') return startTls(session, 'client', { kind: 'dial' }, nowMs, out);
  out.push({ kind: 'dial-server' });
  return session;
}

function onConnected(session: Session, nowMs: number, out: Action[]): Session {
  return session.terms.tls.server === 'implicit'
    ? startTls(session, 'server', { kind: 'greeting' }, nowMs, out)
    : session;
}

function unreachable(reason: string): Ending {
  const farewell = 'The FTP server cannot be reached; try again later.';
  return { outcome: 'upstream-unreachable', reason, farewell };
}

function onLine(session: Session, from: Side, line: ControlLine, nowMs: number, out: Action[]): Session {
  const active = activeAt(session, nowMs);
  const first = out.length;
  return from === 'client'
    ? reckonClientLine(onClientLine(active, line, out), first, out)
    : reckonServerLine(onServerLine(active, line, out), out);
}

type LegEnded = Extract<SessionEvent, { kind: 'leg-ended' }>;

function onLegEnded(session: Session, { leg, how, reason }: LegEnded, nowMs: number, out: Action[]): Session {
  if (leg === 'server') return onServerEnded(session, how, reason, out);
  return onClientEnded(session, { how, reason }, nowMs, out);
}

function onServerEnded(session: Session, how: 'end' | 'reset', reason: string, out: Action[]): Session {
  if (session.service === 'leaving')
    return endControl(session, { outcome: 'closed-by-client', reason: 'QUIT', farewell: undefined }, out);
  // Commands without answer, a transfer among them, must not look done: the client is told before the connection ends.
  const orderly = how === 'end' && isQuiet(session.awaited) && session.phase.kind === 'expect-command';
  // It only does what its client has done before it.
  if (orderly && session.clientEndedMs !== undefined)
    return endControl(session, { outcome: 'closed-by-client', reason: 'the client closed', farewell: undefined }, out);
  const farewell = orderly ? undefined : 'The FTP server ended the control connection.';
  return endControl(session, { outcome: 'closed-by-server', reason, farewell }, out);
}

/** An ended data connection that no command ever used keeps nobody waiting. */
function isPending(way: Way): boolean {
  return way.stage.kind !== 'ended' || way.transfer !== undefined;
}

/** A draining session ends as soon as nothing of it is under way (RFC 959 §5.4: 421, service closing). */
function drainIfIdle(session: Session, out: Action[]): Session {
  if (session.service !== 'draining' || session.phase.kind === 'lingering' || session.phase.kind === 'closed')
    return session;
  const idle = session.phase.kind === 'expect-command' && isQuiet(session.awaited) && !session.ways.some(isPending);
  if (!idle) return session;
  const farewell = 'The gateway is going down for maintenance; try again later.';
  return endControl(session, { outcome: 'drained', reason: 'the gateway is going down', farewell }, out);
}
