// A whole reply of the server: which command does it answer, and what changes with it?
// 1yz marks, 2yz–5yz end a command (RFC 959 §4.2); 120 and 421 may come unasked.

import type { Action } from './action.ts';
import { answerInPlace } from './answer.ts';
import {
  type AwaitedFromServer,
  awaitsPassive,
  indexAnswered,
  type Passed,
  withMarked,
  withoutAnswered,
} from './awaited-replies.ts';
import { letIn, onLoginReply } from './on-login-reply.ts';
import { onAuthPassedOn } from './on-opaque.ts';
import { recordRefusal } from './refuse.ts';
import type { Protection } from './security.ts';
import { askServerForTls, onOwnReply, wantsServerTls } from './server-leg-security.ts';
import { awaiting, changed, expectCommand, nobody, type ReplyTreatment, type Session } from './session.ts';
import { onSetUpReply, setUpLeft } from './set-up-reply.ts';
import { onTransferLost, onTransferMark, onTransferReply, settleUser, supersedeUnused } from './ways.ts';

export function onReply(session: Session, code: number, treatment: ReplyTreatment, out: Action[]): Session {
  const next = code === 421 && session.service !== 'leaving' ? changed(session, { service: 'closing' }) : session;
  if (next.phase.kind !== 'expect-greeting') return onAnswer(next, code, treatment, out);
  return treatment === 'withhold' ? onUnasked(next, code, treatment, out) : onGreeting(next, code, out);
}

function onGreeting(session: Session, code: number, out: Action[]): Session {
  // RFC 959 §5.4: 120 announces a delay; 220 greets. A 421 or 530 is followed by the server's own close.
  if (code < 200) return session;
  const greeted = changed(session, { phase: expectCommand, loginBeganMs: session.lastActivityMs });
  // A server that greets with 230 asks for no login: its client is in, without a name.
  const known = code === 230 ? letIn(greeted, '', out) : greeted;
  return code < 300 && wantsServerTls(known) ? askServerForTls(known, 'TLS', { kind: 'commands' }, out) : known;
}

function onAnswer(session: Session, code: number, treatment: ReplyTreatment, out: Action[]): Session {
  const index = indexAnswered(session.awaited, code);
  const entry = index === undefined ? undefined : session.awaited[index];
  if (index === undefined || entry?.kind !== 'server') return onUnasked(session, code, treatment, out);
  const known = entry.progress === 'asked' ? settleUser(session, entry.way) : session;
  if (code < 200) return onTransferMark(passing(known, withMarked(known.awaited, index), out), entry.way, out);
  const next = passing(known, withoutAnswered(known.awaited, index), out);
  if (entry.setUp !== undefined) return onSetUpReply(next, entry.setUp, entry.way, code, out);
  if (entry.asker === 'gateway') return onOwnReply(next, entry, code, out);
  if (treatment !== 'withhold') return onFinal(next, entry, code, out);
  return onFinal(replaceWithheld(next, entry, code, out), entry, withheldCode, out);
}

/** The queue after a reply; what has been passed over twice is answered no more. */
function passing(session: Session, { awaited, givenUp }: Passed, out: Action[]): Session {
  let next = awaiting(session, awaited);
  for (const { way } of givenUp) next = onTransferLost(next, way, out);
  return next;
}

function onFinal(session: Session, entry: AwaitedFromServer, code: number, out: Action[]): Session {
  if (entry.way !== undefined) return onTransferReply(session, entry.way, code, out);
  switch (entry.verb) {
    case 'USER':
    case 'PASS':
    case 'ACCT':
      return onLoginReply(session, entry, code, out);
    case 'REIN':
      // RFC 959 §4.1.1: as after the greeting; the old user's way must not serve the next one.
      if (code >= 300) return session;
      return changed(supersedeUnused(session, out), {
        login: nobody,
        loginBeganMs: session.lastActivityMs,
        setUps: 'any',
        translation: 'on',
      });
    case 'AUTH':
      return onAuthPassedOn(session, code, out);
    case 'PROT':
      return onProtAgreed(session, entry.protection, code);
    case 'QUIT':
      return code < 300 ? changed(session, { service: 'leaving' }) : session;
    default:
      return session;
  }
}

/** The server has agreed, and what holds for its leg holds for the client's. */
function onProtAgreed(session: Session, level: Protection | undefined, code: number): Session {
  if (code >= 300 || level === undefined) return session;
  return changed(session, { security: { ...session.security, clientData: level, serverData: level } });
}

function onUnasked(session: Session, code: number, treatment: ReplyTreatment, out: Action[]): Session {
  if (treatment === 'withhold' && code >= 200) {
    const reason = `a ${code} that nobody asked for`;
    recordRefusal({ cause: 'unsolicited-reply', reason, bounce: 'unsolicited-passive' }, out);
  }
  // The server may mean it as its answer to PASV, with which the client can do nothing: the client may go on.
  return code >= 200 && treatment === 'forward' && awaitsPassive(session.awaited) ? setUpLeft(session) : session;
}

/** What a command is answered with whose own reply is withheld (RFC 959 §5.4: local error in processing). */
const withheldCode = 451;

/** The command still gets one well-formed reply. */
function replaceWithheld(session: Session, entry: AwaitedFromServer, code: number, out: Action[]): Session {
  const reason = `a ${code} in answer to ${entry.verb}`;
  recordRefusal({ cause: 'unsolicited-reply', reason, bounce: 'unsolicited-passive', verb: entry.verb }, out);
  return answerInPlace(session, withheldCode, 'The server gave a reply that the gateway withholds.', out);
}
