// May this happen? One question about one verb or one endpoint, one answer with the rule that gave it.
// Must not break: what no rule allows is refused; the answer depends on nothing but the arguments.
// CERT CA-1997-27 and RFC 2577 §2–3 (the bounce attack and what stops it).

import { type Address, type Endpoint, isUnspecified, printEndpoint, sameAddress } from '../address/endpoint.ts';
import { contains, type Network } from '../address/network.ts';
import type { Ruleset } from './ruleset.ts';
import { isServicePort } from './service-ports.ts';

export type Subject = VerbSubject | ActiveTargetSubject | PassiveTargetSubject;

/** A command is to be forwarded. */
interface VerbSubject {
  readonly kind: 'verb';
  /** Upper case. */
  readonly verb: string;
  /** Whether the gateway's table of verbs has it. */
  readonly known: boolean;
}

/** The client names, in PORT or EPRT, the endpoint to which the server shall connect. */
interface ActiveTargetSubject {
  readonly kind: 'active-target';
  readonly target: Endpoint;
  /** The client's address on the control connection. */
  readonly controlPeer: Address;
  /** The server's address on the control connection. */
  readonly server: Address;
  /** Where the gateway itself listens. */
  readonly ownPorts: readonly number[];
}

/** The server names, in its 227 or 229, the endpoint to which the client shall connect. */
interface PassiveTargetSubject {
  readonly kind: 'passive-target';
  readonly target: Endpoint;
  /** The server's address on the control connection. */
  readonly controlPeer: Address;
}

/** Why something was not let through as it was; values of a label of metrics, so a closed set. */
export const decisionCauses = [
  'third-party',
  'low-port',
  'unspecified-address',
  'foreign-passive-address',
  'verb-refused',
  'verb-unknown',
  'target-port',
] as const;

type Cause = (typeof decisionCauses)[number];

/** Why an address was replaced by that of the control peer; values of a label, too. */
export const replacementCauses = ['unspecified-address', 'foreign-passive-address'] as const satisfies readonly Cause[];

export type ReplacementCause = (typeof replacementCauses)[number];

/**
 * `rule` is the key of the rules file that decided (`dataConnections.minimumPort`), `reason` one sentence for people.
 * `replace` means: go on with the address of the control peer and the port of the target.
 */
export type Decision =
  | { readonly verdict: 'allow'; readonly rule: string; readonly reason: string }
  | { readonly verdict: 'replace'; readonly cause: ReplacementCause; readonly rule: string; readonly reason: string }
  | { readonly verdict: 'refuse'; readonly cause: Cause; readonly rule: string; readonly reason: string };

export function decide(ruleset: Ruleset, subject: Subject): Decision {
  switch (subject.kind) {
    case 'verb':
      return decideVerb(ruleset, subject);
    case 'active-target':
      return stricter(decideActiveAddress(ruleset, subject), decideActivePort(ruleset, subject));
    case 'passive-target':
      return stricter(decidePassiveAddress(ruleset, subject), decidePort(ruleset, subject.target));
  }
}

/** The networks whose hosts may be the other side of a server-to-server transfer with this server. */
export function fxpPartners(ruleset: Ruleset, server: Address): Network[] {
  return ruleset.dataConnections.fxp.flatMap(({ between, and }) => [
    ...(contains(between, server) ? [and] : []),
    ...(contains(and, server) ? [between] : []),
  ]);
}

function decideVerb(ruleset: Ruleset, { verb, known }: VerbSubject): Decision {
  if (ruleset.verbs.refuse.has(verb)) {
    return refuse('verb-refused', 'verbs.refuse', `${verb} is on the list of refused verbs`);
  }
  // The reason does not repeat the verb: its octets are the peer's, and reasons reach logs and terminals.
  if (!known && ruleset.verbs.unknown === 'refuse' && !ruleset.verbs.allow.has(verb)) {
    return refuse('verb-unknown', 'verbs.unknown', 'the gateway does not know this verb, and it may carry an address');
  }
  return allow(known ? 'verbs.refuse' : 'verbs.unknown', 'no rule refuses this verb');
}

function decideActiveAddress(ruleset: Ruleset, { target, controlPeer, server }: ActiveTargetSubject): Decision {
  const rules = ruleset.dataConnections;
  if (sameAddress(target.address, controlPeer)) {
    return allow('dataConnections', `${printEndpoint(target)} is the client's own address`);
  }
  // Some clients send 0.0.0.0 and mean the address that the server sees; a server that took it at its word would
  // connect to itself.
  if (isUnspecified(target.address)) {
    const reason = `the client at ${controlPeer.text} named ${printEndpoint(target)}, which is no address`;
    return { verdict: rules.unspecifiedAddress, cause: 'unspecified-address', rule: unspecifiedRule, reason };
  }
  if (fxpPartners(ruleset, server).some((network) => contains(network, target.address))) {
    return allow('dataConnections.fxp', `${server.text} and ${target.address.text} are a pair for FXP`);
  }
  // CERT CA-1997-27: the bounce attack. A server that connects wherever it is told scans and attacks for its client.
  const reason = `the client at ${controlPeer.text} named ${printEndpoint(target)}, which is another host`;
  return refuse('third-party', 'dataConnections.fxp', reason);
}

const unspecifiedRule = 'dataConnections.unspecifiedAddress';

function decidePassiveAddress(ruleset: Ruleset, { target, controlPeer }: PassiveTargetSubject): Decision {
  if (sameAddress(target.address, controlPeer)) {
    return allow('dataConnections', `${printEndpoint(target)} is the server's own address`);
  }
  // A 227 that names another host would make the gateway, which stands inside, connect there: a server, or whoever can
  // write into its replies, could then reach what only the gateway can. Honest servers behind NAT do it too.
  const reason = `the server at ${controlPeer.text} named ${printEndpoint(target)}, which is not its own address`;
  const rule = 'dataConnections.foreignPassiveAddress';
  return { verdict: ruleset.dataConnections.foreignPassiveAddress, cause: 'foreign-passive-address', rule, reason };
}

// RFC 2577 §3: ports below 1024 belong to well-known services, where a transferred file becomes a spoken protocol.
function decidePort(ruleset: Ruleset, target: Endpoint): Decision {
  const { minimumPort } = ruleset.dataConnections;
  const rule = 'dataConnections.minimumPort';
  if (target.port >= minimumPort) return allow(rule, `port ${target.port} is not below ${minimumPort}`);
  return refuse('low-port', rule, `${printEndpoint(target)} was named, and its port is below ${minimumPort}`);
}

/** A connection to one of these is an order to a service, not a file for a client. */
function decideActivePort(ruleset: Ruleset, { target, ownPorts }: ActiveTargetSubject): Decision {
  const low = decidePort(ruleset, target);
  if (low.verdict === 'refuse') return low;
  const { activePorts } = ruleset.dataConnections;
  const named = printEndpoint(target);
  // Cross-protocol attack: a web page made a browser's own host its target.
  if (ownPorts.includes(target.port))
    return refuse('target-port', 'dataConnections', `${named} was named, and the gateway itself listens on that port`);
  if (isServicePort(target.port))
    return refuse('target-port', 'dataConnections', `${named} was named, the port of a well-known service`);
  if (activePorts?.some(({ from, to }) => from <= target.port && target.port <= to) !== false) return low;
  const rule = 'dataConnections.activePorts';
  return refuse('target-port', rule, `${named} was named, and its port is not in activePorts`);
}

// The address is judged first, so that a bounce at port 25 is counted as the bounce that it is.
function stricter(address: Decision, port: Decision): Decision {
  return address.verdict !== 'refuse' && port.verdict === 'refuse' ? port : address;
}

function allow(rule: string, reason: string): Decision {
  return { verdict: 'allow', rule, reason };
}

function refuse(cause: Cause, rule: string, reason: string): Decision {
  return { verdict: 'refuse', cause, rule, reason };
}
