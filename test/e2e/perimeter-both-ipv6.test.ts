// Do both directions work at once on the one router of a site over IPv6, where addresses are private inside as they are
// with IPv4, each as if it were alone?
//
//   client 2001:db8:1::2, ProFTPD ::9 ─── wan0 router lan0 ─── fd77::2: vsftpd, and clients
//            2001:db8:203::10 and 2001:db8:1::1
//
// Outside, nobody has a route to fd77::/64. Only EPSV and EPRT exist here (RFC 2428 §1).

import { worksBothWays } from '../support/perimeter/both-ways.ts';

worksBothWays({
  family: 6,
  inside: 'fd77::2',
  published: '2001:db8:203::10',
  router: '2001:db8:1::1',
  outsideClient: '2001:db8:1::2',
  outsideServer: '2001:db8:1::9',
  // Deprecated from the beginning (RFC 4862 §5.5.4): it answers, and whoever may choose leaves with the other.
  outsideServerAddress: ['2001:db8:1::9/64', 'preferred_lft', '0', 'nodad'],
  exchanged: [
    ['listen: 0.0.0.0:2121', 'listen: "[::]:2121"'],
    ['listen: 0.0.0.0:2122', 'listen: "[::]:2122"'],
    ['servers: [192.0.2.10]', 'servers: ["fd77::2"]'],
    ['address: 203.0.113.10, to: 192.0.2.10:21', 'address: "2001:db8:203::10", to: "[fd77::2]:21"'],
    ['servers: [0.0.0.0/0]', 'servers: ["::/0"]'],
    ['guard: [192.0.2.0/24]', 'guard: ["fd77::/64"]'],
  ],
});
