// May the client have the data connection that it asks for, and how is the server to be asked for it?
// PORT, PASV (RFC 959 §4.1.2), EPRT, EPSV (RFC 2428). What is not exactly the grammar is refused, and what passes is
// written anew by the gateway: servers read short, octal, signed or wrapped addresses in ways of their own.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import { decide } from '../policy/decide.ts';
import type { Command } from '../wire/command.ts';
import { parseEprt, parseEpsvArgument } from '../wire/extended-address.ts';
import { parseHostPort } from '../wire/host-port.ts';
import type { Action } from './action.ts';
import type { SetUp, SetUpVerb } from './expectation.ts';
import type { Refusal } from './refuse.ts';
import type { Session } from './session.ts';
import { joinsIpv6ToIpv4, notForParameter } from './translation.ts';

export type Requested =
  | { readonly kind: 'set-up'; readonly setUp: SetUp }
  | { readonly kind: 'epsv-all' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The set-up verbs that the gateway handles; any other must not pass. */
export function isSetUpVerb(verb: string): verb is SetUpVerb {
  return verb === 'PASV' || verb === 'EPSV' || verb === 'PORT' || verb === 'EPRT';
}

/** Reads a set-up command; a target that the ruleset replaces is recorded in `out`. */
export function readSetUp(session: Session, command: Command, out: Action[]): Requested {
  const verb = command.verb as SetUpVerb;
  if (session.setUps === 'epsv-only' && verb !== 'EPSV') {
    // RFC 2428 §4: after EPSV ALL every other set-up command must be rejected.
    return refused(verb, 'epsv-all', 503, 'EPSV ALL is in force: only EPSV is accepted.', `${verb} after EPSV ALL`);
  }
  switch (verb) {
    case 'PASV':
      return readPasv(session, command);
    case 'EPSV':
      return readEpsv(session, command);
    case 'PORT':
      return readPort(session, command, out);
    case 'EPRT':
      return readEprt(session, command, out);
  }
}

function readPasv(session: Session, command: Command): Requested {
  if (!isBlank(command.argument)) return malformed('PASV', 'PASV takes no argument.');
  if (clientFamily(session) === 6) {
    return refused(
      'PASV',
      'wrong-family',
      425,
      'PASV cannot name an IPv6 address; use EPSV.',
      'PASV on an IPv6 connection',
    );
  }
  return passive(session, 'PASV');
}

function readEpsv(session: Session, command: Command): Requested {
  const wanted = parseEpsvArgument(command.argument);
  switch (wanted.kind) {
    case 'all':
      // RFC 6384 §6: it would forbid the server the PASV that it may have to be asked for.
      if (!joinsIpv6ToIpv4(session)) return { kind: 'epsv-all' };
      return { kind: 'refused', refusal: notForParameter('EPSV', 'EPSV ALL of an IPv6 client to an IPv4 server') };
    case 'malformed':
      return malformed('EPSV', 'EPSV takes nothing, 1, 2 or ALL.');
    case 'unknown-family':
      return wrongFamily(session, 'EPSV');
    case 'family':
      return wanted.family === clientFamily(session) ? passive(session, 'EPSV') : wrongFamily(session, 'EPSV');
    case 'none':
      return passive(session, 'EPSV');
  }
}

function readPort(session: Session, command: Command, out: Action[]): Requested {
  const read = parseHostPort(command.argument);
  if (!read.ok) return malformed('PORT', 'PORT takes h1,h2,h3,h4,p1,p2: six numbers from 0 to 255.', read.reason);
  return active(session, 'PORT', read.value, out);
}

function readEprt(session: Session, command: Command, out: Action[]): Requested {
  const read = parseEprt(command.argument);
  if (read.ok) {
    // RFC 2428 §2: 522 names the protocols that would do; only the control connection's own family can be reached.
    if (read.value.address.family !== clientFamily(session)) return wrongFamily(session, 'EPRT', read.value);
    if (session.translation === 'off') {
      const text = 'EPRT is not translated after ALGS DISABLE64; use EPSV.';
      return refused('EPRT', 'wrong-family', 502, text, 'EPRT while the client has turned its translation off');
    }
    return active(session, 'EPRT', read.value, out);
  }
  const { cause, text } = read.reason;
  if (cause === 'unknown-family') return wrongFamily(session, 'EPRT');
  return malformed('EPRT', 'EPRT takes |protocol|address|port|.', text);
}

function passive(session: Session, asked: 'PASV' | 'EPSV'): Requested {
  const toServer = session.terms.serverMode === 'active' ? portFor(session, asked) : pasvFor(session, asked);
  return { kind: 'set-up', setUp: { asked, target: undefined, toServer } };
}

function active(session: Session, asked: 'PORT' | 'EPRT', named: Endpoint, out: Action[]): Requested {
  const { clientPeer, serverPeer, ruleset, serverMode, ownPorts } = session.terms;
  const decision = decide(ruleset, {
    kind: 'active-target',
    target: named,
    controlPeer: clientPeer.address,
    server: serverPeer.address,
    ownPorts,
  });
  if (decision.verdict === 'refuse') return refusedTarget(asked, named, decision.cause, decision.reason, decision.rule);
  let target = named;
  if (decision.verdict === 'replace') {
    target = { address: clientPeer.address, port: named.port };
    const { cause, reason } = decision;
    out.push({ kind: 'record', record: { kind: 'replaced', cause, bounce: undefined, reason, target: named } });
  }
  const toServer = serverMode === 'passive' ? pasvFor(session, asked) : portFor(session, asked);
  return { kind: 'set-up', setUp: { asked, target, toServer } };
}

// An extended verb is kept as long as the server has not refused it; an old one is kept while the server leg is IPv4.
function pasvFor(session: Session, asked: SetUpVerb): 'PASV' | 'EPSV' {
  if (session.terms.serverPeer.address.family === 6) return 'EPSV';
  const extended = asked === 'EPSV' || asked === 'EPRT';
  return extended && (session.dialect.epsv !== 'refused' || session.translation === 'off') ? 'EPSV' : 'PASV';
}

function portFor(session: Session, asked: SetUpVerb): 'PORT' | 'EPRT' {
  if (session.terms.serverPeer.address.family === 6) return 'EPRT';
  const extended = asked === 'EPSV' || asked === 'EPRT';
  return extended && session.dialect.eprt !== 'refused' ? 'EPRT' : 'PORT';
}

function clientFamily(session: Session): 4 | 6 {
  return session.terms.clientPeer.address.family;
}

function isBlank(argument: Uint8Array): boolean {
  return argument.every((octet) => octet === 0x20);
}

function malformed(verb: SetUpVerb, text: string, reason = text): Requested {
  return refused(verb, 'malformed-address', 501, text, reason);
}

function wrongFamily(session: Session, verb: SetUpVerb, target?: Endpoint): Requested {
  const family = clientFamily(session) === 4 ? 1 : 2;
  const text = `Network protocol not supported, use (${family})`;
  return { kind: 'refused', refusal: { cause: 'wrong-family', code: 522, text, reason: text, verb, target } };
}

function refusedTarget(
  verb: 'PORT' | 'EPRT',
  target: Endpoint,
  cause: Refusal['cause'],
  reason: string,
  rule: string,
): Requested {
  // CERT CA-1997-27: the FTP bounce. Both addresses go to the log; the reply repeats nothing that the client sent.
  const text =
    cause === 'low-port' || cause === 'target-port'
      ? `${verb} refused: ports of system services are not allowed as data ports.`
      : `${verb} refused: data connections go only to the host of this control connection.`;
  const bounce = cause === 'low-port' || cause === 'target-port' ? cause : verb === 'PORT' ? 'port' : 'eprt';
  // RFC 2577 §3 suggests 504 for a parameter that the server does not implement.
  const code = bounce === cause ? 504 : 501;
  return {
    kind: 'refused',
    refusal: { cause, code, text, reason: `${verb} ${printEndpoint(target)}: ${reason}`, verb, target, bounce, rule },
  };
}

function refused(verb: SetUpVerb, cause: Refusal['cause'], code: number, text: string, reason: string): Requested {
  return { kind: 'refused', refusal: { cause, code, text, reason, verb } };
}
