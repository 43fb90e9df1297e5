// The client asks for protection: AUTH, PBSZ, PROT, CCC (RFC 4217, RFC 2228 §3).
// Must not break: what was sent in the clear before the handshake is not taken for said under its protection, and what
// is demanded is demanded at the transfer, whatever was agreed when the data connection was set up.

import { argumentText } from '../wire/command.ts';
import { formatReply } from '../wire/reply.ts';
import type { Verb } from '../wire/verbs.ts';
import type { Action } from './action.ts';
import { answerClient, sendReply, withNothingAwaited } from './answer.ts';
import { onPassedSecurityVerb } from './on-opaque.ts';
import { passOn } from './pass-on.ts';
import { type Refusal, refuse } from './refuse.ts';
import { impliedProtection, isMechanism, type Mechanism, type Protection } from './security.ts';
import { askServerForTls, wantsServerDataPrivate } from './server-leg-security.ts';
import { type ClientCommand, changed, inPhase, type Session } from './session.ts';

/** Does it change how the octets behind it are to be read, so that nothing else may be under way? */
export function changesCarrier({ name }: Verb): boolean {
  return name === 'AUTH' || name === 'CCC';
}

/** The client leg offers TLS, or the server may. */
export function onSecurityVerb(session: Session, given: ClientCommand, out: Action[]): Session {
  if (session.terms.tls.client === 'pass-through') return onPassedSecurityVerb(session, given, out);
  const argument = argumentText(given.command.argument).trim().toUpperCase();
  switch (given.command.verb) {
    case 'AUTH':
      return onAuth(session, argument, out);
    case 'PBSZ':
      return onPbsz(session, given, argument, out);
    case 'PROT':
      return onProt(session, given, argument, out);
    case 'CCC':
      return onCcc(session, out);
    default:
      return refuse(session, refusal(given.command.verb, 502, 'Only TLS is offered by the gateway.'), out);
  }
}

/** Why this command has to wait for AUTH, where the listener demands it. */
export function unprotectedRefusal({ terms, security }: Session, verb: Verb | undefined): Refusal | undefined {
  if (terms.tls.client !== 'required' || security.client !== 'clear') return undefined;
  if (verb !== undefined && saidInTheClear.has(verb.name)) return undefined;
  const text = 'TLS is required here: send AUTH TLS first.';
  return { ...refusal(verb?.name ?? 'other', 530, text), cause: 'tls-required' };
}

// What clients say before AUTH, to learn that it is offered or to leave.
const saidInTheClear: ReadonlySet<string> = new Set(['AUTH', 'FEAT', 'HELP', 'HOST', 'LANG', 'NOOP', 'OPTS', 'QUIT']);

/** Why a transfer cannot begin with the protection that has been agreed (RFC 4217 §9: judged at the transfer). */
export function transferRefusal(session: Session, verb: string): Refusal | undefined {
  const { terms, security } = session;
  const demanded = terms.tls.client === 'required' || terms.tls.client === 'implicit';
  if (demanded && security.clientData === 'clear') {
    const text = 'Data connections must be protected here: send PBSZ 0 and PROT P first.';
    return { ...refusal(verb, 522, text), cause: 'tls-required' };
  }
  if (wantsServerDataPrivate(session) && security.serverData === 'clear')
    return refusal(verb, 425, 'The FTP server does not protect its data connections.');
  return undefined;
}

function onAuth(session: Session, argument: string, out: Action[]): Session {
  if (!isMechanism(argument)) return refuse(session, refusal('AUTH', 504, 'Only AUTH TLS is offered.'), out);
  if (session.security.client !== 'clear')
    return refuse(session, refusal('AUTH', 503, 'The control connection has been protected already.'), out);
  // RFC 4217 §4 allows it later, too; then the login would have been in the clear, and its user be taken over from it.
  // Servers without a login let everybody in with their greeting, and nobody has said a name.
  const { login } = session;
  if (login.kind === 'named' || (login.kind === 'in' && login.user !== ''))
    return refuse(session, refusal('AUTH', 503, 'AUTH comes before USER.'), out);
  const alone = withNothingAwaited(session, out);
  if (alone.openReply !== undefined)
    return refuse(alone, refusal('AUTH', 431, 'The FTP server is in the middle of a reply; try again.'), out);
  return session.terms.tls.server === 'match-client' && session.security.server === 'clear'
    ? askServerForTls(alone, argument, { kind: 'client-handshake', mechanism: argument }, out)
    : beginClientHandshake(alone, argument, out);
}

/** The client's AUTH is answered, and its handshake begins (RFC 4217 §4). */
export function beginClientHandshake(session: Session, mechanism: Mechanism, out: Action[]): Session {
  sendReply(234, formatReply(234, `AUTH ${mechanism} accepted; the TLS handshake follows.`), out);
  out.push({ kind: 'start-tls', leg: 'client', before: 'in-the-clear' });
  const clientData = impliedProtection[mechanism];
  const serverData = session.security.server === 'tls' && !wantsServerDataPrivate(session) ? clientData : 'clear';
  return changed(session, {
    phase: {
      kind: 'expect-handshake',
      leg: 'client',
      sinceMs: session.lastActivityMs,
      next: { kind: 'commands' },
    },
    security: { ...session.security, clientData, serverData },
  });
}

function onPbsz(session: Session, given: ClientCommand, argument: string, out: Action[]): Session {
  if (session.security.client === 'clear')
    return refuse(session, refusal('PBSZ', 503, 'PBSZ comes after AUTH TLS.'), out);
  if (!/^\d{1,10}$/.test(argument)) return refuse(session, refusal('PBSZ', 501, 'PBSZ takes a number.'), out);
  const next = changed(session, { security: { ...session.security, protectionBuffer: 'set' } });
  // RFC 4217 §8: under TLS it is 0, whatever was asked for.
  return followsClient(session) ? passOn(next, given, out) : answerClient(next, 200, 'PBSZ=0', out);
}

const levels: Readonly<Record<string, Protection>> = { C: 'clear', P: 'private' };

function onProt(session: Session, given: ClientCommand, argument: string, out: Action[]): Session {
  const { security, terms } = session;
  if (security.client === 'clear' || security.protectionBuffer === 'unset')
    return refuse(session, refusal('PROT', 503, 'PROT comes after AUTH TLS and PBSZ 0.'), out);
  const level = levels[argument];
  if (level === undefined) {
    // RFC 4217 §9: levels that the mechanism does not know.
    const code = argument === 'S' || argument === 'E' ? 536 : 504;
    return refuse(session, refusal('PROT', code, 'PROT takes C or P.'), out);
  }
  if (level === 'clear' && terms.tls.client !== 'optional')
    return refuse(session, { ...refusal('PROT', 534, 'Data must be protected here.'), cause: 'tls-required' }, out);
  if (followsClient(session)) return passOn(session, given, out, level);
  const text = level === 'private' ? 'Data connections are private.' : 'Data connections are clear.';
  return answerClient(changed(session, { security: { ...security, clientData: level } }), 200, text, out);
}

/** The server is told what its client asks for, and its answer counts for both legs. */
function followsClient({ terms, security }: Session): boolean {
  return terms.tls.server === 'match-client' && security.server === 'tls';
}

function onCcc(session: Session, out: Action[]): Session {
  const { security, terms, login } = session;
  if (security.client !== 'tls')
    return refuse(session, refusal('CCC', 533, 'The control connection is not protected.'), out);
  if (!terms.tls.clearCommandChannel)
    return refuse(session, refusal('CCC', 534, 'The control connection stays protected here.'), out);
  if (login.kind !== 'in') return refuse(session, refusal('CCC', 503, 'CCC comes after the login.'), out);
  const alone = withNothingAwaited(session, out);
  if (alone.openReply !== undefined)
    return refuse(alone, refusal('CCC', 431, 'The FTP server is in the middle of a reply; try again.'), out);
  sendReply(200, formatReply(200, 'The control connection is clear from now on.'), out);
  out.push({ kind: 'end-tls', leg: 'client' });
  return inPhase(alone, { kind: 'expect-clear', sinceMs: session.lastActivityMs });
}

function refusal(verb: string, code: number, text: string): Refusal {
  return { cause: 'tls', code, text, reason: `${verb}: ${text}`, verb };
}
