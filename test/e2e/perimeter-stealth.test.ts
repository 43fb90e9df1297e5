// Does a probe with odd flags learn anything of a guarded host? FIN, NULL, Xmas, SYN+ACK, ACK and others are answered
// by a host in one way at an open port and in another at a closed one, so none may reach it; and what is no probe goes
// on.
//
//   stranger 192.0.2.66, 2001:db8:66::66 ─── wan1 router lan0 ─── 10.77.0.2, 2001:db8:77::2, where port 80 is open
//
// What never gets an answer is told from slow by the table's counters, and what reached the server by the server's own
// kernel.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dial } from '../support/data-ends.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { counted, loadNft } from '../support/perimeter/nft.ts';
import { becomes } from '../support/watch.ts';

const segments = join(import.meta.dirname, '../support/perimeter/segments.py');

const [FIN, SYN, RST, PSH, ACK, URG] = [1, 2, 4, 8, 16, 32];
const combinations = [
  0,
  FIN,
  RST,
  PSH,
  ACK,
  URG,
  FIN | ACK,
  RST | ACK,
  PSH | ACK,
  ACK | URG,
  SYN | ACK,
  SYN | FIN,
  SYN | RST,
  SYN | PSH,
  SYN | URG,
  FIN | PSH | URG,
  FIN | SYN | RST | PSH | ACK | URG,
];

const realms = [
  { family: 4, stranger: '192.0.2.66', server: '10.77.0.2', servers: '10.77.0.0/24' },
  { family: 6, stranger: '2001:db8:66::66', server: '2001:db8:77::2', servers: '2001:db8:77::/64' },
] as const;

const settings = `
listeners:
  - name: perimeter
    mode: transparent
    listen: "[::]:2121"
    intercept: { ports: [21], interface: wan0 }
    servers: [${realms.map(({ servers }) => `"${servers}"`).join(', ')}]
    dataPath: kernel
`;

// At the server: what the probes send, whose ports no connection of the kernel's own choice begins at.
const seen = `
table inet probes {
  counter came { }
  chain came {
    type filter hook prerouting priority raw; policy accept;
    tcp sport 20000-20999 tcp dport { 80, 81 } counter name "came"
  }
}`;

describe('stealth', { skip: whyNoPerimeter() }, () => {
  let lab: PerimeterLab;
  let gateway: PerimeterGateway;

  before(async () => {
    lab = await openPerimeter('routed');
    for (const { server } of realms) {
      const web = await lab.server.enter(() => openPort(server, 80));
      lab.lab.onClose(() => void web.close());
    }
    await loadNft(lab.server, seen);
    gateway = await startGateway(lab, settings);
  });
  after(() => lab.close());

  function openPort(host: string, port: number): Promise<Server> {
    const listening = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
    return new Promise((resolve) => listening.listen(port, host, () => resolve(listening)));
  }

  const strays = (): Promise<number> => gateway.metric('portcullis_kernel_dropped_packets_total{reason="stray"}');

  for (const { family, stranger, server } of realms) {
    test(`IPv${family}: no segment without a connection reaches the server, and each is counted`, async () => {
      const before = await strays();
      const flags = combinations.join(',');
      await lab.stranger.must('/usr/bin/python3', segments, 'probe', stranger, server, '80-81', flags);
      await becomes(async () => (await strays()) - before, 2 * combinations.length);
      assert.equal((await counted(lab.server, 'probes', 'came')).packets, 0);
    });

    test(`IPv${family}: a connection that the operator lets pass goes on, through a restart too`, async () => {
      const socket = await lab.stranger.enter(() => dial({ host: server, port: 80 }));
      const echoes = async (text: string): Promise<void> => {
        socket.write(text);
        const [echo] = await once(socket, 'data');
        assert.equal(String(echo), text);
      };
      await echoes('before');
      await gateway.program.end('SIGKILL');
      await echoes('between');
      gateway = await startGateway(lab, settings);
      await echoes('after');
      socket.destroy();
    });
  }
});
