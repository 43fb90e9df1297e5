// Do clients work through a router on IPv6, where nothing is ever translated?
//
//   client 2001:db8:1::2 ─── wan0 router lan0 ─── 2001:db8:77::2 vsftpd, ::3 ProFTPD, ::4 Pure-FTPd
//
// Only EPSV and EPRT exist here (RFC 2428 §1). Each side sees the other's real address, control and data alike.

import { crossesPerimeter } from '../support/perimeter/crossing.ts';

crossesPerimeter({
  topology: 'routed',
  family: 6,
  servers: [
    { name: 'vsftpd', host: '2001:db8:77::2', dialled: '2001:db8:77::2' },
    { name: 'ProFTPD', host: '2001:db8:77::3', dialled: '2001:db8:77::3' },
    { name: 'Pure-FTPd', host: '2001:db8:77::4', dialled: '2001:db8:77::4' },
  ],
  clientSeenAs: '2001:db8:1::2',
  settings: (plane) => `
listeners:
  - name: perimeter
    mode: transparent
    listen: "[::]:2121"
    intercept: { ports: [21], interface: wan0 }
    servers: ["2001:db8:77::/64"]
    dataPath: ${plane}
    dataPorts: 50000-50999
`,
});
