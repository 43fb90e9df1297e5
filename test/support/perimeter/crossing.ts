// Does every client do its work on every server through the perimeter, in the kernel and in the process, and does each
// side see exactly the peers that it should? One suite for all topologies; the test of a topology says who is where.
// PORTCULLIS_TEST_DIRECT=1 leaves the gateway out where routes alone will do: then the peers or the test are to blame.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  assertSucceeded,
  type ClientTarget,
  type DataMode,
  type RealClient,
  setupVerb,
  smallFileNames,
} from '../clients/client.ts';
import { curl } from '../clients/curl.ts';
import { ftplib } from '../clients/ftplib.ts';
import { lftp } from '../clients/lftp.ts';
import { tnftp } from '../clients/tnftp.ts';
import { dial } from '../data-ends.ts';
import { isDirect } from '../front.ts';
import type { LogLine } from '../log-line.ts';
import { checksum, octetsFrom } from '../octets.ts';
import { type RealServer, type ServerName, startServerAt } from '../real-servers.ts';
import { becomes } from '../watch.ts';
import { type PerimeterGateway, startGateway } from './gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from './lab.ts';
import { noWayIsLeft } from './no-way-left.ts';
import type { Topology } from './topology.ts';
import {
  begunByForwarding,
  forwarded,
  installOperatorsFirewall,
  installOperatorsTranslation,
  peersSeen,
  watchPeers,
} from './witness.ts';

type Plane = 'kernel' | 'relay';

export interface Crossing {
  readonly topology: Topology;
  readonly family: 4 | 6;
  /** Where each server is, and the address that clients dial to reach it. */
  readonly servers: readonly { readonly name: ServerName; readonly host: string; readonly dialled: string }[];
  /** The one address from which clients come, and to which active data goes, as the servers see it. */
  readonly clientSeenAs: string;
  /** Where one side has private addresses: the other, which knows no way to this one of them. */
  readonly hidden?: { readonly from: 'client' | 'server'; readonly host: string };
  /** What the router's administrator has done otherwise than the laboratory: commands for its namespace. */
  readonly onRouter?: readonly string[];
  /** The settings file but for `admin`. */
  settings(plane: Plane): string;
}

interface Cell {
  readonly name: string;
  readonly server: RealServer;
  readonly client: RealClient;
  readonly target: ClientTarget;
}

const clients = [curl, lftp, ftplib, tnftp];
/** Over many segments, and no multiple of any buffer. */
const source = octetsFrom(43, 300_007);
const listed = smallFileNames(20);

/** Registers the suite. */
export function crossesPerimeter(crossing: Crossing): void {
  if (!isDirect) {
    for (const plane of ['kernel', 'relay'] as const) describeCrossing(crossing, plane);
  } else if (crossing.topology === 'routed') {
    describeCrossing(crossing, undefined);
  }
}

function describeCrossing(crossing: Crossing, plane: Plane | undefined): void {
  const title = plane === undefined ? 'without a gateway' : `dataPath: ${plane}`;
  describe(title, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let gateway: PerimeterGateway | undefined;
    const servers = new Map<ServerName, RealServer>();
    const names: string[] = [];

    before(async () => {
      lab = await openPerimeter(crossing.topology);
      for (const { name, host } of crossing.servers) servers.set(name, await startFilled(lab, name, host));
      await watchPeers(lab.client);
      await watchPeers(lab.server);
      if (plane === undefined) return;
      for (const command of crossing.onRouter ?? []) await lab.router.must('sh', '-c', command);
      await installOperatorsFirewall(lab.router);
      await installOperatorsTranslation(lab.router);
      gateway = await startGateway(lab, crossing.settings(plane));
    });
    after(() => lab.close());

    // Most of a cell's time is a peer that waits.
    describe('every client and mode', { concurrency: 4 }, () => {
      for (const { name: serverName, dialled } of crossing.servers) {
        for (const client of clients) {
          for (const mode of crossing.family === 4 ? client.modes : client.ipv6Modes) {
            test(`${serverName}, ${client.name}, ${setupVerb[mode]}`, async () => {
              const name = `${serverName}-${client.name}-${mode}`;
              names.push(name);
              await crosses(await makeCell(lab, name, servers.get(serverName)!, client, mode, dialled));
            });
          }
        }
      }
    });

    const { hidden } = crossing;
    if (hidden !== undefined) {
      test(`the ${hidden.from} knows no way to ${hidden.host}`, async () => {
        const attempt = lab[hidden.from].enter(() => dial({ host: hidden.host, port: 21 }));
        await assert.rejects(attempt, { code: 'ENETUNREACH' });
      });
    }

    test('each side saw the peers that it should, and no other', async () => {
      const dialled = crossing.servers.map((one) => one.dialled).sort();
      assert.deepEqual(await peersSeen(lab.client), { callers: dialled, callees: dialled });
      const seen = [crossing.clientSeenAs];
      assert.deepEqual(await peersSeen(lab.server), { callers: seen, callees: seen });
    });

    if (plane === undefined) return;

    test('every transfer has its record, with plane and octets', async () => {
      await becomes(() => gateway!.transfers().length, names.length * 3);
      const transfers = gateway!.transfers();
      for (const record of transfers) {
        const { plane: carried, outcome } = record;
        assert.deepEqual({ carried, outcome }, { carried: plane, outcome: 'completed' }, JSON.stringify(record));
      }
      for (const name of names) {
        assertOctets(plane, recordOf(transfers, `${name}-down.bin`), 'octetsToClient');
        assertOctets(plane, recordOf(transfers, `${name}-up.bin`), 'octetsToServer');
      }
      const listings = transfers.filter(({ direction }) => direction === 'listing');
      assert.equal(listings.length, names.length);
      assert.ok(listings.every(({ octetsToClient }) => Number(octetsToClient) > 0));
    });

    test(plane === 'kernel' ? 'the kernel forwarded all data' : 'nothing was forwarded', async () => {
      const { packets } = await begunByForwarding(lab.router);
      assert.ok(plane === 'relay' ? packets === 0 : packets >= names.length * 3, `${packets} connections`);
      const { octets } = await forwarded(lab.router);
      if (plane === 'kernel') assert.ok(octets > names.length * 2 * source.length, `${octets} octets`);
    });

    test('no way is left', async () => {
      assert.equal(await gateway!.metric(`portcullis_ways_active{plane="${plane}"}`), 0);
      await noWayIsLeft(lab.router, crossing.family);
    });
  });
}

async function startFilled(lab: PerimeterLab, name: ServerName, host: string): Promise<RealServer> {
  const server = await startServerAt(lab.lab, name, { host, port: 21, network: lab.server.name });
  await mkdir(join(server.files, 'listed'));
  for (const file of listed) await writeFile(join(server.files, 'listed', file), '');
  return server;
}

async function makeCell(
  lab: PerimeterLab,
  name: string,
  server: RealServer,
  client: RealClient,
  mode: DataMode,
  host: string,
): Promise<Cell> {
  const folder = await lab.lab.makeFolder(name);
  await writeFile(join(server.files, `${name}-down.bin`), source);
  await writeFile(join(folder, 'source.bin'), source);
  const { user, password } = server;
  return { name, server, client, target: { host, port: 21, user, password, mode, folder, network: lab.client.name } };
}

async function crosses({ name, server, client, target }: Cell): Promise<void> {
  const sum = await checksum(join(target.folder, 'source.bin'));
  assertSucceeded(client, target.mode, await client.download(target, `files/${name}-down.bin`, 'got.bin'));
  assert.equal(await checksum(join(target.folder, 'got.bin')), sum);
  assertSucceeded(client, target.mode, await client.upload!(target, 'source.bin', `files/${name}-up.bin`));
  assert.equal(await checksum(join(server.files, `${name}-up.bin`)), sum);
  const listing = await client.list(target, 'files/listed');
  assertSucceeded(client, target.mode, listing);
  const absent = listed.filter((file) => !new RegExp(`\\b${file}\\b`).test(listing.output));
  assert.deepEqual(absent, [], listing.output);
}

function recordOf(transfers: readonly LogLine[], file: string): LogLine {
  const found = transfers.filter(({ path }) => String(path).endsWith(file));
  assert.equal(found.length, 1, `records of ${file}: ${JSON.stringify(found)}`);
  return found[0]!;
}

function assertOctets(plane: Plane, record: LogLine, way: 'octetsToClient' | 'octetsToServer'): void {
  const octets = Number(record[way]);
  if (plane === 'relay') assert.equal(octets, source.length, JSON.stringify(record));
  // conntrack counts packets with their headers, and those that were sent twice.
  else assert.ok(octets >= source.length && octets < source.length * 1.2, JSON.stringify(record));
}
