// A line from the client: passed on octet for octet, answered by the gateway, or the beginning of a data connection.
// A line that no two parsers would read alike (bare CR, NUL, cut for its length) never reaches the server.

import { decide } from '../policy/decide.ts';
import { argumentText, type Command, parseCommand } from '../wire/command.ts';
import type { ControlLine } from '../wire/line-splitter.ts';
import { takeTelnet } from '../wire/telnet.ts';
import { lookupVerb, type Verb } from '../wire/verbs.ts';
import type { Action } from './action.ts';
import { answerClient } from './answer.ts';
import { certaintyOf, isQuiet } from './awaited-replies.ts';
import { endControl } from './ending.ts';
import { loginNamed } from './on-login-reply.ts';
import { type Refusal, refuse } from './refuse.ts';
import { isSetUpVerb, readSetUp } from './requested-set-up.ts';
import { awaiting, changed, inPhase, type Session } from './session.ts';
import { beginSetUp } from './transfer-setup.ts';
import { joinsIpv6ToIpv4, onAlgs } from './translation.ts';
import { beginTransfer, freeWay } from './ways.ts';

/** The phase is expect-command. */
export function onClientLine(session: Session, line: ControlLine, out: Action[]): Session {
  if (line.fault === 'endless') {
    // A flood without a line end: its buffer is bounded already, and now it costs its session too.
    const text = 'This is no command line; closing the control connection.';
    return endControl(session, 'protocol-error', 'the client sends without end and without a line', text, out);
  }
  const fault = refusedLine(line);
  if (fault !== undefined) return refuse(session, fault, out);
  const telnet = takeTelnet(line.octets);
  if (telnet.answer.length > 0) out.push({ kind: 'send', to: 'client', octets: telnet.answer });
  // Telnet commands alone on a line are no FTP command: nothing to answer.
  if (telnet.octets.length === 0 && line.octets.length > 0) return session;
  const command = parseCommand(telnet.octets);
  if (!command.ok) {
    const text = 'Command not understood.';
    return refuse(session, { cause: 'malformed-command', code: 500, text, reason: command.reason }, out);
  }
  const verb = lookupVerb(command.value.verb);
  out.push({ kind: 'record', record: { kind: 'command', verb: verb?.name ?? 'other' } });
  const forbidden = refusedVerb(session, command.value, verb);
  if (forbidden !== undefined) return refuse(session, forbidden, out);
  if (verb?.name === 'ALGS') return onAlgs(session, command.value, out);
  if (verb?.group === 'data-set-up') return onSetUpCommand(session, line, command.value, out);
  const octets =
    telnet.octets === line.octets ? line.wire : line.wire.subarray(line.octets.length - telnet.octets.length);
  return passOn(session, command.value, verb, octets, telnet.interrupt, out);
}

/** A set-up that had to wait until all before it was answered. */
export function resumeSetUp(session: Session, line: ControlLine, out: Action[]): Session {
  const command = parseCommand(takeTelnet(line.octets).octets);
  return command.ok ? onSetUpCommand(session, line, command.value, out) : session;
}

function onSetUpCommand(session: Session, line: ControlLine, command: Command, out: Action[]): Session {
  if (!isQuiet(session.awaited)) return inPhase(session, { kind: 'expect-replies', line });
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

function passOn(
  session: Session,
  command: Command,
  verb: Verb | undefined,
  octets: Uint8Array,
  interrupt: boolean,
  out: Action[],
): Session {
  // RFC 959 §4.1.3: servers that look at the control connection only on urgent data need the Synch before ABOR.
  if (interrupt) out.push({ kind: 'send-urgent', to: 'server', octets: telnetSynch });
  out.push({ kind: 'send', to: 'server', octets });
  const starts = verb?.starts;
  const way = starts === undefined ? undefined : freeWay(session)?.id;
  let next = session;
  if (starts !== undefined) {
    const user = session.login.kind === 'none' ? undefined : session.login.user;
    const path = argumentText(command.argument);
    next = beginTransfer(session, { verb: command.verb, path, direction: starts, user, replyCode: undefined }, out);
  } else if (command.verb === 'USER') {
    next = changed(session, { login: loginNamed(session.login, argumentText(command.argument)) });
  }
  const answer = certaintyOf(command.verb, next.awaited);
  return awaiting(next, [...next.awaited, { kind: 'server', verb: command.verb, way, answer }]);
}

// IAC IP, then IAC DM of which the DM goes out urgent (RFC 959 §4.1.3).
const telnetSynch = Uint8Array.of(0xff, 0xf4, 0xff, 0xf2);

function refusedLine(line: ControlLine): Refusal | undefined {
  switch (line.fault) {
    case undefined:
      return undefined;
    case 'overlong':
      return {
        cause: 'overlong-line',
        code: 500,
        text: 'Command line too long.',
        reason: 'a command line over the limit was refused whole',
      };
    default:
      // A smuggled second command: one reader ends the line at a bare CR or a NUL, the next does not.
      return {
        cause: 'ambiguous-line',
        code: 500,
        text: 'A bare CR or a NUL is not allowed in a command.',
        reason: `a command line with a ${line.fault === 'nul' ? 'NUL' : 'bare CR'} was refused whole`,
      };
  }
}

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
