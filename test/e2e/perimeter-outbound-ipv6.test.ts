// Do clients with unique local addresses (RFC 4193) work over IPv6 on servers out in the world, which see only the
// router's address?
//
//   client fd88::2 ─── lan0 router wan0 ─── 2001:db8:1::2 vsftpd, ::3 ProFTPD, ::4 Pure-FTPd
//                      2001:db8:1::1
//
// Only EPSV and EPRT exist here (RFC 2428 §1). The servers have no route to fd88::/64: a private address that leaked
// into an EPRT could not even be dialled. Both ways, they see 2001:db8:1::1 only; the client sees the servers' real
// addresses. Two engines share the table and divide the data ports.

import { crossesPerimeter } from '../support/perimeter/crossing.ts';

crossesPerimeter({
  topology: 'outbound',
  family: 6,
  servers: [
    { name: 'vsftpd', host: '2001:db8:1::2', dialled: '2001:db8:1::2' },
    { name: 'ProFTPD', host: '2001:db8:1::3', dialled: '2001:db8:1::3' },
    { name: 'Pure-FTPd', host: '2001:db8:1::4', dialled: '2001:db8:1::4' },
  ],
  clientSeenAs: '2001:db8:1::1',
  hidden: { from: 'server', host: 'fd88::2' },
  settings: (plane) => `
listeners:
  - name: perimeter
    mode: transparent
    listen: "[::]:2121"
    intercept: { ports: [21], interface: lan0 }
    servers: ["::/0"]
    source: gateway
    dataPath: ${plane}
    dataPorts: 50000-50999
engines: 2
`,
});
