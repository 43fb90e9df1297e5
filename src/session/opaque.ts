// What is known of a session whose peers speak TLS with one another, past the gateway (RFC 4217 without a part in it)?
// It is opaque: octets are passed on and not read. Its data connections cannot be told in advance, so those ports of
// the server are open to this client, and to no other, until the session is read again or ends.

import type { Address } from '../address/endpoint.ts';
import type { Side } from './expectation.ts';
import type { PassivePorts } from './security.ts';

/** Who may open data connections to where. */
export interface PassiveRange {
  readonly client: Address;
  /** At which address the client knows the server. */
  readonly announced: Address;
  readonly server: Address;
  /** Whom the server sees. */
  readonly source: Address;
  readonly ports: PassivePorts;
}

/** How far TLS between the peers goes: each direction may end by itself (CCC, RFC 4217 §7). */
export interface OpaqueLegs extends Readonly<Record<Side, 'tls' | 'cleared'>> {
  /** Octets that one of them has sent under TLS since the other speaks in the clear. */
  readonly trailing: number;
}
