// Do clients outside work on servers inside that only have private addresses, by the public addresses of the router?
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 vsftpd, .3 ProFTPD, .4 Pure-FTPd
//                       203.0.113.10, .11, .12
//
// The client has no route to 10.77.0.0/24: a private address that leaked into a 227 could not even be dialled, and
// would be seen. Both ways, it sees the public addresses only; the servers see the client's real one.
// Two engines share the table and divide the data ports.

import { crossesPerimeter } from '../support/perimeter/crossing.ts';

crossesPerimeter({
  topology: 'inbound',
  family: 4,
  servers: [
    { name: 'vsftpd', host: '10.77.0.2', dialled: '203.0.113.10' },
    { name: 'ProFTPD', host: '10.77.0.3', dialled: '203.0.113.11' },
    { name: 'Pure-FTPd', host: '10.77.0.4', dialled: '203.0.113.12' },
  ],
  clientSeenAs: '198.51.100.2',
  settings: (plane) => `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.0/24]
    publish:
      - { address: 203.0.113.10, to: 10.77.0.2:21 }
      - { address: 203.0.113.11, port: 21, to: 10.77.0.3:21 }
      - { address: 203.0.113.12, port: 21, to: 10.77.0.4:21 }
    dataPath: ${plane}
    dataPorts: 50000-50999
engines: 2
`,
});
