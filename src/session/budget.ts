// How long is a session patient with what leads nowhere? Empty lines, Telnet commands alone, refused and unknown
// commands, servers that announce a delay again and again: each costs the gateway as much as a useful line, and may
// come without end. Every line in vain spends one, a second gives one back, and so does a command that reaches the
// server after a login: a mirror tool that is refused one command for each file never comes to the end of it.

import type { Action } from './action.ts';
import { endControl, sendAway } from './ending.ts';
import { changed, type Session } from './session.ts';

// Before a login an honest client is refused a dozen commands at most (AUTH, FEAT, CLNT, OPTS …).
const partBeforeLogin = 4;

/** The session after a client's line that led to these actions, from `first` on. */
export function reckonClientLine(session: Session, first: number, out: Action[]): Session {
  const led = whatItLedTo(out, first);
  if (led === 'nowhere') {
    const text = 'Too many commands that lead nowhere; closing the control connection.';
    const reason = 'the client has sent too many lines that lead nowhere';
    return spendOne(session) ?? sendAway(session, { outcome: 'budget-spent', reason, farewell: text }, out);
  }
  return led === 'to-the-server' && session.login.kind === 'in' ? earnOne(session) : session;
}

/** The session after a server's line: until it greets, everything that it says whole is a delay. */
export function reckonServerLine(session: Session, out: Action[]): Session {
  if (session.phase.kind !== 'expect-greeting' || session.openReply !== undefined) return session;
  const text = 'The FTP server does not greet; try again later.';
  const reason = 'the server has sent too many lines before its greeting';
  return spendOne(session) ?? endControl(session, { outcome: 'budget-spent', reason, farewell: text }, out);
}

function whatItLedTo(out: readonly Action[], first: number): 'nowhere' | 'to-the-server' | 'to-an-answer' {
  let led: 'nowhere' | 'to-the-server' | 'to-an-answer' = 'nowhere';
  for (let index = first; index < out.length; index++) {
    const action = out[index]!;
    if (action.kind === 'record' && action.record.kind === 'refusal') return 'nowhere';
    if (action.kind === 'send' && action.to === 'server') led = 'to-the-server';
    else if (action.kind === 'record' && action.record.kind === 'command' && led === 'nowhere') led = 'to-an-answer';
  }
  return led;
}

/** Undefined where nothing is left to spend. */
function spendOne(session: Session): Session | undefined {
  const nowMs = session.lastActivityMs;
  const max = budgetMax(session);
  const { left, atMs } = session.budget ?? { left: max, atMs: nowMs };
  // Whole seconds only, so that many lines within one do not add up to more than there were.
  const seconds = Math.floor((nowMs - atMs) / 1000);
  const now = Math.min(max, left + seconds) - 1;
  if (now < 0) return undefined;
  return changed(session, { budget: { left: now, atMs: atMs + seconds * 1000 } });
}

function earnOne(session: Session): Session {
  if (session.budget === undefined) return session;
  const { left, atMs } = session.budget;
  return left >= budgetMax(session) ? session : changed(session, { budget: { left: left + 1, atMs } });
}

function budgetMax({ login, terms }: Session): number {
  const { refusedCommandsMax } = terms.limits;
  return login.kind === 'in' ? refusedCommandsMax : Math.ceil(refusedCommandsMax / partBeforeLogin);
}
