// Does `kernel.guard` keep a network from connections that no session expects, over IPv4 and over IPv6? What it drops
// is counted, and without it all of the same arrives.
//
//   client 198.51.100.2, 2001:db8:1::2 ───── wan0 router lan0 ─── 10.77.0.2, 2001:db8:77::2 a host without servers
//   stranger 192.0.2.66, 2001:db8:66::66 ─── wan1

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LabEndpoint } from '../support/lab.ts';
import { Attempt } from '../support/perimeter/attempt.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { counted, loadNft } from '../support/perimeter/nft.ts';
import { isDropped, unexpected } from '../support/perimeter/pinhole-watch.ts';
import { watchPeers } from '../support/perimeter/witness.ts';
import { becomes } from '../support/watch.ts';

const realms = [
  { family: 4, network: '10.77.0.0/24', host: '10.77.0.2', client: '198.51.100.2', stranger: '192.0.2.66' },
  {
    family: 6,
    network: '2001:db8:77::/64',
    host: '2001:db8:77::2',
    client: '2001:db8:1::2',
    stranger: '2001:db8:66::66',
  },
] as const;

/** Both ends of what is guarded, and what lies between; 20 and 21 are the ports of FTP (RFC 959 §5.1) by UDP. */
const tcpPorts = [1024, 2121, 50_000, 65_535];
const udpPorts = [20, 21];

const settings = (guard: string): string => `
listeners:
  - name: perimeter
    mode: transparent
    listen: "[::]:2121"
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.0/24, "2001:db8:77::/64"]
    dataPath: kernel
    dataPorts: 50000-50999
kernel:
  guard: ${guard}
`;

const datagrams = `
table inet datagrams {
  counter came { }
  chain came { type filter hook input priority filter; udp dport { 20, 21 } counter name came; }
}`;

for (const { family, network, host, client, stranger } of realms) {
  describe(`the guard, IPv${family}`, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let gateway: PerimeterGateway;
    before(async () => {
      lab = await openPerimeter('routed');
      await watchPeers(lab.server);
      await loadNft(lab.server, datagrams);
      gateway = await startGateway(lab, settings(`["${network}"]`));
    });
    after(() => lab.close());

    const datagramsSeen = async (): Promise<number> => (await counted(lab.server, 'datagrams', 'came')).packets;

    async function sendDatagram({ host, port }: LabEndpoint): Promise<void> {
      const kind = `socket.AF_INET${family === 6 ? '6' : ''}, socket.SOCK_DGRAM`;
      const program = `import socket; socket.socket(${kind}).sendto(b"x", ("${host}", ${port}))`;
      await lab.client.must('python3', '-c', program);
    }

    test('TCP above 1023 and UDP of FTP are dropped, from every side, and counted', async () => {
      for (const port of tcpPorts) {
        await isDropped(lab, lab.client, client, { host, port });
        await isDropped(lab, lab.stranger, stranger, { host, port });
      }
      for (const port of udpPorts) {
        const before = await unexpected(lab);
        await sendDatagram({ host, port });
        await becomes(async () => (await unexpected(lab)) > before, true);
      }
      assert.equal(await datagramsSeen(), 0);
      const dropped = await unexpected(lab);
      const metric = 'portcullis_kernel_dropped_packets_total{reason="unexpected"}';
      await becomes(async () => (await gateway.metric(metric)) >= dropped, true);
    });

    test('below that it does not ask', async () => {
      const attempt = await Attempt.from(lab.client, { host, port: 1023 });
      await becomes(() => attempt.outcome, 'ECONNREFUSED');
    });

    test('of another family or network it says nothing', async () => {
      const other = realms.find((realm) => realm.family !== family)!;
      const attempt = await Attempt.from(lab.client, { host: other.host, port: 50_000 });
      await becomes(() => attempt.outcome, 'ECONNREFUSED');
    });

    test('without it all of that arrives', async () => {
      await gateway.program.end();
      gateway = await startGateway(lab, settings('[]'));
      for (const port of tcpPorts) {
        for (const from of [lab.client, lab.stranger]) {
          const attempt = await Attempt.from(from, { host, port });
          await becomes(() => attempt.outcome, 'ECONNREFUSED');
        }
      }
      for (const port of udpPorts) await sendDatagram({ host, port });
      await becomes(datagramsSeen, udpPorts.length);
      assert.equal(await unexpected(lab), 0);
    });
  });
}
