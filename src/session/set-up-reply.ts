// The server's final reply to a set-up command. A positive one becomes an open way (227, 229) or confirms the one that
// is open (2yz to PORT, EPRT); a verb that the server does not know is tried once more in its older form and
// remembered; any other refusal goes to the client as it came.

import { type Endpoint, isUnspecified, printEndpoint } from '../address/endpoint.ts';
import type { Parsed } from '../address/parsed.ts';
import { decide } from '../policy/decide.ts';
import { findExtendedPort } from '../wire/extended-address.ts';
import { findHostPort } from '../wire/host-port.ts';
import type { Action } from './action.ts';
import { awaitsSetUp, withOverdue } from './awaited-replies.ts';
import { linesOf, release } from './collected-reply.ts';
import type { SetUp } from './expectation.ts';
import { dialServer } from './legs.ts';
import { type Refusal, refuseInPlace } from './refuse.ts';
import { changed, collecting, expectCommand, inPhase, type Session } from './session.ts';
import { announce, askFor, openWay, wayLimit } from './transfer-setup.ts';
import { joinsIpv6ToIpv4 } from './translation.ts';
import { closeWay, confirmWay, findWay, supersedeUnused } from './ways.ts';

/** `session.collected` holds the whole reply, and the set-up is no longer awaited. */
export function onSetUpReply(
  answered: Session,
  setUp: SetUp,
  way: number | undefined,
  code: number,
  out: Action[],
): Session {
  const session = awaitsSetUp(answered.awaited) ? answered : free(answered);
  if (code >= 200 && code < 300) {
    return way === undefined ? onPassiveReply(session, setUp, code, out) : onActiveAccepted(session, setUp, way, out);
  }
  const pending = findWay(session, way);
  const next =
    pending === undefined ? session : closeWay(session, pending, 'refused', 'the server refused the set-up', out);
  const older = olderVerb(next, setUp, code);
  if (older !== undefined && next.phase.kind === 'expect-command') return retry(next, setUp, older, out);
  return release(next, undefined, out);
}

/** The server was asked for a data connection, and has not answered in good time: its client may go on. */
export function setUpLeft(session: Session): Session {
  if (session.phase.kind !== 'expect-set-up-reply') return session;
  return changed(session, { phase: expectCommand, awaited: withOverdue(session.awaited, session.awaited.length) });
}

function free(session: Session): Session {
  return session.phase.kind === 'expect-set-up-reply' ? inPhase(session, expectCommand) : session;
}

function onActiveAccepted(session: Session, setUp: SetUp, id: number, out: Action[]): Session {
  const confirmed = confirmWay(session, id, out);
  const way = findWay(confirmed, id);
  const next = collecting(confirmed, undefined);
  if (way === undefined) {
    // It expired while the server thought about the PORT: nobody is listening any more.
    const text = 'The data connection was not prepared in time.';
    return refuseInPlace(next, { cause: 'no-data-port', code: 425, text, reason: text, verb: setUp.asked }, out);
  }
  return announce(next, setUp, way, out);
}

function onPassiveReply(session: Session, setUp: SetUp, code: number, out: Action[]): Session {
  const named = readNamed(session, setUp, code);
  const next = collecting(session, undefined);
  if (!named.ok) {
    const text = 'The server announced no data port that the gateway can use.';
    return fail(next, setUp, { cause: 'malformed-address', code: 425, text, reason: named.reason }, out);
  }
  const { ruleset, serverPeer } = session.terms;
  const target = named.value;
  const decision = decide(ruleset, { kind: 'passive-target', target, controlPeer: serverPeer.address });
  const bounce =
    decision.verdict === 'allow' ? undefined : decision.cause === 'low-port' ? 'low-port' : 'foreign-passive';
  // Between the families the RFC leaves no choice to the rules (RFC 6384 §6): 425, and the named host is not replaced.
  if (decision.verdict === 'refuse' || (decision.verdict === 'replace' && joinsIpv6ToIpv4(session))) {
    const reason = `${setUp.toServer} reply ${printEndpoint(target)}: ${decision.reason}`;
    const text = 'The server announced a data port on another host or of a system service.';
    return fail(
      next,
      setUp,
      { cause: decision.cause, code: 425, text, reason, target, bounce, rule: decision.rule },
      out,
    );
  }
  if (decision.verdict === 'replace') {
    const { cause, reason } = decision;
    out.push({ kind: 'record', record: { kind: 'replaced', cause, bounce, reason, target } });
  }
  // A late reply may find that ways have been opened since.
  const fresh = supersedeUnused(next, out);
  const tooMany = wayLimit(fresh, setUp);
  if (tooMany !== undefined) return refuseInPlace(fresh, tooMany, out);
  return openWay(fresh, setUp, dialServer(session, target.port), out);
}

/** The endpoint in a 227 or the port in a 229; the address of a 229 is the server's own by definition (RFC 2428 §3). */
function readNamed(session: Session, setUp: SetUp, code: number): Parsed<Endpoint> {
  // Servers have answered EPSV with 227, and PASV with 229: the code says how to read the reply.
  if (code !== 227 && code !== 229)
    return { ok: false, reason: `${setUp.toServer} was answered with ${code} instead of 227 or 229` };
  let last: Parsed<Endpoint> = { ok: false, reason: 'the reply is empty' };
  for (const line of linesOf(session.collected)) {
    const text = line.octets.subarray(4);
    if (code === 227) last = findHostPort(text);
    else {
      const port = findExtendedPort(text);
      last = port.ok ? { ok: true, value: { address: session.terms.serverPeer.address, port: port.value } } : port;
    }
    if (last.ok) break;
  }
  if (!last.ok || code !== 227 || setUp.toServer !== 'EPSV' || session.terms.serverPeer.address.family === 4)
    return last;
  // The only address that an IPv6 server can mean by a 227 is none.
  return isUnspecified(last.value.address) ? last : { ok: false, reason: 'a 227 names no host of IPv6' };
}

/** 500, 501, 502, 504: not implemented (RFC 959 §4.2); 522: not for this family (RFC 2428 §2). */
function olderVerb(session: Session, setUp: SetUp, code: number): 'PASV' | 'PORT' | undefined {
  const unknown = code === 500 || code === 501 || code === 502 || code === 504 || code === 522;
  if (!unknown || session.terms.serverPeer.address.family === 6 || session.translation === 'off') return undefined;
  if (setUp.toServer === 'EPSV') return 'PASV';
  return setUp.toServer === 'EPRT' ? 'PORT' : undefined;
}

function retry(session: Session, setUp: SetUp, toServer: 'PASV' | 'PORT', out: Action[]): Session {
  const learnt = toServer === 'PASV' ? ({ epsv: 'refused' } as const) : ({ eprt: 'refused' } as const);
  out.push({ kind: 'remember-dialect', dialect: learnt });
  const next = changed(session, { collected: undefined, dialect: { ...session.dialect, ...learnt } });
  return askFor(next, { ...setUp, toServer }, out);
}

function fail(session: Session, setUp: SetUp, refusal: Refusal, out: Action[]): Session {
  return refuseInPlace(session, { ...refusal, verb: setUp.asked }, out);
}
