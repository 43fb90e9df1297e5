// A data connection that may come: how each of its two legs comes about, and who may be at the other end.
// RFC 959 §5.2 knows one connection between client and server; a gateway has two legs and joins them.

import type { Address, Endpoint } from '../address/endpoint.ts';
import type { Network } from '../address/network.ts';
import type { planes, sides } from './record-words.ts';

export type Side = (typeof sides)[number];

/** The commands that ask for a data connection. */
export type SetUpVerb = 'PASV' | 'EPSV' | 'PORT' | 'EPRT';

/** A data connection being negotiated: what the client asked, and what the server is asked for it. */
export interface SetUp {
  readonly asked: SetUpVerb;
  /** Where an active client listens. */
  readonly target: Endpoint | undefined;
  readonly toServer: SetUpVerb;
}

/** What has become of a data connection. */
export type WayNews =
  /** Somebody has begun to connect, and whether it is the expected peer shows when the connection is complete. */
  | { readonly kind: 'data-path-attempted'; readonly way: number }
  /** Both legs are up. */
  | { readonly kind: 'data-path-joined'; readonly way: number }
  | { readonly kind: 'data-path-ended'; readonly way: number; readonly result: DataResult };

export type Plane = (typeof planes)[number];

export interface Expectation {
  /** Unique within the session. */
  readonly way: number;
  readonly client: DataLeg;
  readonly server: DataLeg;
  /** A leg may be put under TLS: nothing moves before `protect-data-path` has said which (RFC 4217 §9). */
  readonly tls?: 'by-transfer';
}

export type DataLeg = ListeningLeg | DiallingLeg;

export interface ListeningLeg {
  readonly mode: 'listen';
  /** The gateway's own address to listen on; the port comes from the pool. */
  readonly local: Address;
  /**
   * The only peer whose connection is taken (RFC 2577 §4, port theft); any other is refused and does not use up the
   * way.
   */
  readonly admits: Address;
  /** Further peers, for transfers between servers that the ruleset allows. */
  readonly admitsToo: readonly Network[];
}

export interface DiallingLeg {
  readonly mode: 'dial';
  readonly remote: Endpoint;
  /** Source address; undefined leaves it to the kernel's routes. */
  readonly local: Address | undefined;
  readonly sourcePort: number | undefined;
}

/** Ports that an opened way listens on, per side; undefined where that leg dials. */
export interface OpenedPorts {
  readonly client: number | undefined;
  readonly server: number | undefined;
}

/** How a data connection went. */
export interface DataResult {
  readonly outcome: 'completed' | 'failed';
  /** For people: what ended it. */
  readonly reason: string;
  readonly octetsToClient: number;
  readonly octetsToServer: number;
  readonly durationMs: number;
  readonly clientPeer: Endpoint | undefined;
  readonly serverPeer: Endpoint | undefined;
}
