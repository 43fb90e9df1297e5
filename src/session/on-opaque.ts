// TLS between client and server is passed through: AUTH goes to the server, and from its 234 on nothing is read, until
// CCC has the control connection in the clear again.
// Must not break: the server's ports are open to this client before AUTH can be answered, and only as long as nothing
// is read. What was learnt before is not held of who speaks afterwards; and both legs are read, or none.

import { argumentText } from '../wire/command.ts';
import type { Action } from './action.ts';
import { withNothingAwaited } from './answer.ts';
import { type AwaitedFromServer, nothingAwaited } from './awaited-replies.ts';
import { endControl } from './ending.ts';
import type { SessionEvent } from './event.ts';
import { IllegalEvent } from './event-law.ts';
import type { Side } from './expectation.ts';
import { letIn } from './on-login-reply.ts';
import type { OpaqueLegs, PassiveRange } from './opaque.ts';
import { passOn } from './pass-on.ts';
import { type Refusal, refuse } from './refuse.ts';
import { isMechanism } from './security.ts';
import { activeAt, type ClientCommand, changed, expectCommand, inPhase, nobody, type Session } from './session.ts';
import { supersedeUnused } from './ways.ts';

type Of<Kind extends SessionEvent['kind']> = Extract<SessionEvent, { kind: Kind }>;

/** A security verb where TLS is not the gateway's; of AUTH nothing else is under way. */
export function onPassedSecurityVerb(session: Session, given: ClientCommand, out: Action[]): Session {
  const { verb, argument } = given.command;
  switch (verb) {
    case 'AUTH': {
      if (session.opaque !== undefined)
        return refuse(session, refusal(verb, 503, 'The server has not left TLS yet.'), out);
      const mechanism = argumentText(argument).trim().toUpperCase();
      return isMechanism(mechanism)
        ? onPassedAuth(withNothingAwaited(session, out), given, out)
        : refuse(session, refusal(verb, 504, 'Only AUTH TLS is passed on by the gateway.'), out);
    }
    case 'PBSZ':
    case 'PROT':
    case 'CCC':
      // Before AUTH and after CCC they are for the server to judge.
      return passOn(session, given, out);
    default:
      return refuse(session, refusal(verb, 502, 'Only TLS is passed on by the gateway.'), out);
  }
}

/** It goes to the server alone, because it changes how the octets behind it are to be read. */
function onPassedAuth(session: Session, given: ClientCommand, out: Action[]): Session {
  if (session.openReply !== undefined)
    return refuse(session, refusal('AUTH', 431, 'The FTP server is in the middle of a reply; try again.'), out);
  const range = passiveRangeOf(session);
  const free = supersedeUnused(session, out);
  out.push({ kind: 'open-passive-range', range });
  return inPhase(free, { kind: 'expect-passive-range', given });
}

/** At the addresses of the control connection's legs, as all data connections. */
function passiveRangeOf({ terms, serverLocal }: Session): PassiveRange {
  const { clientPeer, clientLocal, serverPeer, tls } = terms;
  if (tls.passivePorts === undefined) throw new Error('TLS is passed through without ports for data');
  return {
    client: clientPeer.address,
    announced: clientLocal.address,
    server: serverPeer.address,
    source: (serverLocal ?? clientLocal).address,
    ports: tls.passivePorts,
  };
}

export function onRangeOpened(session: Session, event: Of<'passive-range-opened'>, out: Action[]): Session {
  const { phase } = session;
  if (phase.kind !== 'expect-passive-range') throw new IllegalEvent(event, session);
  return inPhase(passOn(session, phase.given, out), { kind: 'expect-opaque', sinceMs: session.lastActivityMs });
}

export function onRangeUnavailable(session: Session, event: Of<'passive-range-unavailable'>, out: Action[]): Session {
  if (session.phase.kind !== 'expect-passive-range') throw new IllegalEvent(event, session);
  const text = 'TLS cannot be passed through now: the gateway could not let its data connections pass.';
  return refuse(inPhase(session, expectCommand), { ...refusal('AUTH', 431, text), reason: event.reason }, out);
}

/** The server has answered AUTH, and its client has been told so. */
export function onAuthPassedOn(session: Session, code: number, out: Action[]): Session {
  if (session.phase.kind !== 'expect-opaque') return session;
  // RFC 4217 §4: 234; servers of its drafts say 334.
  if (code !== 234 && code !== 334) {
    out.push({ kind: 'close-passive-range' });
    return inPhase(session, expectCommand);
  }
  for (const leg of ['client', 'server'] as const) out.push({ kind: 'pass-through', leg });
  out.push({ kind: 'record', record: { kind: 'opaque', range: passiveRangeOf(session) } });
  return changed(session, {
    phase: { kind: 'opaque' },
    opaque: { client: 'tls', server: 'tls', trailing: 0 },
    awaited: nothingAwaited,
    login: nobody,
    setUps: 'any',
    translation: 'on',
  });
}

// What a peer may still have to say under TLS once the other has left it: its close_notify, tickets for later.
const trailingMax = 1024;

export function onOctets(session: Session, { from, octets }: Of<'octets'>, nowMs: number, out: Action[]): Session {
  const { opaque } = session;
  if (opaque === undefined) return session;
  const to: Side = from === 'client' ? 'server' : 'client';
  out.push({ kind: 'send', to, octets });
  const active = activeAt(session, nowMs);
  if (opaque[to] === 'tls') return active;
  const trailing = opaque.trailing + octets.length;
  if (trailing <= trailingMax) return changed(active, { opaque: { ...opaque, trailing } });
  const reason = `the ${from} goes on under TLS, which the ${to} has left`;
  const farewell = 'Client and server do not agree on TLS; closing the control connection.';
  return endControl(active, { outcome: 'protocol-error', reason, farewell }, out);
}

/** What follows from that peer is text again. */
export function onLegCleared(session: Session, event: Of<'leg-cleared'>, out: Action[]): Session {
  const { opaque } = session;
  if (opaque === undefined || opaque[event.leg] === 'cleared') throw new IllegalEvent(event, session);
  const next = read(session, { ...opaque, [event.leg]: 'cleared' }, out);
  return event.leg === 'client' ? onClientCleared(next, out) : onServerCleared(next);
}

function read(session: Session, opaque: OpaqueLegs, out: Action[]): Session {
  if (opaque.client === 'tls' || opaque.server === 'tls') return changed(session, { opaque });
  out.push({ kind: 'close-passive-range' }, { kind: 'record', record: { kind: 'read-again' } });
  return changed(session, { opaque: undefined });
}

/** Servers take CCC from whoever is logged in (RFC 2228 §3), and nobody knows who that is. */
function onClientCleared(session: Session, out: Action[]): Session {
  return letIn(inPhase(session, expectCommand), '', out);
}

/** Before its client has left TLS, a server can only say in the clear what it thinks of CCC. */
function onServerCleared(session: Session): Session {
  if (session.phase.kind !== 'opaque') return session;
  const asked: AwaitedFromServer = {
    kind: 'server',
    asker: 'client',
    verb: 'CCC',
    way: undefined,
    setUp: undefined,
    user: undefined,
    protection: undefined,
    progress: 'asked',
    answer: 'certain',
  };
  return changed(session, { awaited: [asked] });
}

/** Nothing was said for long; but who transfers data says nothing meanwhile. */
export function onRangeLooked(
  session: Session,
  { connections }: Of<'passive-range-looked'>,
  nowMs: number,
  out: Action[],
): Session {
  if (connections > 0) return activeAt(session, nowMs);
  const reason = 'nothing was said and nothing transferred for too long';
  return endControl(session, { outcome: 'timeout-idle', reason, farewell: undefined }, out);
}

/** The kernel does not hold the ports open any more, and no transfer would come about. */
export function onRangeLost(session: Session, { reason }: Of<'passive-range-lost'>, out: Action[]): Session {
  const farewell = 'The gateway cannot let data connections pass any more; closing the control connection.';
  return endControl(session, { outcome: 'passive-range-lost', reason, farewell }, out);
}

function refusal(verb: string, code: number, text: string): Refusal {
  return { cause: 'tls', code, text, reason: `${verb}: ${text}`, verb };
}
