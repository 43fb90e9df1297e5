// From a set-up command that is allowed to an open way and the line that names it. The order is the law:
// a way that the server dials is open before its PORT or EPRT leaves; a way that the client dials is open before its
// 227 or 229 leaves. If it cannot be opened the client gets 425, the server hears nothing, and the session lives.

import type { Action, RewriteKind } from './action.ts';
import { answerClient } from './answer.ts';
import type { SessionEvent } from './event.ts';
import type { DataLeg } from './expectation.ts';
import { advertisedToClient, advertisedToServer, clientLeg, listenForServer } from './legs.ts';
import { refuse } from './refuse.ts';
import { announcement, askServer } from './rewrite.ts';
import { changed, expectCommand, inPhase, type Session, type SetUp, withWays } from './session.ts';
import { expected, newWay, type Way } from './way.ts';
import { supersedeUnused } from './ways.ts';

type Opened = Extract<SessionEvent, { kind: 'data-path-opened' }>;

/** Carries out a set-up that policy allows. No other command of the client's is awaited now. */
export function beginSetUp(session: Session, setUp: SetUp, out: Action[]): Session {
  const fresh = supersedeUnused(session, out);
  if (fresh.ways.length >= fresh.terms.limits.waysPerSessionMax) {
    const text = 'Too many data connections of this session are still open.';
    return refuse(fresh, { cause: 'way-limit', code: 425, text, reason: text, verb: setUp.asked }, out);
  }
  return askFor(fresh, setUp, out);
}

/** Puts the set-up to the server, in the verb that `setUp` names; also the second try in an older verb. */
export function askFor(session: Session, setUp: SetUp, out: Action[]): Session {
  const { toServer } = setUp;
  if (toServer === 'PORT' || toServer === 'EPRT') return openWay(session, setUp, listenForServer(session), out);
  out.push({ kind: 'send', to: 'server', octets: askServer(toServer) });
  return inPhase(session, { kind: 'expect-set-up-reply', setUp, way: undefined });
}

/** Asks the shell for the way; the session goes on with `onOpened` or `onUnavailable`. */
export function openWay(session: Session, setUp: SetUp, server: DataLeg, out: Action[]): Session {
  const expectation = { way: session.nextWay, client: clientLeg(session, setUp), server };
  out.push({ kind: 'open-data-path', expectation });
  return changed(session, { nextWay: session.nextWay + 1, phase: { kind: 'expect-data-path', setUp, expectation } });
}

/** The way is open: now, and only now, the line that names it may leave. */
export function onOpened(session: Session, event: Opened, nowMs: number, out: Action[]): Session {
  const { phase } = session;
  const id = event.way;
  if (phase.kind !== 'expect-data-path' || phase.expectation.way !== id) return session;
  const { setUp, expectation } = phase;
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
    openedMs: nowMs,
    transfer: undefined,
  });
  const opened = withWays(session, [...session.ways, way], id);
  if (ports.server === undefined || toServer === 'PASV' || toServer === 'EPSV')
    return announce(opened, setUp, way, out);
  recordRewrite(asked === toServer ? (toServer === 'PORT' ? 'port' : 'eprt') : 'verb-converted', out);
  out.push({ kind: 'send', to: 'server', octets: askServer(toServer, advertisedToServer(session, ports.server)) });
  return inPhase(opened, { kind: 'expect-set-up-reply', setUp, way: id });
}

export function onUnavailable(
  session: Session,
  id: number,
  cause: 'no-data-port' | 'client-share',
  reason: string,
  out: Action[],
): Session {
  const { phase } = session;
  if (phase.kind !== 'expect-data-path' || phase.expectation.way !== id) return session;
  return refuse(
    inPhase(session, expectCommand),
    {
      cause,
      code: 425,
      text:
        cause === 'client-share'
          ? 'Too many data connections from your address; close one first.'
          : 'The gateway cannot open a data connection now.',
      reason,
      verb: phase.setUp.asked,
    },
    out,
  );
}

/** Tells the client that its data connection is prepared. */
export function announce(session: Session, setUp: SetUp, way: Way, out: Action[]): Session {
  const { asked } = setUp;
  const kept = asked === setUp.toServer;
  const convertedToPassive = way.ports.server === undefined && !kept;
  if (way.ports.client !== undefined || convertedToPassive) {
    recordRewrite(kept ? (asked === 'PASV' ? 'pasv-reply' : 'epsv-reply') : 'verb-converted', out);
  }
  const port = way.ports.client;
  const { code, text } = announcement(asked, port === undefined ? undefined : advertisedToClient(session, port));
  return answerClient(inPhase(session, expectCommand), code, text, out);
}

function recordRewrite(what: RewriteKind, out: Action[]): void {
  out.push({ kind: 'record', record: { kind: 'rewrite', what } });
}
