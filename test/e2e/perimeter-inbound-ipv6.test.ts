// Do clients outside work over IPv6 on servers inside that only have unique local addresses (RFC 4193), by the public
// addresses of the router?
//
//   client 2001:db8:1::2 ─── wan0 router lan0 ─── fd77::2 vsftpd, ::3 ProFTPD, ::4 Pure-FTPd
//                2001:db8:203::10, ::11, ::12
//
// Only EPSV and EPRT exist here (RFC 2428 §1). The client has no route to fd77::/64. Both ways, it sees the public
// addresses only; the servers see the client's real one.
// Two engines share the table and divide the data ports.

import { crossesPerimeter } from '../support/perimeter/crossing.ts';

crossesPerimeter({
  topology: 'inbound',
  family: 6,
  servers: [
    { name: 'vsftpd', host: 'fd77::2', dialled: '2001:db8:203::10' },
    { name: 'ProFTPD', host: 'fd77::3', dialled: '2001:db8:203::11' },
    { name: 'Pure-FTPd', host: 'fd77::4', dialled: '2001:db8:203::12' },
  ],
  clientSeenAs: '2001:db8:1::2',
  hidden: { from: 'client', host: 'fd77::2' },
  settings: (plane) => `
listeners:
  - name: perimeter
    mode: transparent
    listen: "[::]:2121"
    intercept: { ports: [21], interface: wan0 }
    servers: ["fd77::/64"]
    publish:
      - { address: "2001:db8:203::10", to: "[fd77::2]:21" }
      - { address: "2001:db8:203::11", port: 21, to: "[fd77::3]:21" }
      - { address: "2001:db8:203::12", port: 21, to: "[fd77::4]:21" }
    dataPath: ${plane}
    dataPorts: 50000-50999
engines: 2
`,
});
