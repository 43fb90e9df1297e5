// The relay for one test, with a poller, pipes and ports of its own.

import { PortPool } from '../../src/datapath/port-pool.ts';
import { Relay } from '../../src/datapath/relay.ts';
import { Poller } from '../../src/sys/poller.ts';
import { PipePool } from '../../src/sys/splice-pipe.ts';
import type { DataPathFixture, FixtureWishes } from './data-path-fixture.ts';

export function makeRelay({ dataPorts, joinTimeoutMs, dataIdleTimeoutMs }: FixtureWishes): DataPathFixture {
  const poller = new Poller();
  const pipes = new PipePool();
  const ports = new PortPool(dataPorts);
  const times = { joinTimeoutMs, dataIdleTimeoutMs };
  return {
    path: new Relay({ poller, pipes, ports, times }),
    poller,
    ports,
    close: () => {
      pipes.close();
      poller.close();
    },
  };
}
