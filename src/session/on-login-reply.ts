// Who is logged in after this reply to USER, PASS or ACCT? A login that fails leaves the user before it where the server
// leaves him: `530 Can't change from guest user` (vsftpd) ends no session. RFC 959 §5.4, RFC 2228 §3.

import type { Action } from './action.ts';
import { changed, type Login, type Session } from './session.ts';

/** The login once a USER command has gone to the server. */
export function loginNamed(login: Login, user: string): Login {
  return login.kind === 'in' ? { ...login, asked: user } : { kind: 'named', user };
}

export function onLoginReply(
  session: Session,
  verb: 'USER' | 'PASS' | 'ACCT',
  code: number,
  nowMs: number,
  out: Action[],
): Session {
  const { login } = session;
  // 230 logged in, 202 superfluous; RFC 2228 §3: 232 logged in by the security exchange.
  if (code === 230 || code === 232 || (code === 202 && verb !== 'USER')) return loggedIn(session, out);
  if (verb !== 'USER' || login.kind !== 'in' || login.asked === undefined) return session;
  // 331, 332: the server has let go of the first user and wants to know the second better.
  if (code < 400) return changed(session, { login: { kind: 'named', user: login.asked }, loginBeganMs: nowMs });
  return changed(session, { login: { ...login, asked: undefined } });
}

function loggedIn(session: Session, out: Action[]): Session {
  const { login } = session;
  if (login.kind === 'in' && login.asked === undefined) return session;
  const user = login.kind === 'in' ? login.asked! : login.kind === 'named' ? login.user : '';
  out.push({ kind: 'record', record: { kind: 'login', user } });
  return changed(session, { login: { kind: 'in', user, asked: undefined } });
}
