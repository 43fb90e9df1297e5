// The gateway as a client of the server: it asks for TLS (RFC 4217 §4) and for protected data connections (§9) by
// itself, and its client never sees the replies.
// Must not break: where TLS is demanded of the server leg, no login and no data goes to the server without it.

import { latin1Octets } from '../wire/latin1.ts';
import type { Action } from './action.ts';
import { type AwaitedFromServer, withAsked } from './awaited-replies.ts';
import { endControl, tlsFailure } from './ending.ts';
import { recordRefusal, refuse } from './refuse.ts';
import type { AfterHandshake, Mechanism } from './security.ts';
import { awaiting, changed, expectCommand, inPhase, type Session } from './session.ts';
import { onDirectoryReply } from './working-directory.ts';

/** Must the server be asked for TLS before its client may say anything? */
export function wantsServerTls({ terms: { tls }, security }: Session): boolean {
  if (security.server === 'tls') return false;
  return tls.server === 'required' || (tls.server === 'match-client' && security.client === 'tls');
}

/** Must the data connections of the server leg be private, whatever the client has asked for its own? */
export function wantsServerDataPrivate({ terms: { tls } }: Session): boolean {
  return tls.server === 'required' || tls.server === 'implicit';
}

export function askServerForTls(session: Session, mechanism: Mechanism, next: AfterHandshake, out: Action[]): Session {
  const asked = askOfOwn(session, 'AUTH', `AUTH ${mechanism}\r\n`, out);
  return inPhase(asked, { kind: 'expect-auth-reply', sinceMs: session.lastActivityMs, next });
}

/** Servers want PBSZ and PROT after the login, as most clients send them. */
export function protectServerData(session: Session, out: Action[]): Session {
  const { security, login } = session;
  if (security.server !== 'tls' || login.kind !== 'in' || security.serverData === 'private') return session;
  if (!wantsServerDataPrivate(session)) return session;
  return askOfOwn(askOfOwn(session, 'PBSZ', 'PBSZ 0\r\n', out), 'PROT', 'PROT P\r\n', out);
}

function askOfOwn(session: Session, verb: string, line: string, out: Action[]): Session {
  out.push({ kind: 'send', to: 'server', octets: latin1Octets(line) });
  const asked: AwaitedFromServer = {
    kind: 'server',
    asker: 'gateway',
    verb,
    way: undefined,
    setUp: undefined,
    user: undefined,
    protection: verb === 'PROT' ? 'private' : undefined,
    progress: 'asked',
    answer: 'certain',
  };
  return awaiting(session, withAsked(session.awaited, asked, session.terms.limits.commandsInFlightMax));
}

/** The final reply to what the gateway has asked of its own accord; the client has not seen it. */
export function onOwnReply(session: Session, entry: AwaitedFromServer, code: number, out: Action[]): Session {
  const { verb } = entry;
  switch (verb) {
    case 'AUTH':
      return onAuthReply(session, code, out);
    case 'PROT':
      if (code < 300) return changed(session, { security: { ...session.security, serverData: 'private' } });
      recordRefusal({ cause: 'tls', reason: `the server answered PROT P with ${code}`, verb }, out);
      return session;
    case 'PWD':
      return onDirectoryReply(session, entry, code);
    default:
      // Whether PBSZ was to the server's liking shows with its answer to PROT.
      return session;
  }
}

function onAuthReply(session: Session, code: number, out: Action[]): Session {
  const { phase } = session;
  if (phase.kind !== 'expect-auth-reply') return session;
  // RFC 4217 §4: 234; servers of its drafts say 334.
  if (code === 234 || code === 334) {
    out.push({ kind: 'start-tls', leg: 'server', before: 'in-the-clear' });
    const sinceMs = session.lastActivityMs;
    return inPhase(session, { kind: 'expect-handshake', leg: 'server', sinceMs, next: phase.next });
  }
  const reason = `the server answered AUTH with ${code}`;
  if (phase.next.kind === 'client-handshake') {
    // RFC 2228 §5: a resource that the mechanism needs is missing. Never silently half of what was asked.
    const text = 'The FTP server does not offer TLS.';
    return refuse(inPhase(session, expectCommand), { cause: 'tls', code: 431, text, reason, verb: 'AUTH' }, out);
  }
  return endControl(session, tlsFailure('server', reason), out);
}
