// A leg has become protected, or could not, or has become clear again.

import type { Action } from './action.ts';
import { endControl, tlsFailure } from './ending.ts';
import type { SessionEvent } from './event.ts';
import { IllegalEvent } from './event-law.ts';
import type { Side } from './expectation.ts';
import { beginClientHandshake } from './on-security-verb.ts';
import type { AfterHandshake } from './security.ts';
import { protectServerData } from './server-leg-security.ts';
import { changed, expectCommand, expectGreeting, expectServer, inPhase, type Session } from './session.ts';

type TlsUp = Extract<SessionEvent, { kind: 'tls-up' }>;
type TlsFailed = Extract<SessionEvent, { kind: 'tls-failed' }>;

/** The connection begins with a handshake (implicit TLS). */
export function startTls(session: Session, leg: Side, next: AfterHandshake, nowMs: number, out: Action[]): Session {
  out.push({ kind: 'start-tls', leg, before: 'nothing' });
  return inPhase(session, { kind: 'expect-handshake', leg, sinceMs: nowMs, next });
}

export function onTlsUp(session: Session, event: TlsUp, nowMs: number, out: Action[]): Session {
  const { phase, security } = session;
  const { leg, facts } = event;
  if (phase.kind !== 'expect-handshake') throw new IllegalEvent(event, session);
  out.push({ kind: 'record', record: { kind: 'tls-up', leg, facts } });
  const certificate = leg === 'client' ? facts.peerSubject : security.clientCertificate;
  const secured = changed(session, {
    security: { ...security, [leg]: 'tls', clientCertificate: certificate },
    lastActivityMs: nowMs,
  });
  switch (phase.next.kind) {
    case 'dial':
      out.push({ kind: 'dial-server' });
      return inPhase(secured, expectServer);
    case 'greeting':
      return inPhase(secured, expectGreeting);
    case 'client-handshake':
      return beginClientHandshake(secured, phase.next.mechanism, out);
    case 'commands':
      return inPhase(leg === 'client' ? forgetful(secured, nowMs) : protectServerData(secured, out), expectCommand);
  }
}

/** What was said in the clear may have been said by anybody on the path. */
function forgetful(session: Session, nowMs: number): Session {
  return changed(session, { loginBeganMs: nowMs, setUps: 'any', translation: 'on' });
}

export function onTlsFailed(session: Session, { leg, reason }: TlsFailed, out: Action[]): Session {
  out.push({ kind: 'record', record: { kind: 'tls-failed', leg, reason } });
  return endControl(session, tlsFailure(leg, reason), out);
}

/** Both ends have taken leave of TLS (RFC 4217 §7). */
export function onTlsDown(session: Session): Session {
  return changed(session, { phase: expectCommand, security: { ...session.security, client: 'cleared' } });
}
