// The end of a session: who is told what, and what may go on. Data that flows is not cut because the control connection
// ends (RFC 959 §4.1.1 QUIT), unless the operator wants it so; a way that still waits is, because nobody is left to use it.

import { formatReply } from '../wire/reply.ts';
import type { Action } from './action.ts';
import { sendReply } from './answer.ts';
import { nothingAwaited } from './awaited-replies.ts';
import type { SessionOutcome } from './event.ts';
import { changed, inPhase, noLines, type Phase, type Session } from './session.ts';
import { closeWays } from './ways.ts';

const lingering: Phase = { kind: 'lingering' };
const closed: Phase = { kind: 'closed' };

/** Ends the control connection; the client reads a 421 where `farewell` says why. */
export function endControl(
  session: Session,
  outcome: SessionOutcome,
  reason: string,
  farewell: string | undefined,
  out: Action[],
): Session {
  if (session.phase.kind === 'lingering' || session.phase.kind === 'closed') return session;
  if (farewell !== undefined) {
    sendReply(421, formatReply(421, farewell), out);
  }
  out.push({ kind: 'close-leg', leg: 'client' }, { kind: 'close-leg', leg: 'server' });
  out.push({ kind: 'record', record: { kind: 'session-ended', outcome, reason } });
  const ended = changed(session, {
    phase: lingering,
    awaited: nothingAwaited,
    openReply: undefined,
    collected: noLines,
  });
  return closeWhenDone(closeWays(ended, session.terms.endFlows ? 'answered' : 'flowing', out));
}

/** Ends everything now, flowing data included (as a reset, so that nothing looks complete). */
export function endAll(
  session: Session,
  outcome: SessionOutcome,
  reason: string,
  farewell: string,
  out: Action[],
): Session {
  const ended = endControl(session, outcome, reason, farewell, out);
  return closeWhenDone(closeWays(ended, 'none', out));
}

/** A session without control connection is over with its last data connection. */
export function closeWhenDone(session: Session): Session {
  return session.phase.kind === 'lingering' && session.ways.length === 0 ? inPhase(session, closed) : session;
}
