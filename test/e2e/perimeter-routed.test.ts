// Do clients work through a router that intercepts FTP, when both sides know each other's real addresses and shall go
// on seeing them?
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 vsftpd, .3 ProFTPD, .4 Pure-FTPd
//
// No address is translated on either side: the server sees 198.51.100.2, the client sees 10.77.0.x, control and data
// alike. The router answers with SYN cookies, as under a flood: no socket knows of a connection before its handshake is
// over.

import { crossesPerimeter } from '../support/perimeter/crossing.ts';

crossesPerimeter({
  topology: 'routed',
  family: 4,
  servers: [
    { name: 'vsftpd', host: '10.77.0.2', dialled: '10.77.0.2' },
    { name: 'ProFTPD', host: '10.77.0.3', dialled: '10.77.0.3' },
    { name: 'Pure-FTPd', host: '10.77.0.4', dialled: '10.77.0.4' },
  ],
  clientSeenAs: '198.51.100.2',
  onRouter: ['sysctl -qw net.ipv4.tcp_syncookies=2'],
  settings: (plane) => `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.0/24]
    dataPath: ${plane}
    dataPorts: 50000-50999
`,
});
