// The relay (src/datapath/relay.ts) as a data path.

import { PortPool } from '../../src/datapath/port-pool.ts';
import { Relay } from '../../src/datapath/relay.ts';
import { Poller } from '../../src/sys/poller.ts';
import { PipePool } from '../../src/sys/splice-pipe.ts';
import { dataPathCompliance } from './data-path-suite.ts';
import { onLoopback } from './scene.ts';

dataPathCompliance({
  name: 'relay',
  traits: { connections: 'one-each', closing: 'resets' },
  places: onLoopback,
  make: ({ dataPorts, joinTimeoutMs, dataIdleTimeoutMs }) => {
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
  },
});
