// Which server does a client mean that dialled this endpoint, and may it be reached at all? A transparent listener takes what
// the kernel diverts to it, whoever it was for; only servers that the operator listed are dialled, so that the gateway is
// open to these and no relay for everybody. RFC 2663 §4.2 (a public address in front of a private server).

import { type Address, type Endpoint, sameAddress, sameEndpoint } from '../address/endpoint.ts';
import { containsAny, type Network } from '../address/network.ts';

/** A server of the private realm as the external realm knows it. */
export interface Published {
  readonly from: Endpoint;
  readonly to: Endpoint;
}

export interface Destinations {
  readonly publish: readonly Published[];
  /** The only servers that may be reached, published ones among them. */
  readonly servers: readonly Network[];
  /** Where the listener itself is: whoever dials it directly, and not a server, would be led in a circle. */
  readonly listen: Endpoint;
}

/** The server's real endpoint, or undefined where this one leads nowhere. */
export function serverBehind({ publish, servers, listen }: Destinations, dialled: Endpoint): Endpoint | undefined {
  if (dialled.port === listen.port && !publish.some(({ from }) => sameEndpoint(from, dialled))) return undefined;
  const server = publish.find(({ from }) => sameEndpoint(from, dialled))?.to ?? dialled;
  // A public address has no server of its own on ports that are not published.
  if (server === dialled && isPublic(publish, dialled.address)) return undefined;
  return containsAny(servers, server.address) ? server : undefined;
}

function isPublic(publish: readonly Published[], address: Address): boolean {
  return publish.some(({ from }) => sameAddress(from.address, address));
}
