// Do packets carry the class that the settings name (RFC 2474)? Control connections on both of their legs, data
// connections in both directions and in either data path, over IPv4 and IPv6; and nothing goes out unclassed between.
//
//   client 198.51.100.2, 2001:db8:1::2 ─── wan0 router lan0 ─── 10.77.0.2, 2001:db8:77::2 vsftpd

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { curl } from '../support/clients/curl.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import type { Network } from '../support/perimeter/network.ts';
import { counted, loadNft } from '../support/perimeter/nft.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(52, 150_001);
const hosts = { 4: '10.77.0.2', 6: '2001:db8:77::2' } as const;
const clientHosts = { 4: '198.51.100.2', 6: '2001:db8:1::2' } as const;
const families = [4, 6] as const;
/** As `kernel.dscp.control` before and after the reload, and `kernel.dscp.data`. */
const codePoints = { control: 'af21', renewed: 'cs3', data: 'af11' } as const;
type Class = keyof typeof codePoints;

const dataPaths = ['kernel', 'relay'] as const;
type DataPath = (typeof dataPaths)[number];

const settings = (dataPath: DataPath, control: Class): string => `
listeners:
  - name: perimeter
    mode: transparent
    listen: "[::]:2121"
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.0/24, "2001:db8:77::/64"]
    dataPath: ${dataPath}
    dataPorts: 50000-50999
kernel:
  dscp: { control: ${codePoints[control]}, data: ${codePoints.data} }
`;

/** Counts what comes in from the other side, by what it is and how it is classed. */
function countersFor(family: 4 | 6, from: string, controlPort: 'sport' | 'dport'): string {
  const ip = family === 4 ? 'ip' : 'ip6';
  const rules = (['control', 'data'] as const).flatMap((what) => [
    ...(Object.keys(codePoints) as Class[]).map((name) => `${what} ${name} ${ip} dscp ${codePoints[name]}`),
    `${what} unclassed ${ip} dscp cs0`,
  ]);
  return `table inet points${family} {
${rules.map((rule) => `  counter ${rule.split(' ').slice(0, 2).join('_')} { }`).join('\n')}
  chain came {
    type filter hook input priority filter;
${rules
  .map((rule) => {
    const [what, name, ...match] = rule.split(' ');
    const port = `tcp ${controlPort} ${what === 'control' ? '' : '!= '}21`;
    return `    ${ip} saddr ${from} ${port} ${match.join(' ')} counter name ${what}_${name}`;
  })
  .join('\n')}
  }
}`;
}

for (const dataPath of dataPaths) {
  describe(`classes of service, ${dataPath}`, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let gateway: PerimeterGateway;
    const servers = new Map<4 | 6, RealServer>();

    before(async () => {
      lab = await openPerimeter('routed');
      for (const family of families) {
        const server = await startServerAt(lab.lab, 'vsftpd', {
          host: hosts[family],
          port: 21,
          network: lab.server.name,
        });
        await writeFile(join(server.files, 'file.bin'), file);
        servers.set(family, server);
        await loadNft(lab.client, countersFor(family, hosts[family], 'sport'));
        await loadNft(lab.server, countersFor(family, clientHosts[family], 'dport'));
      }
      gateway = await startGateway(lab, settings(dataPath, 'control'));
    });
    after(() => lab.close());

    for (const family of families) {
      for (const mode of ['extended', 'extended-active'] as const) {
        test(`IPv${family}, ${mode}: both legs of control and both directions of data have their classes`, async () => {
          await download(family, mode);
          for (const host of [lab.client, lab.server]) await assertClasses(host, family, 'control');
        });
      }
    }

    test('new sessions have the class of new settings', async () => {
      await writeFile(
        join(lab.lab.folder, 'perimeter.yaml'),
        `${settings(dataPath, 'renewed')}\nadmin:\n  listen: 127.0.0.1:9121\n`,
      );
      gateway.program.signal('SIGHUP');
      await loggedLine(gateway.program, { msg: 'settings reloaded; they hold for new sessions' });
      for (const family of families) {
        await download(family, 'extended');
        for (const host of [lab.client, lab.server]) await assertClasses(host, family, 'renewed');
      }
    });

    async function download(family: 4 | 6, mode: 'extended' | 'extended-active'): Promise<void> {
      for (const host of [lab.client, lab.server]) await host.must('nft', 'reset', 'counters');
      const { host, port, user, password } = servers.get(family)!;
      const folder = await lab.lab.makeFolder(`download-${gateway.transfers().length}`);
      const before = gateway.transfers().length;
      const target = { host, port, user, password, mode, folder, network: lab.client.name };
      const run = await curl.download(target, 'files/file.bin', 'got.bin');
      assert.equal(run.exitCode, 0, run.output);
      assert.deepEqual(await readFile(join(folder, 'got.bin')), file);
      await becomes(() => gateway.transfers().length, before + 1);
      assert.equal(gateway.transfers()[before]?.['plane'], dataPath);
    }
  });
}

/** What came in at that host: all of it classed, control as named, data as data. */
async function assertClasses(host: Network, family: 4 | 6, control: 'control' | 'renewed'): Promise<void> {
  for (const [what, right] of [
    ['control', control],
    ['data', 'data'],
  ] as const) {
    for (const name of ['control', 'renewed', 'data', 'unclassed']) {
      const { packets } = await counted(host, `points${family}`, `${what}_${name}`);
      assert.equal(packets > 0, name === right, `${host.name}: ${packets} packets of ${what} classed ${name}`);
    }
  }
}
