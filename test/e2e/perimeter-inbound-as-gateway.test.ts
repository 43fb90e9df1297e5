// Do clients outside work on a server inside that is to see the gateway alone, where nothing but the gateway's own
// addresses is ever dialled, and so without any policy routing?
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 vsftpd
//                       203.0.113.10 10.77.0.1
//
// The server sees 10.77.0.1, and connects to it in active mode; the client sees 203.0.113.10.

import { crossesPerimeter } from '../support/perimeter/crossing.ts';

crossesPerimeter({
  topology: 'inbound',
  family: 4,
  onRouter: ['ip -4 rule delete fwmark 1', 'ip -6 rule delete fwmark 1'],
  servers: [{ name: 'vsftpd', host: '10.77.0.2', dialled: '203.0.113.10' }],
  clientSeenAs: '10.77.0.1',
  settings: (plane) => `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.2]
    publish: [{ address: 203.0.113.10, to: 10.77.0.2:21 }]
    source: gateway
    dataPath: ${plane}
    dataPorts: 50000-50999
`,
});
