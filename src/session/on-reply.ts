// A whole reply of the server: which command does it answer, and what changes with it?
// 1yz marks, 2yz–5yz end a command (RFC 959 §4.2); 120 and 421 may come unasked.

import type { Action } from './action.ts';
import { answerClient } from './answer.ts';
import {
  type AwaitedFromServer,
  indexAnswered,
  isQuiet,
  nothingAwaited,
  withoutAnswered,
  withoutPassedOver,
} from './awaited-replies.ts';
import { resumeSetUp } from './on-client-line.ts';
import { onLoginReply } from './on-login-reply.ts';
import { recordRefusal } from './refuse.ts';
import {
  awaiting,
  changed,
  collecting,
  expectCommand,
  inPhase,
  nobody,
  type ReplyTreatment,
  type Session,
} from './session.ts';
import { onSetUpReply } from './set-up-reply.ts';
import { onTransferMark, onTransferReply, supersedeUnused } from './ways.ts';

export function onReply(
  session: Session,
  code: number,
  treatment: ReplyTreatment,
  nowMs: number,
  out: Action[],
): Session {
  const { phase } = session;
  switch (phase.kind) {
    case 'expect-greeting':
      return treatment === 'withhold' ? onUnasked(session, code, treatment, out) : onGreeting(session, code, nowMs);
    case 'expect-set-up-reply':
      if (treatment !== 'collect') return onAnswer(session, code, treatment, nowMs, out);
      // 1yz to a set-up is in no standard; the final reply is what counts.
      if (code < 200) return collecting(session, []);
      return onSetUpReply(awaiting(session, nothingAwaited), phase.setUp, phase.way, code, out);
    default:
      return onAnswer(session, code, treatment, nowMs, out);
  }
}

function onGreeting(session: Session, code: number, nowMs: number): Session {
  // RFC 959 §5.4: 120 announces a delay; 220 greets. A 421 or 530 is followed by the server's own close.
  return code < 200 ? session : changed(session, { phase: expectCommand, loginBeganMs: nowMs });
}

function onAnswer(session: Session, code: number, treatment: ReplyTreatment, nowMs: number, out: Action[]): Session {
  const index = indexAnswered(session.awaited, code);
  const entry = index === undefined ? undefined : session.awaited[index];
  if (index === undefined || entry?.kind !== 'server') return onUnasked(session, code, treatment, out);
  if (code < 200) {
    const awaited = withoutPassedOver(session.awaited, index);
    return onTransferMark(awaiting(session, awaited), entry.way, out);
  }
  let next: Session = awaiting(session, withoutAnswered(session.awaited, index));
  if (treatment === 'withhold') next = replaceWithheld(next, entry, code, out);
  return onFinal(next, entry, code, nowMs, out);
}

function onFinal(session: Session, entry: AwaitedFromServer, code: number, nowMs: number, out: Action[]): Session {
  if (entry.way !== undefined) return onTransferReply(session, entry.way, code, out);
  switch (entry.verb) {
    case 'USER':
    case 'PASS':
    case 'ACCT':
      return onLoginReply(session, entry.verb, code, nowMs, out);
    case 'REIN':
      // RFC 959 §4.1.1: as after the greeting; the old user's way must not serve the next one.
      if (code >= 300) return session;
      return changed(supersedeUnused(session, out), {
        login: nobody,
        loginBeganMs: nowMs,
        setUps: 'any',
        translation: 'on',
      });
    case 'QUIT':
      return code < 300 ? changed(session, { service: 'leaving' }) : session;
    default:
      return session;
  }
}

/** All before it is answered, by the server or by the gateway: the set-up that waited has its turn. */
export function resumeHeld(session: Session, out: Action[]): Session {
  if (session.phase.kind !== 'expect-replies' || !isQuiet(session.awaited)) return session;
  return resumeSetUp(inPhase(session, expectCommand), session.phase.line, out);
}

function onUnasked(session: Session, code: number, treatment: ReplyTreatment, out: Action[]): Session {
  if (treatment === 'withhold') {
    recordRefusal(
      { cause: 'unsolicited-reply', reason: `a ${code} that nobody asked for`, bounce: 'unsolicited-passive' },
      out,
    );
  }
  return session;
}

/** The command still gets one well-formed reply. */
function replaceWithheld(session: Session, entry: AwaitedFromServer, code: number, out: Action[]): Session {
  const reason = `a ${code} in answer to ${entry.verb}`;
  recordRefusal({ cause: 'unsolicited-reply', reason, bounce: 'unsolicited-passive', verb: entry.verb }, out);
  // At the head of the order: it stands for the reply that was withheld.
  const { awaited } = session;
  const answered = answerClient(
    awaiting(session, nothingAwaited),
    451,
    'The server gave a reply that the gateway withholds.',
    out,
  );
  return awaiting(answered, awaited);
}
