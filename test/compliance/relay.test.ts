// The relay (src/datapath/relay.ts) as a data path.

import { dataPathCompliance } from './data-path-suite.ts';
import { makeRelay } from './relay-bench.ts';
import { onLoopback } from './scene.ts';

dataPathCompliance({
  name: 'relay',
  traits: { connections: 'one-each', closing: 'resets' },
  places: onLoopback,
  make: makeRelay,
});
