// Who is logged in after this reply to USER, PASS or ACCT? Whatever is positive lets in, for servers have codes of
// their own (PASS answered 220 or 200, USER answered 200). A login that fails leaves the user before it where the
// server leaves him: `530 Can't change from guest user` (vsftpd) ends no session. RFC 959 §4.2.1 and §5.4, RFC 2228 §3.
// Must not break: nobody is in whom the server has not let in, also where several names were sent at once.

import type { Action } from './action.ts';
import type { AwaitedFromServer } from './awaited-replies.ts';
import { protectServerData } from './server-leg-security.ts';
import { changed, type Session } from './session.ts';

export function onLoginReply(
  session: Session,
  { verb, user }: AwaitedFromServer,
  code: number,
  out: Action[],
): Session {
  if (code >= 400) return session;
  if (verb === 'USER') return onUserReply(session, user ?? '', code, out);
  const { login } = session;
  // 3yz: the server wants to know more (332: the account).
  if (code >= 300 || login.kind === 'in') return session;
  return letIn(session, login.kind === 'named' ? login.user : '', out);
}

function onUserReply(session: Session, user: string, code: number, out: Action[]): Session {
  if (code < 300) return letIn(session, user, out);
  // 331, 332: the server has begun a new login, and so has logged out whoever was in before.
  const began = session.login.kind === 'in' ? session.lastActivityMs : session.loginBeganMs;
  return changed(session, { login: { kind: 'named', user }, loginBeganMs: began });
}

/** The server has let in this user, whose name is empty where it asked for none. */
export function letIn(session: Session, user: string, out: Action[]): Session {
  out.push({ kind: 'record', record: { kind: 'login', user } });
  return protectServerData(changed(session, { login: { kind: 'in', user } }), out);
}
