// May a data connection lead there? The address is judged before the port, so that a bounce at port 25 is counted as
// the bounce that it is, and what allows or replaces stands behind all that refuses.
// CERT CA-1997-27 and RFC 2577 §2–3 (the bounce attack and what stops it).

import { type Address, type Endpoint, isUnspecified, printEndpoint, sameAddress } from '../address/endpoint.ts';
import { contains, type Network } from '../address/network.ts';
import { allow, refuse, type Verdict } from './decision.ts';
import type { LastRule, OrderedRules, Rule } from './ordered-rules.ts';
import type { Ruleset } from './ruleset.ts';
import { isServicePort } from './service-ports.ts';
import type { ActiveTargetSubject, PassiveTargetSubject } from './subject.ts';

/** The networks whose hosts may be the other side of a server-to-server transfer with this server. */
export function fxpPartners(ruleset: Ruleset, server: Address): Network[] {
  return ruleset.dataConnections.fxp.flatMap(({ between, and }) => [
    ...(contains(between, server) ? [and] : []),
    ...(contains(and, server) ? [between] : []),
  ]);
}

function isFxpPartner(ruleset: Ruleset, server: Address, target: Address): boolean {
  return fxpPartners(ruleset, server).some((network) => contains(network, target));
}

// CERT CA-1997-27: the bounce attack. A server that connects wherever it is told scans and attacks for its client.
const thirdParty: Rule<ActiveTargetSubject> = {
  name: 'dataConnections.fxp',
  judge({ target, controlPeer, server }, ruleset) {
    const { address } = target;
    const isExpected = sameAddress(address, controlPeer) || isUnspecified(address);
    return isExpected || isFxpPartner(ruleset, server, address) ? undefined : anotherHost({ target, controlPeer });
  },
};

const nothingElse: LastRule<ActiveTargetSubject> = { name: thirdParty.name, judge: anotherHost };

function anotherHost({ target, controlPeer }: Pick<ActiveTargetSubject, 'target' | 'controlPeer'>): Verdict {
  return refuse(
    'third-party',
    `the client at ${controlPeer.text} named ${printEndpoint(target)}, which is another host`,
  );
}

// Some clients send 0.0.0.0 and mean the address that the server sees; a server that took it at its word would connect
// to itself.
const unspecified = 'dataConnections.unspecifiedAddress';

const unspecifiedRefused: Rule<ActiveTargetSubject> = {
  name: unspecified,
  judge: (subject, { dataConnections }) =>
    isUnspecified(subject.target.address) && dataConnections.unspecifiedAddress === 'refuse'
      ? refuse('unspecified-address', noAddress(subject))
      : undefined,
};

const unspecifiedReplaced: Rule<ActiveTargetSubject> = {
  name: unspecified,
  judge: (subject) =>
    isUnspecified(subject.target.address)
      ? { verdict: 'replace', cause: 'unspecified-address', reason: noAddress(subject) }
      : undefined,
};

function noAddress({ target, controlPeer }: ActiveTargetSubject): string {
  return `the client at ${controlPeer.text} named ${printEndpoint(target)}, which is no address`;
}

// RFC 2577 §3: ports below 1024 belong to well-known services, where a transferred file becomes a spoken protocol.
const lowPort: Rule<{ readonly target: Endpoint }> = {
  name: 'dataConnections.minimumPort',
  judge({ target }, { dataConnections: { minimumPort } }) {
    if (target.port >= minimumPort) return undefined;
    return refuse('low-port', `${printEndpoint(target)} was named, and its port is below ${minimumPort}`);
  },
};

// Cross-protocol attack: a web page made a browser's own host its target. A connection to one of these ports is an
// order to a service, not a file for a client.
const servicePort: Rule<ActiveTargetSubject> = {
  name: 'dataConnections',
  judge({ target, ownPorts }) {
    const named = printEndpoint(target);
    if (ownPorts.includes(target.port))
      return refuse('target-port', `${named} was named, and the gateway itself listens on that port`);
    if (isServicePort(target.port))
      return refuse('target-port', `${named} was named, the port of a well-known service`);
    return undefined;
  },
};

const outsideActivePorts: Rule<ActiveTargetSubject> = {
  name: 'dataConnections.activePorts',
  judge({ target }, { dataConnections: { activePorts } }) {
    if (activePorts?.some(({ from, to }) => from <= target.port && target.port <= to) !== false) return undefined;
    return refuse('target-port', `${printEndpoint(target)} was named, and its port is not in activePorts`);
  },
};

const fxp: Rule<ActiveTargetSubject> = {
  name: 'dataConnections.fxp',
  judge: ({ target, server }, ruleset) =>
    isFxpPartner(ruleset, server, target.address)
      ? allow(`${server.text} and ${target.address.text} are a pair for FXP`)
      : undefined,
};

const clientsOwn: Rule<ActiveTargetSubject> = {
  name: 'dataConnections',
  judge: ({ target, controlPeer }) =>
    sameAddress(target.address, controlPeer)
      ? allow(`${printEndpoint(target)} is the client's own address`)
      : undefined,
};

export const activeTargetRules: OrderedRules<ActiveTargetSubject> = {
  rules: [
    thirdParty,
    unspecifiedRefused,
    lowPort,
    servicePort,
    outsideActivePorts,
    unspecifiedReplaced,
    clientsOwn,
    fxp,
  ],
  last: nothingElse,
};

// A 227 that names another host would make the gateway, which stands inside, connect there: a server, or whoever can
// write into its replies, could then reach what only the gateway can. Honest servers behind NAT do it too.
const foreign = 'dataConnections.foreignPassiveAddress';

const foreignRefused: Rule<PassiveTargetSubject> = {
  name: foreign,
  judge: (subject, { dataConnections }) =>
    isForeign(subject) && dataConnections.foreignPassiveAddress === 'refuse'
      ? refuse('foreign-passive-address', notItsOwn(subject))
      : undefined,
};

const serversOwn: Rule<PassiveTargetSubject> = {
  name: 'dataConnections',
  judge: (subject) =>
    isForeign(subject) ? undefined : allow(`${printEndpoint(subject.target)} is the server's own address`),
};

const foreignReplaced: LastRule<PassiveTargetSubject> = {
  name: foreign,
  judge: (subject) => ({ verdict: 'replace', cause: 'foreign-passive-address', reason: notItsOwn(subject) }),
};

export const passiveTargetRules: OrderedRules<PassiveTargetSubject> = {
  rules: [foreignRefused, lowPort, serversOwn],
  last: foreignReplaced,
};

function isForeign({ target, controlPeer }: PassiveTargetSubject): boolean {
  return !sameAddress(target.address, controlPeer);
}

function notItsOwn({ target, controlPeer }: PassiveTargetSubject): string {
  return `the server at ${controlPeer.text} named ${printEndpoint(target)}, which is not its own address`;
}
