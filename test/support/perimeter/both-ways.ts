// Do both directions work at once on the one router of a site, each as if it were alone? One suite for both families;
// the settings are deploy/both.yaml itself, with the addresses of the laboratory. It holds a server on either side, and
// each side's host is a client of the other's.
// Every pair of addresses that the peers saw is asserted: an inbound connection with the outbound address, or the other
// way round, would be one too many.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertSucceeded, type ClientTarget, type DataMode, type RealClient, setupVerb } from '../clients/client.ts';
import { curl } from '../clients/curl.ts';
import { lftp } from '../clients/lftp.ts';
import { octetsFrom } from '../octets.ts';
import { type RealServer, startServerAt } from '../real-servers.ts';
import { becomes } from '../watch.ts';
import { deployed } from './deployed.ts';
import { type PerimeterGateway, startGateway } from './gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from './lab.ts';
import type { Network } from './network.ts';
import { noWayIsLeft } from './no-way-left.ts';
import { pairsSeen, watchPairs } from './pairs.ts';
import { begunByForwarding, forwarded, installOperatorsFirewall } from './witness.ts';

/** Whose address is which, in the topology `inbound`. */
export interface Site {
  readonly family: 4 | 6;
  /** The host inside, vsftpd and clients alike, and the public address of its server. */
  readonly inside: string;
  readonly published: string;
  /** The router's own address outside, as which clients inside are seen. */
  readonly router: string;
  readonly outsideClient: string;
  /** ProFTPD; ip(8)'s words that give the host outside this second address, from which no client leaves. */
  readonly outsideServer: string;
  readonly outsideServerAddress: readonly string[];
  /** What stands in deploy/both.yaml, and what stands there in the laboratory. */
  readonly exchanged: readonly (readonly [string, string])[];
}

interface Direction {
  /** The listener that carries it. */
  readonly name: 'inbound' | 'outbound';
  readonly from: Network;
  readonly dialled: string;
  readonly server: RealServer;
}

const file = octetsFrom(64, 300_007);
/** What each setting of `dataPath` has to make of it; the file's own is `auto`. */
const planes = { auto: 'kernel', relay: 'relay' } as const;

/** Registers the suite. */
export function worksBothWays(site: Site): void {
  for (const dataPath of ['auto', 'relay'] as const) describeBothWays(site, dataPath);
}

function describeBothWays(site: Site, dataPath: keyof typeof planes): void {
  const plane = planes[dataPath];
  const cells: readonly (readonly [RealClient, DataMode])[] = [curl, lftp].flatMap((client) =>
    (site.family === 4 ? client.modes : client.ipv6Modes).map((mode) => [client, mode] as const),
  );

  const title = `inbound and outbound on one router, dataPath: ${dataPath}`;
  describe(title, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let gateway: PerimeterGateway;
    let directions: readonly Direction[];

    before(async () => {
      lab = await openPerimeter('inbound');
      const { client: outside, server: inside, router } = lab;
      await outside.must('ip', 'address', 'add', ...site.outsideServerAddress, 'dev', 'eth0');
      directions = [
        { name: 'inbound', from: outside, dialled: site.published, server: await start('vsftpd', inside, site.inside) },
        {
          name: 'outbound',
          from: inside,
          dialled: site.outsideServer,
          server: await start('ProFTPD', outside, site.outsideServer),
        },
      ];
      await watchPairs(outside);
      await watchPairs(inside);
      await installOperatorsFirewall(router);
      const settings = await deployed('both.yaml', [...site.exchanged, ['dataPath: auto', `dataPath: ${dataPath}`]]);
      gateway = await startGateway(lab, settings);
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
      for (const run of [down, up]) assertSucceeded(client, mode, run);
      assert.deepEqual(await readFile(join(folder, 'got.bin')), file);
      assert.deepEqual(await readFile(join(server.files, `${name}.bin`)), file);
    }

    for (const [client, mode] of cells) {
      test(`${client.name}, ${setupVerb[mode]}, in both directions at once`, async () => {
        await Promise.all(directions.map((direction) => thereAndBack(direction, client, mode)));
      });
    }

    test('each side saw the addresses of its own direction, and no other', async () => {
      const { inside, published, router, outsideClient, outsideServer } = site;
      assert.deepEqual(await pairsSeen(lab.client), {
        came: [`${router} > ${outsideServer}`, `${published} > ${outsideClient}`].sort(),
        went: [`${outsideClient} > ${published}`, `${outsideServer} > ${router}`].sort(),
      });
      assert.deepEqual(await pairsSeen(lab.server), {
        came: [`${outsideClient} > ${inside}`, `${outsideServer} > ${inside}`].sort(),
        went: [`${inside} > ${outsideClient}`, `${inside} > ${outsideServer}`].sort(),
      });
    });

    const how = plane === 'kernel' ? 'in the kernel' : 'as relay';
    test(`all of it was carried ${how}, each half for its own listener`, async () => {
      await becomes(() => gateway.transfers().length, cells.length * 4);
      const counts = new Map<string, number>();
      for (const { listener, plane: carried, outcome } of gateway.transfers()) {
        const kind = `${listener} ${carried} ${outcome}`;
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      }
      assert.deepEqual([...counts].sort(), [
        [`inbound ${plane} completed`, cells.length * 2],
        [`outbound ${plane} completed`, cells.length * 2],
      ]);
      const { packets } = await begunByForwarding(lab.router);
      assert.ok(plane === 'relay' ? packets === 0 : packets >= cells.length * 4, `${packets} connections`);
      const { octets } = await forwarded(lab.router);
      if (plane === 'kernel') assert.ok(octets > cells.length * 4 * file.length, `${octets} octets`);
    });

    test('no way is left', () => noWayIsLeft(lab.router, site.family));
  });
}
