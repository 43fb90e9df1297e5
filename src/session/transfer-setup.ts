// From a set-up command that is allowed to an open way and the line that names it. The order is the law:
// a way that the server dials is open before its PORT or EPRT leaves; a way that the client dials is open before its
// 227 or 229 leaves. If it cannot be opened the client gets 425, the server hears nothing, and the session lives.

import type { Action, RewriteKind } from './action.ts';
import { answerInPlace } from './answer.ts';
import { type AwaitedFromServer, withAsked } from './awaited-replies.ts';
import type { SessionEvent } from './event.ts';
import { IllegalEvent } from './event-law.ts';
import type { DataLeg, Expectation, SetUp } from './expectation.ts';
import { waysAnswered } from './in-doubt.ts';
import { advertisedToClient, advertisedToServer, clientLeg, listenForServer } from './legs.ts';
import { type Refusal, refuse, refuseInPlace } from './refuse.ts';
import { isPassiveVerb } from './reply-fit.ts';
import { announcement, askServer } from './rewrite.ts';
import { changed, expectCommand, inPhase, type Phase, type Session, withWays } from './session.ts';
import { expected, newWay, type Way } from './way.ts';
import { supersedeUnused } from './ways.ts';

type Opened = Extract<SessionEvent, { kind: 'data-path-opened' }>;
type Unavailable = Extract<SessionEvent, { kind: 'data-path-unavailable' }>;

/** Carries out a set-up that policy allows. */
export function beginSetUp(session: Session, setUp: SetUp, out: Action[]): Session {
  const fresh = supersedeUnused(session, out);
  const refusal = wayLimit(fresh, setUp);
  return refusal === undefined ? askFor(fresh, setUp, out) : refuse(fresh, refusal, out);
}

/** Why the session may have no further way. */
export function wayLimit({ ways, terms }: Session, setUp: SetUp): Refusal | undefined {
  if (ways.length < terms.limits.waysPerSessionMax) return undefined;
  const text = 'Too many data connections of this session are still open.';
  return { cause: 'way-limit', code: 425, text, reason: text, verb: setUp.asked };
}

/** Puts the set-up to the server, in the verb that `setUp` names; also the second try in an older verb. */
export function askFor(session: Session, setUp: SetUp, out: Action[]): Session {
  const { toServer } = setUp;
  if (toServer === 'PORT' || toServer === 'EPRT') return openWay(session, setUp, listenForServer(session), out);
  out.push({ kind: 'send', to: 'server', octets: askServer(toServer) });
  return setUpAsked(session, setUp, undefined, out);
}

/** The server has been asked; its reply is awaited like any other, and nothing overtakes the set-up meanwhile. */
function setUpAsked(session: Session, setUp: SetUp, way: number | undefined, out: Action[]): Session {
  const asked: AwaitedFromServer = {
    kind: 'server',
    asker: 'client',
    verb: setUp.toServer,
    way,
    setUp,
    user: undefined,
    protection: undefined,
    progress: 'asked',
    answer: 'certain',
  };
  const sinceMs = session.lastActivityMs;
  // Who has ended his direction has said what he wants, and nothing that he said must wait.
  const phase: Phase = session.clientEndedMs === undefined ? { kind: 'expect-set-up-reply', sinceMs } : expectCommand;
  const next = changed(session, {
    awaited: withAsked(session.awaited, asked, session.terms.limits.commandsInFlightMax),
    phase,
  });
  // What has become of earlier transfers is of interest before the next one; the set-up need not wait for it.
  const ways = waysAnswered(next);
  if (ways.length > 0) out.push({ kind: 'look-at-ways', ways: ways.map(({ id }) => id), when: 'after-sending' });
  return next;
}

/** Asks the shell for the way; the session goes on with `onOpened` or `onUnavailable`. */
export function openWay(session: Session, setUp: SetUp, server: DataLeg, out: Action[]): Session {
  const { security } = session;
  const mayBeProtected = security.client !== 'clear' || security.server !== 'clear';
  const legs = { way: session.nextWay, client: clientLeg(session, setUp), server };
  const expectation: Expectation = mayBeProtected ? { ...legs, tls: 'by-transfer' } : legs;
  out.push({ kind: 'open-data-path', expectation });
  const then = session.phase;
  return changed(session, {
    nextWay: session.nextWay + 1,
    phase: { kind: 'expect-data-path', setUp, expectation, then },
  });
}

/** The way is open: now, and only now, the line that names it may leave. */
export function onOpened(session: Session, event: Opened, nowMs: number, out: Action[]): Session {
  const { phase } = session;
  const id = event.way;
  if (phase.kind !== 'expect-data-path') throw new IllegalEvent(event, session);
  const { setUp, expectation, then } = phase;
  const { plane, ports } = event;
  const { asked, toServer } = setUp;
  const setUpMs = event.tookMs;
  out.push({
    kind: 'record',
    record: { kind: 'way-opened', way: id, plane, asked, toServer, expectation, ports, setUpMs },
  });
  const way: Way = newWay({
    id,
    plane,
    expectation,
    ports,
    stage: ports.server === undefined ? expected : { kind: 'unconfirmed', serverArrived: 'no' },
    freeSinceMs: nowMs,
    keptMs: nowMs,
    renewals: 0,
    transfer: undefined,
  });
  const opened = withWays(inPhase(session, then), [...session.ways, way], id);
  if (ports.server === undefined || isPassiveVerb(toServer)) return announce(opened, setUp, way, out);
  recordRewrite(asked === toServer ? (toServer === 'PORT' ? 'port' : 'eprt') : 'verb-converted', out);
  out.push({ kind: 'send', to: 'server', octets: askServer(toServer, advertisedToServer(session, ports.server)) });
  return setUpAsked(opened, setUp, id, out);
}

export function onUnavailable(session: Session, event: Unavailable, out: Action[]): Session {
  const { phase } = session;
  if (phase.kind !== 'expect-data-path') throw new IllegalEvent(event, session);
  const { setUp, then } = phase;
  const { cause = 'no-data-port', reason } = event;
  const text =
    cause === 'client-share'
      ? 'Too many data connections from your address; close one first.'
      : 'The gateway cannot open a data connection now.';
  const refusal: Refusal = { cause, code: 425, text, reason, verb: setUp.asked };
  // The server has answered a passive set-up already, and nobody has heard of an active one.
  const place = isPassiveVerb(setUp.toServer) ? refuseInPlace : refuse;
  return place(inPhase(session, then), refusal, out);
}

/** Tells the client, in the place of the server's reply, that its data connection is prepared. */
export function announce(session: Session, setUp: SetUp, way: Way, out: Action[]): Session {
  const { asked } = setUp;
  const kept = asked === setUp.toServer;
  const convertedToPassive = way.ports.server === undefined && !kept;
  if (way.ports.client !== undefined || convertedToPassive) {
    recordRewrite(kept ? (asked === 'PASV' ? 'pasv-reply' : 'epsv-reply') : 'verb-converted', out);
  }
  const port = way.ports.client;
  const { code, text } = announcement(asked, port === undefined ? undefined : advertisedToClient(session, port));
  return answerInPlace(session, code, text, out);
}

function recordRewrite(what: RewriteKind, out: Action[]): void {
  out.push({ kind: 'record', record: { kind: 'rewrite', what } });
}
