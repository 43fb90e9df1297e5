// The end of a session: who is told what, and what may go on. Data that flows is not cut because the control connection
// ends (RFC 959 §4.1.1 QUIT), unless the operator wants it so; a way that still waits is, because nobody is left to use
// it.

import { formatReply } from '../wire/reply.ts';
import type { Action } from './action.ts';
import { sendReply } from './answer.ts';
import { nothingAwaited } from './awaited-replies.ts';
import type { SessionOutcome } from './event.ts';
import type { Side } from './expectation.ts';
import { changed, holdsRange, inPhase, type Phase, type Session } from './session.ts';
import { closeWays } from './ways.ts';

const lingering: Phase = { kind: 'lingering' };
const closed: Phase = { kind: 'closed' };

/** How and why a session ends. */
export interface Ending {
  readonly outcome: SessionOutcome;
  /** For the log. */
  readonly reason: string;
  /** For the client, who reads it behind a 421; undefined where he is told nothing. */
  readonly farewell: string | undefined;
}

/** Ends the control connection. */
export function endControl(session: Session, { outcome, reason, farewell }: Ending, out: Action[]): Session {
  if (session.phase.kind === 'lingering' || session.phase.kind === 'closed') return session;
  // Behind the server's own 221 or 421 nothing more is said.
  const isLast = session.service === 'serving' || session.service === 'draining';
  // Between the records of TLS that is not ours a reply would be no reply.
  const isText = session.opaque?.client !== 'tls';
  if (farewell !== undefined && isLast && isText) sendReply(421, formatReply(421, farewell), out);
  out.push({ kind: 'close-leg', leg: 'client' }, { kind: 'close-leg', leg: 'server' });
  if (holdsRange(session)) out.push({ kind: 'close-passive-range' });
  out.push({ kind: 'record', record: { kind: 'session-ended', outcome, reason } });
  const ended = changed(session, {
    phase: lingering,
    awaited: nothingAwaited,
    openReply: undefined,
    collected: undefined,
    judging: undefined,
    opaque: undefined,
    untoldEnd: undefined,
  });
  return closeWhenDone(closeWays(ended, session.terms.endFlows ? 'answered' : 'flowing', out));
}

/** No TLS with this leg; a client whose own handshake has failed can be told nothing. */
export function tlsFailure(leg: Side, reason: string): Ending {
  const farewell =
    leg === 'server'
      ? 'The FTP server cannot be reached over TLS, without which this gateway does not use it.'
      : undefined;
  return { outcome: 'tls-failed', reason: `TLS with the ${leg}: ${reason}`, farewell };
}

/** As `endControl`, for what the client has sent: whoever only comes to be sent away shall not come at full speed. */
export function sendAway(session: Session, ending: Ending, out: Action[]): Session {
  out.push({ kind: 'charge-client' });
  return endControl(session, ending, out);
}

/** Ends everything now, flowing data included (as a reset, so that nothing looks complete). */
export function endAll(session: Session, ending: Ending, out: Action[]): Session {
  const ended = endControl(session, ending, out);
  return closeWhenDone(closeWays(ended, 'none', out));
}

/** A session without control connection is over with its last data connection. */
export function closeWhenDone(session: Session): Session {
  return session.phase.kind === 'lingering' && session.ways.length === 0 ? inPhase(session, closed) : session;
}
