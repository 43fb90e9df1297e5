// A command of the client: passed on octet for octet, answered by the gateway, held until its turn, or the beginning of
// a data connection. Must not break: no command waits for longer than `limits.holdTimeoutMs`, whatever is missing.

import { decide } from '../policy/decide.ts';
import type { Command } from '../wire/command.ts';
import { siteCommand } from '../wire/path-argument.ts';
import type { Verb } from '../wire/verbs.ts';
import { judgeAccess } from './access.ts';
import type { Action } from './action.ts';
import { answerClient } from './answer.ts';
import { awaitsLogin, awaitsProtection, isQuiet } from './awaited-replies.ts';
import { changesCarrier, onSecurityVerb, transferRefusal, unprotectedRefusal } from './on-security-verb.ts';
import { passOn } from './pass-on.ts';
import { type Refusal, refuse } from './refuse.ts';
import { isSetUpVerb, readSetUp } from './requested-set-up.ts';
import {
  activeAt,
  type ClientCommand,
  changed,
  expectCommand,
  type HeldCommand,
  inPhase,
  type Session,
} from './session.ts';
import { beginSetUp } from './transfer-setup.ts';
import { joinsIpv6ToIpv4, onAlgs } from './translation.ts';
import { askDirectory } from './working-directory.ts';

/** `must-go`: it has waited for long enough. */
type Patience = 'may-wait' | 'must-go';

export function onCommand(session: Session, given: ClientCommand, patience: Patience, out: Action[]): Session {
  const { command, verb } = given;
  const forbidden = refusedVerb(session, command, verb);
  if (forbidden?.cause === 'not-logged-in' && patience === 'may-wait' && awaitsLogin(session.awaited))
    return hold(session, given, 'login');
  if (forbidden !== undefined) return refuse(session, forbidden, out);
  if (given.access === 'granted') return onGranted(session, given, patience, out);
  const access = judgeAccess(session, given, patience, out);
  switch (access.kind) {
    case 'granted':
      return onGranted(access.session, { ...given, access: 'granted' }, patience, out);
    case 'wants':
      return hold(access.what === 'directory' ? askDirectory(session, out) : session, given, access.what);
    case 'over':
      return access.session;
  }
}

function onGranted(session: Session, given: ClientCommand, patience: Patience, out: Action[]): Session {
  const { command, verb } = given;
  if (verb?.name === 'ALGS') return onAlgs(session, command, out);
  if (verb?.group === 'security') {
    if (changesCarrier(verb) && patience === 'may-wait' && !isQuiet(session.awaited))
      return hold(session, given, 'replies');
    return onSecurityVerb(session, given, out);
  }
  if (verb?.starts !== undefined) return onTransfer(session, given, patience, out);
  if (verb?.group !== 'data-set-up') return passOn(session, given, out);
  if (patience === 'may-wait' && !isQuiet(session.awaited) && session.clientEndedMs === undefined)
    return hold(session, given, 'replies');
  return onSetUpCommand(session, command, out);
}

/** Where PROT has not been answered yet it is not known how the data connection is protected. */
function onTransfer(session: Session, given: ClientCommand, patience: Patience, out: Action[]): Session {
  if (patience === 'may-wait' && awaitsProtection(session.awaited)) return hold(session, given, 'replies');
  const unfit = transferRefusal(session, given.command.verb);
  return unfit === undefined ? passOn(session, given, out) : refuse(session, unfit, out);
}

/** Goes on with a held command whose turn has come. */
export function resumeHeld(session: Session, nowMs: number, out: Action[]): Session {
  if (session.phase.kind !== 'expect-turn') return session;
  const { held } = session.phase;
  const patience = heldUntilMs(session, held) <= nowMs ? 'must-go' : 'may-wait';
  const itsTurn = patience === 'must-go' || isKnown(session, held.cause);
  return itsTurn ? onCommand(activeAt(inPhase(session, expectCommand), nowMs), held, patience, out) : session;
}

function isKnown({ awaited, directory }: Session, cause: HeldCommand['cause']): boolean {
  switch (cause) {
    case 'replies':
      return isQuiet(awaited);
    case 'login':
      return !awaitsLogin(awaited);
    case 'directory':
      return directory.kind !== 'unknown';
  }
}

/**
 * When a held command goes, whatever is missing. A client that has ended its direction pairs no more replies, so a
 * command of its need not wait for those before it.
 */
export function heldUntilMs({ terms, clientEndedMs }: Session, { cause, sinceMs }: HeldCommand): number {
  const patient = cause !== 'replies' || clientEndedMs === undefined;
  return patient ? sinceMs + terms.limits.holdTimeoutMs : Number.NEGATIVE_INFINITY;
}

function hold(session: Session, given: ClientCommand, cause: HeldCommand['cause']): Session {
  return inPhase(session, { kind: 'expect-turn', held: { ...given, cause, sinceMs: session.lastActivityMs } });
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

function refusedVerb(session: Session, command: Command, verb: Verb | undefined): Refusal | undefined {
  const decision = decide(session.terms.ruleset, {
    kind: 'verb',
    verb: command.verb,
    known: verb !== undefined,
    // ALGS asks the gateway itself, and for no connection.
    asksForData: (verb?.group === 'data-set-up' && verb.name !== 'ALGS') || verb?.starts !== undefined,
    login: session.login.kind === 'in' ? 'in' : 'out',
    site: verb?.name === 'SITE' ? siteCommand(command.argument) : undefined,
  });
  if (decision.verdict === 'refuse') {
    const { cause, reason, rule } = decision;
    const answer =
      cause === 'not-logged-in'
        ? { code: 530, text: 'Log in first, with USER and PASS.' }
        : { code: 502, text: 'Command not allowed by the gateway.' };
    return { cause, ...answer, reason, verb: verb?.name ?? 'other', rule };
  }
  if (verb?.name === 'ALGS' && joinsIpv6ToIpv4(session)) return undefined;
  if (verb !== undefined && (verb.group === 'data-set-up' || verb.bearsAddress) && !isSetUpVerb(verb.name)) {
    // SPDT, ESTA and whatever the rules no longer list: it would open ways of which the gateway knows nothing.
    const reason = `${verb.name} sets up data connections in a manner that the gateway does not follow`;
    return { cause: 'verb-refused', code: 502, text: 'Command not allowed by the gateway.', reason, verb: verb.name };
  }
  return notOffered(session, verb) ?? unprotectedRefusal(session, verb);
}

// RFC 4217 §11: REIN would end TLS on both legs, where hardly a server knows it.
function isUnderTls({ security }: Session): boolean {
  return security.client !== 'clear' || security.server !== 'clear';
}

function notOffered(session: Session, verb: Verb | undefined): Refusal | undefined {
  if (verb?.group === 'security' && session.terms.tls.client === 'off')
    return notUnderstood(verb.name, 'TLS is not offered by the gateway.');
  if (verb?.name === 'REIN' && isUnderTls(session))
    return notUnderstood('REIN', 'REIN is not offered under TLS; open a new connection instead.');
  return undefined;
}

function notUnderstood(verb: string, text: string): Refusal {
  return { cause: 'tls', code: 502, text, reason: `${verb}: ${text}`, verb };
}
