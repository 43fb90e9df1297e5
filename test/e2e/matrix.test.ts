// Can every real client do its work on every real server through the gateway, in every mode that it knows?
//
//   client 127.0.0.1 ── gateway 127.a.b.c:2121 ── server 127.d.e.f:2121      (one of each per server program)
//
// Octets are compared by SHA-256 at both ends, and what the client printed proves which set-up command it used.
// PORTCULLIS_MATRIX_TABLE names a file for the result as a Markdown table.

import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import {
  type ClientRun,
  type ClientTarget,
  type DataMode,
  dataModes,
  type RealClient,
  sentSetups,
  setupVerb,
  smallFileNames,
} from '../support/clients/client.ts';
import { type Front, startFront } from '../support/front.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { matrixTable, type Outcome } from '../support/matrix-table.ts';
import { checksum, octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { realClients } from '../support/real-clients.ts';
import { type RealServer, serverNames, startServer } from '../support/real-servers.ts';

const smallFiles = 300;
/** Of them in the further modes of a client, which do the same by another command. */
const fewFiles = 30;
/** Over a megabyte, and no multiple of any buffer. */
const sourceOctets = 1_048_583;
const resumeAt = 400_009;

const source = octetsFrom(1, sourceOctets);
const outcomes: Outcome[] = [];

/** One client in one mode on one server, with folders of its own at both ends. */
interface Cell {
  readonly client: RealClient;
  readonly target: ClientTarget;
  /** Seen from the login folder, and its real path. */
  readonly remote: string;
  readonly real: string;
  readonly server: RealServer;
  /** How many small files it fetches. */
  readonly many: number;
}

const operations: Record<string, { able: (client: RealClient) => boolean; act: (cell: Cell) => Promise<void> }> = {
  download: { able: () => true, act: download },
  upload: { able: (client) => client.upload !== undefined, act: upload },
  'append/resume': {
    able: (client) => (client.finishUpload ?? client.resumeDownload) !== undefined,
    act: appendAndResume,
  },
  listing: { able: () => true, act: list },
  'small files': { able: () => true, act: fetchMany },
};

async function download({ client, target, server }: Cell): Promise<void> {
  succeeded(client, target, await client.download(target, 'files/source.bin', 'got.bin'));
  assert.equal(await checksum(join(target.folder, 'got.bin')), await checksum(join(server.files, 'source.bin')));
}

async function upload({ client, target, remote, real }: Cell): Promise<void> {
  await writeFile(join(target.folder, 'whole.bin'), source);
  const run = await client.upload?.(target, 'whole.bin', `${remote}/up.bin`);
  if (run) succeeded(client, target, run);
  assert.equal(await checksum(join(real, 'up.bin')), await checksum(join(target.folder, 'whole.bin')));
}

async function appendAndResume({ client, target, remote, real, server }: Cell): Promise<void> {
  if (client.resumeDownload) {
    await writeFile(join(target.folder, 'source.bin'), source.subarray(0, resumeAt));
    succeeded(client, target, await client.resumeDownload(target, 'files/source.bin', 'source.bin'));
    assert.equal(await checksum(join(target.folder, 'source.bin')), await checksum(join(server.files, 'source.bin')));
  }
  if (client.finishUpload) {
    await writeFile(join(target.folder, 'whole.bin'), source);
    await writeFile(join(target.folder, 'tail.bin'), source.subarray(resumeAt));
    await writeFile(join(real, 'part.bin'), source.subarray(0, resumeAt));
    await chmod(join(real, 'part.bin'), 0o666);
    const partial = { whole: 'whole.bin', tail: 'tail.bin', offset: resumeAt, remote: `${remote}/part.bin` };
    succeeded(client, target, await client.finishUpload(target, partial));
    assert.equal(await checksum(join(real, 'part.bin')), await checksum(join(target.folder, 'whole.bin')));
  }
}

async function list({ client, target }: Cell): Promise<void> {
  const run = await client.list(target, 'files/small');
  succeeded(client, target, run);
  const absent = smallFileNames(smallFiles).filter((name) => !new RegExp(`\\b${name}\\b`).test(run.output));
  assert.deepEqual(absent, []);
}

async function fetchMany({ client, target, server, many }: Cell): Promise<void> {
  await mkdir(join(target.folder, 'many'));
  const run = await client.fetchMany(target, 'files/small', 'many', many);
  succeeded(client, target, run);
  for (const name of smallFileNames(many)) {
    const [got, sent] = [join(target.folder, 'many', name), join(server.files, 'small', name)];
    assert.equal(await checksum(got), await checksum(sent), name);
  }
}

/** The client reports success, and every data connection was set up in the way that the cell is about. */
function succeeded(client: RealClient, target: ClientTarget, run: ClientRun): void {
  assert.equal(run.exitCode, 0, run.output);
  const sent = new Set(sentSetups(client, run));
  assert.deepEqual([...sent], [setupVerb[target.mode]], run.output);
}

async function fillServer(server: RealServer): Promise<void> {
  await writeFile(join(server.files, 'source.bin'), source);
  await mkdir(join(server.files, 'small'));
  // f000 is empty: a data connection that ends without an octet is a transfer too.
  for (const [at, name] of smallFileNames(smallFiles).entries()) {
    await writeFile(join(server.files, 'small', name), source.subarray(at * 1000, at * 1000 + at * 13));
  }
}

async function makeCell(lab: Lab, server: RealServer, front: Front, client: RealClient, mode: DataMode): Promise<Cell> {
  const name = `${client.name}-${mode}`;
  const folder = await lab.makeFolder(`${name}-client`);
  const real = join(server.files, name);
  await mkdir(real);
  await chmod(real, 0o777);
  const target = { host: front.host, port: front.port, user: server.user, password: server.password, mode, folder };
  const many = mode === client.modes[0] ? smallFiles : fewFiles;
  return { client, target, remote: `files/${name}`, real, server, many };
}

async function runCell(t: TestContext, serverName: string, cell: Cell): Promise<void> {
  for (const [operation, { able, act }] of Object.entries(operations)) {
    const place = { server: serverName, client: cell.client.name, mode: cell.target.mode, operation };
    if (!able(cell.client)) continue;
    await t.test(operation, async () => {
      outcomes.push({ ...place, passed: false });
      await act(cell);
      outcomes.push({ ...place, passed: true });
    });
  }
}

const skip = whyNoPeers();

for (const serverName of serverNames) {
  // Six at a time: most of a cell's time is the 40 ms for which a peer keeps its acknowledgement back.
  describe(serverName, { skip, concurrency: 6 }, () => {
    let lab: Lab;
    let server: RealServer;
    let front: Front;
    before(async () => {
      lab = await openLab();
      server = await startServer(lab, serverName);
      await fillServer(server);
      front = await startFront(lab, server);
    });
    after(() => lab.close());
    for (const client of realClients) {
      for (const mode of dataModes.filter((candidate) => client.modes.includes(candidate))) {
        test(`${client.name}, ${mode}`, async (t) =>
          runCell(t, serverName, await makeCell(lab, server, front, client, mode)));
      }
    }
  });
}

after(async () => {
  const { PORTCULLIS_MATRIX_TABLE } = process.env;
  const table = matrixTable(realClients, serverNames, Object.keys(operations), outcomes);
  if (PORTCULLIS_MATRIX_TABLE) await writeFile(PORTCULLIS_MATRIX_TABLE, table);
});
