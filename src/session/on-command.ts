// A command of the client: passed on octet for octet, answered by the gateway, held until its turn, or the beginning of
// a data connection. Must not break: no command waits for longer than `limits.holdTimeoutMs`, whatever is missing.

import { decide } from '../policy/decide.ts';
import { argumentText, type Command } from '../wire/command.ts';
import type { Verb } from '../wire/verbs.ts';
import type { Action } from './action.ts';
import { answerClient } from './answer.ts';
import { type AwaitedFromServer, awaitsLogin, certaintyOf, isQuiet, withAsked } from './awaited-replies.ts';
import { type Refusal, refuse } from './refuse.ts';
import { isSetUpVerb, readSetUp } from './requested-set-up.ts';
import {
  activeAt,
  awaiting,
  type ClientCommand,
  changed,
  expectCommand,
  type HeldCommand,
  inPhase,
  type Session,
} from './session.ts';
import { beginSetUp } from './transfer-setup.ts';
import { joinsIpv6ToIpv4, onAlgs } from './translation.ts';
import { beginTransfer, freeWay } from './ways.ts';

/** `must-go`: it has waited for long enough. */
type Patience = 'may-wait' | 'must-go';

export function onCommand(session: Session, given: ClientCommand, patience: Patience, out: Action[]): Session {
  const { command, verb } = given;
  const forbidden = refusedVerb(session, command, verb);
  if (forbidden !== undefined) return refuse(session, forbidden, out);
  if (verb?.name === 'ALGS') return onAlgs(session, command, out);
  const asksForData = verb?.group === 'data-set-up';
  if ((asksForData || verb?.starts !== undefined) && isBarred(session)) {
    if (patience === 'may-wait' && awaitsLogin(session.awaited)) return hold(session, given, 'login');
    return refuse(session, notLoggedIn(command.verb), out);
  }
  if (!asksForData) return passOn(session, given, out);
  if (patience === 'may-wait' && !isQuiet(session.awaited) && session.clientEndedMs === undefined)
    return hold(session, given, 'replies');
  return onSetUpCommand(session, command, out);
}

/** Goes on with a held command whose turn has come. */
export function resumeHeld(session: Session, nowMs: number, out: Action[]): Session {
  if (session.phase.kind !== 'expect-turn') return session;
  const { held } = session.phase;
  const patience = heldUntilMs(session, held) <= nowMs ? 'must-go' : 'may-wait';
  const itsTurn =
    patience === 'must-go' || (held.cause === 'login' ? !awaitsLogin(session.awaited) : isQuiet(session.awaited));
  return itsTurn ? onCommand(activeAt(inPhase(session, expectCommand), nowMs), held, patience, out) : session;
}

/**
 * When a held command goes, whatever is missing. Nobody is left to be confused where its client has ended its
 * direction.
 */
export function heldUntilMs({ terms, clientEndedMs }: Session, { cause, sinceMs }: HeldCommand): number {
  const patient = cause === 'login' || clientEndedMs === undefined;
  return patient ? sinceMs + terms.limits.holdTimeoutMs : Number.NEGATIVE_INFINITY;
}

function hold(session: Session, given: ClientCommand, cause: HeldCommand['cause']): Session {
  return inPhase(session, { kind: 'expect-turn', held: { ...given, cause, sinceMs: session.lastActivityMs } });
}

/** A web page can make its reader's browser say PORT, but not log in: who is not in asks for no data connection. */
function isBarred({ login, terms }: Session): boolean {
  return login.kind !== 'in' && terms.ruleset.dataConnections.beforeLogin === 'refuse';
}

function notLoggedIn(verb: string): Refusal {
  const reason = `${verb} before a login`;
  const rule = 'dataConnections.beforeLogin';
  return { cause: 'not-logged-in', code: 530, text: 'Log in first, with USER and PASS.', reason, verb, rule };
}

function onSetUpCommand(session: Session, command: Command, out: Action[]): Session {
  const requested = readSetUp(session, command, out);
  switch (requested.kind) {
    case 'refused':
      return refuse(session, requested.refusal, out);
    case 'epsv-all':
      // Answered here: the server leg may need PASV or PORT, which EPSV ALL would forbid there.
      return answerClient(changed(session, { setUps: 'epsv-only' }), 200, 'EPSV ALL command successful.', out);
    case 'set-up':
      return beginSetUp(session, requested.setUp, out);
  }
}

function passOn(session: Session, { command, verb, octets, interrupt }: ClientCommand, out: Action[]): Session {
  // RFC 959 §4.1.3: servers that look at the control connection only on urgent data need the Synch before ABOR.
  if (interrupt) out.push({ kind: 'send-urgent', to: 'server', octets: telnetSynch });
  out.push({ kind: 'send', to: 'server', octets });
  const starts = verb?.starts;
  let next = session;
  let way: number | undefined;
  if (starts !== undefined) {
    way = freeWay(session)?.id;
    next = beginTransfer(session, { verb: command.verb, path: argumentText(command.argument), direction: starts }, out);
  }
  const asked: AwaitedFromServer = {
    kind: 'server',
    verb: command.verb,
    way,
    setUp: undefined,
    user: command.verb === 'USER' ? argumentText(command.argument) : undefined,
    progress: 'asked',
    answer: certaintyOf(command.verb, next.awaited),
  };
  return awaiting(next, withAsked(next.awaited, asked, session.terms.limits.commandsInFlightMax));
}

// IAC IP, then IAC DM of which the DM goes out urgent (RFC 959 §4.1.3).
const telnetSynch = Uint8Array.of(0xff, 0xf4, 0xff, 0xf2);

function refusedVerb(session: Session, command: Command, verb: Verb | undefined): Refusal | undefined {
  const decision = decide(session.terms.ruleset, { kind: 'verb', verb: command.verb, known: verb !== undefined });
  if (decision.verdict === 'refuse') {
    const { cause, reason, rule } = decision;
    return { cause, code: 502, text: 'Command not allowed by the gateway.', reason, verb: verb?.name ?? 'other', rule };
  }
  if (verb?.name === 'ALGS' && joinsIpv6ToIpv4(session)) return undefined;
  if (verb !== undefined && (verb.group === 'data-set-up' || verb.bearsAddress) && !isSetUpVerb(verb.name)) {
    // SPDT, ESTA and whatever the rules no longer list: it would open ways of which the gateway knows nothing.
    const reason = `${verb.name} sets up data connections in a manner that the gateway does not follow`;
    return { cause: 'verb-refused', code: 502, text: 'Command not allowed by the gateway.', reason, verb: verb.name };
  }
  if (verb?.group !== 'security') return undefined;
  // RFC 4217: after AUTH the connection could no longer be read; this gateway does not let go of it.
  const text = 'TLS is not offered by the gateway.';
  return { cause: 'tls', code: 502, text, reason: `${verb.name}: ${text}`, verb: verb.name };
}
