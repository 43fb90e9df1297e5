// Do both directions work at once on the one router of a site, each as if it were alone? The settings are deploy/both.yaml
// itself, with the addresses of the laboratory.
//
//   client 198.51.100.2, ProFTPD .9 ─── wan0 router lan0 ─── 10.77.0.2: vsftpd, and clients
//                    203.0.113.10 and 198.51.100.1
//
// Outside, nobody has a route to 10.77.0.0/24. Either way the kernel carries all data, and every pair of addresses that the
// peers saw is asserted: an inbound connection with the outbound address, or the other way round, would be one too many.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  type ClientTarget,
  type DataMode,
  dataModes,
  type RealClient,
  sentSetups,
  setupVerb,
} from '../support/clients/client.ts';
import { curl } from '../support/clients/curl.ts';
import { lftp } from '../support/clients/lftp.ts';
import { octetsFrom } from '../support/octets.ts';
import { deployed } from '../support/perimeter/deployed.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import type { Network } from '../support/perimeter/network.ts';
import { elements } from '../support/perimeter/nft.ts';
import { pairsSeen, watchPairs } from '../support/perimeter/pairs.ts';
import { installOperatorsFirewall } from '../support/perimeter/witness.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes, suiteTimeoutMs } from '../support/watch.ts';

interface Direction {
  /** The listener that carries it. */
  readonly name: 'inbound' | 'outbound';
  readonly from: Network;
  readonly dialled: string;
  readonly server: RealServer;
}

const file = octetsFrom(64, 300_007);
const outsideServer = '198.51.100.9';
const cells: readonly (readonly [RealClient, DataMode])[] = [
  ...dataModes.map((mode) => [curl, mode] as const),
  ...lftp.modes.map((mode) => [lftp, mode] as const),
];

describe('inbound and outbound on one router', { skip: whyNoPerimeter(), timeout: suiteTimeoutMs }, () => {
  let lab: PerimeterLab;
  let gateway: PerimeterGateway;
  let directions: readonly Direction[];

  before(async () => {
    lab = await openPerimeter('inbound');
    const { client: outside, server: inside, router } = lab;
    await outside.must('ip', 'address', 'add', `${outsideServer}/24`, 'dev', 'eth0');
    directions = [
      { name: 'inbound', from: outside, dialled: '203.0.113.10', server: await start('vsftpd', inside, '10.77.0.2') },
      {
        name: 'outbound',
        from: inside,
        dialled: outsideServer,
        server: await start('ProFTPD', outside, outsideServer),
      },
    ];
    await watchPairs(outside);
    await watchPairs(inside);
    await installOperatorsFirewall(router);
    gateway = await startGateway(
      lab,
      await deployed('both.yaml', [
        ['192.0.2.10', '10.77.0.2'],
        ['192.0.2.0/24', '10.77.0.0/24'],
      ]),
    );
  });
  after(() => lab.close());

  async function start(name: 'vsftpd' | 'ProFTPD', network: Network, host: string): Promise<RealServer> {
    const server = await startServerAt(lab.lab, name, { host, port: 21, network: network.name });
    await writeFile(join(server.files, 'down.bin'), file);
    return server;
  }

  async function thereAndBack(direction: Direction, client: RealClient, mode: DataMode): Promise<void> {
    const { from, dialled, server } = direction;
    const name = `${direction.name}-${client.name}-${mode}`;
    const folder = await lab.lab.makeFolder(name);
    await writeFile(join(folder, 'source.bin'), file);
    const { user, password } = server;
    const target: ClientTarget = { host: dialled, port: 21, user, password, mode, folder, network: from.name };
    const down = await client.download(target, 'files/down.bin', 'got.bin');
    const up = await client.upload!(target, 'source.bin', `files/${name}.bin`);
    for (const run of [down, up]) {
      assert.equal(run.exitCode, 0, run.output);
      assert.deepEqual([...new Set(sentSetups(client, run))], [setupVerb[mode]], run.output);
    }
    assert.deepEqual(await readFile(join(folder, 'got.bin')), file);
    assert.deepEqual(await readFile(join(server.files, `${name}.bin`)), file);
  }

  for (const [client, mode] of cells) {
    test(`${client.name}, ${setupVerb[mode]}, in both directions at once`, async () => {
      await Promise.all(directions.map((direction) => thereAndBack(direction, client, mode)));
    });
  }

  test('each side saw the addresses of its own direction, and no other', async () => {
    assert.deepEqual(await pairsSeen(lab.client), {
      came: ['198.51.100.1 > 198.51.100.9', '203.0.113.10 > 198.51.100.2'],
      went: ['198.51.100.2 > 203.0.113.10', '198.51.100.9 > 198.51.100.1'],
    });
    assert.deepEqual(await pairsSeen(lab.server), {
      came: ['198.51.100.2 > 10.77.0.2', '198.51.100.9 > 10.77.0.2'],
      went: ['10.77.0.2 > 198.51.100.2', '10.77.0.2 > 198.51.100.9'],
    });
  });

  test('the kernel carried all of it, each half for its own listener', async () => {
    await becomes(() => gateway.transfers().length, cells.length * 4);
    const counts = new Map<string, number>();
    for (const { listener, plane, outcome } of gateway.transfers()) {
      const kind = `${listener} ${plane} ${outcome}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    assert.deepEqual([...counts].sort(), [
      ['inbound kernel completed', cells.length * 2],
      ['outbound kernel completed', cells.length * 2],
    ]);
  });

  test('no way is left', async () => {
    assert.deepEqual(await elements(lab.router, 'portcullis', 'pinholes4'), []);
    for (const map of ['redirects4', 'sources4']) {
      assert.deepEqual(await elements(lab.router, 'portcullis', map, 'map'), [], map);
    }
  });
});
