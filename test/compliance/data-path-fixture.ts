// What does the compliance suite need of an implementation of the data path? A fresh one for each test, with its poller
// and its ports in sight; everything else the suite brings along (addresses of the loopback interface, peers).

import type { DataPath } from '../../src/datapath/data-path.ts';
import type { PortPool, PortSpan } from '../../src/datapath/port-pool.ts';
import type { Poller } from '../../src/sys/poller.ts';

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
}

export type MakeFixture = (wishes: FixtureWishes) => DataPathFixture;
