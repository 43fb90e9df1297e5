// Which server does a client mean that dialled this endpoint, and may it be reached by this client at all? A
// transparent listener takes what the kernel diverts to it, whoever it was for. Its own connection to the server passes
// neither the forward nor the input chain of the operator's, so what those keep apart must not meet through it: only
// the clients and the servers that the operator listed, by the way that he named. RFC 2663 §4.2 (a public address in
// front of a private server).

import { type Address, type Endpoint, isLinkLocal, sameAddress, sameEndpoint } from '../address/endpoint.ts';
import { containsAny, type Network } from '../address/network.ts';
import type { Result } from '../result.ts';

/** A server of the private realm as the external realm knows it. */
export interface Published {
  readonly from: Endpoint;
  readonly to: Endpoint;
}

export interface Destinations {
  /** The only networks from which clients may come; undefined: all. */
  readonly clients: readonly Network[] | undefined;
  readonly publish: readonly Published[];
  /** The only servers that may be reached, published ones among them. */
  readonly servers: readonly Network[];
  /** The only interface through which servers are reached; undefined: whichever the routes say. */
  readonly egress: string | undefined;
  /** Whom the server sees as its peer. */
  readonly source: 'client' | 'gateway' | Address;
  /** Where the listener itself is: whoever dials it directly, and not a server, would be led in a circle. */
  readonly listen: Endpoint;
}

/**
 * Where packets to an address go: to this machine itself, out through the interface that was asked about, or elsewhere.
 */
export type WayThere = 'own' | 'egress' | 'elsewhere';

export type Refused = 'network' | 'server' | 'egress' | 'link-local';

interface Refusal {
  readonly cause: Refused;
  /** For the log. */
  readonly text: string;
}

/** The server's real endpoint, or why this client does not get there. */
export type Destination = Result<Endpoint, Refusal>;

/**
 * Judges what a client has dialled. `wayTo` knows the machine's addresses and routes.
 */
export function destinationOf(
  terms: Destinations,
  client: Address,
  dialled: Endpoint,
  wayTo: (address: Address) => WayThere,
): Destination {
  const { clients, source } = terms;
  if (clients !== undefined && !containsAny(clients, client)) return no('network', 'the client is in none of clients');
  if (source === 'client' && isLinkLocal(client)) {
    return no('link-local', 'no server can answer a link-local client (RFC 4291 §2.5.6), and source is client');
  }
  const published = terms.publish.find(({ from }) => sameEndpoint(from, dialled))?.to;
  if (published === undefined) {
    if (dialled.port === terms.listen.port) return no('server', 'the listener itself was dialled');
    // A public address has no server of its own on ports that are not published.
    if (isPublic(terms.publish, dialled.address)) return no('server', 'nothing is published at this port');
  }
  return serverOf(terms, published ?? dialled, published === undefined ? 'dialled' : 'published', wayTo);
}

function serverOf(
  { servers, egress }: Destinations,
  server: Endpoint,
  known: 'dialled' | 'published',
  wayTo: (address: Address) => WayThere,
): Destination {
  if (!containsAny(servers, server.address)) return no('server', 'the server is in none of servers');
  if (isLinkLocal(server.address)) return no('link-local', 'the server is link-local, and no router leads there');
  const way = wayTo(server.address);
  // Whoever may come to this machine is for its input chain to say, and that sees nothing of what we dial.
  if (way === 'own') {
    return known === 'dialled'
      ? no('server', 'the server would be this machine, and it is not published')
      : { ok: true, value: server };
  }
  if (egress !== undefined && way !== 'egress') {
    return no('egress', `the way to the server does not lead out of ${egress}`);
  }
  return { ok: true, value: server };
}

function isPublic(publish: readonly Published[], address: Address): boolean {
  return publish.some(({ from }) => sameAddress(from.address, address));
}

function no(cause: Refused, text: string): Destination {
  return { ok: false, reason: { cause, text } };
}
