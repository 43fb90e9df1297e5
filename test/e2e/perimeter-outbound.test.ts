// Do private clients work on servers out in the world, which see only the router's address?
//
//   client 10.88.0.2 ─── lan0 router wan0 ─── 198.51.100.2 vsftpd, .3 ProFTPD, .4 Pure-FTPd
//                        198.51.100.1
//
// The servers have no route to 10.88.0.0/24: a private address that leaked into a PORT could not even be dialled, and
// would be seen. Both ways, they see 198.51.100.1 only; the client sees the servers' real addresses.
// Two engines share the table and divide the data ports.

import { crossesPerimeter } from '../support/perimeter/crossing.ts';

crossesPerimeter({
  topology: 'outbound',
  family: 4,
  servers: [
    { name: 'vsftpd', host: '198.51.100.2', dialled: '198.51.100.2' },
    { name: 'ProFTPD', host: '198.51.100.3', dialled: '198.51.100.3' },
    { name: 'Pure-FTPd', host: '198.51.100.4', dialled: '198.51.100.4' },
  ],
  clientSeenAs: '198.51.100.1',
  settings: (plane) => `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21], interface: lan0 }
    servers: [0.0.0.0/0]
    source: gateway
    dataPath: ${plane}
    dataPorts: 50000-50999
engines: 2
`,
});
