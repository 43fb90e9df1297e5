// The relay (src/datapath/relay.ts) as a data path.

import { PortPool } from '../../src/datapath/port-pool.ts';
import { Relay } from '../../src/datapath/relay.ts';
import { Poller } from '../../src/sys/poller.ts';
import { PipePool } from '../../src/sys/splice-pipe.ts';
import { dataPathCompliance } from './data-path-suite.ts';

dataPathCompliance('relay', ({ dataPorts, ...times }) => {
  const poller = new Poller();
  const pipes = new PipePool();
  const ports = new PortPool(dataPorts);
  return {
    path: new Relay({ poller, pipes, ports, times }),
    poller,
    ports,
    close: () => {
      pipes.close();
      poller.close();
    },
  };
});
