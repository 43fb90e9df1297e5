// What does the compliance suite need of an implementation of the data path? A bench: a fresh path for each test, with
// its poller and its ports in sight, the places where the peers live, and by which traits it differs from other planes.

import type { Address } from '../../src/address/endpoint.ts';
import type { DataPath, Securing } from '../../src/datapath/data-path.ts';
import type { PortPool, PortSpan } from '../../src/datapath/port-pool.ts';
import type { Side } from '../../src/session/expectation.ts';
import type { Poller } from '../../src/sys/poller.ts';
import type { PeerTls } from './peer.ts';

export interface DataPathFixture {
  readonly path: DataPath;
  /** The poller that the path works on; the suite turns it. */
  readonly poller: Poller;
  /** The pool that the path takes its ports from. */
  readonly ports: PortPool;
  /** Frees all that was made, the poller too; afterwards no descriptor may be left. */
  close(): void;
}

export interface FixtureWishes {
  readonly dataPorts: readonly PortSpan[];
  /** From the first leg's arrival to the second's. */
  readonly joinTimeoutMs: number;
  /** Without an octet in either direction. */
  readonly dataIdleTimeoutMs: number;
  /** Of the way as such, where the plane itself ends what nobody used. */
  readonly expectationTimeoutMs: number;
}

export type MakeFixture = (wishes: FixtureWishes) => DataPathFixture;

/** By what planes differ by nature; the suite tests either way. */
export interface Traits {
  /** Each leg a connection of the gateway's own, or the peers' one connection, with addresses translated on its way. */
  readonly connections: 'one-each' | 'one-through';
  /** What close() does to a connection: a reset for both peers, nothing, or no packet of it passes any more. */
  readonly closing: 'resets' | 'lets-go' | 'cuts';
}

/** Where everybody lives. */
export interface Places {
  /** The gateway's address towards that side. */
  gateway(side: Side, family: 4 | 6): Address;
  peer(side: Side, family: 4 | 6): Address;
  /** Somebody else's address, on the same side. */
  stranger(side: Side): Address;
  /** The sockets that `body` makes are those of hosts on that side. */
  within<T>(side: Side, body: () => T): T;
}

/** TLS on one leg: as the gateway puts it over its end, and the peer over its own. */
export interface LegTls {
  readonly gateway: Securing;
  readonly peer: NonNullable<PeerTls>;
}

export interface Bench {
  readonly name: string;
  /** Legs that are put under TLS as soon as the way is open, as for a session under PROT P. */
  readonly tls?: Partial<Readonly<Record<Side, LegTls>>>;
  readonly traits: Traits;
  readonly places: Places;
  make: MakeFixture;
}
