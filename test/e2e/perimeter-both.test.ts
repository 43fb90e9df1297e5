// Do both directions work at once on the one router of a site, each as if it were alone?
//
//   client 198.51.100.2, ProFTPD .9 ─── wan0 router lan0 ─── 10.77.0.2: vsftpd, and clients
//                    203.0.113.10 and 198.51.100.1
//
// Outside, nobody has a route to 10.77.0.0/24.

import { worksBothWays } from '../support/perimeter/both-ways.ts';

worksBothWays({
  family: 4,
  inside: '10.77.0.2',
  published: '203.0.113.10',
  router: '198.51.100.1',
  outsideClient: '198.51.100.2',
  outsideServer: '198.51.100.9',
  outsideServerAddress: ['198.51.100.9/24'],
  exchanged: [
    ['192.0.2.10', '10.77.0.2'],
    ['192.0.2.0/24', '10.77.0.0/24'],
  ],
});
