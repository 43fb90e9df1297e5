// Where addresses are translated, can a stranger use what was announced to another? And do both translations end with
// the pinhole, when nobody comes?
//
//   inbound   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 vsftpd, published as 203.0.113.10
//             stranger 192.0.2.66 ─── wan1
//   outbound  client 10.88.0.2 ────── lan0 router wan0 ─── 198.51.100.2 vsftpd, sees 198.51.100.1 only
//                                          wan1 ─── stranger 192.0.2.66, which knows a way to 10.88.0.0/24

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import type { LabEndpoint } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import { Attempt } from '../support/perimeter/attempt.ts';
import { startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { counted, elements } from '../support/perimeter/nft.ts';
import type { Topology } from '../support/perimeter/topology.ts';
import { peersSeen, watchPeers } from '../support/perimeter/witness.ts';
import { RawControl } from '../support/raw-control.ts';
import { startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(51, 300_007);
const limits = 'limits: { expectationTimeout: 15s }';

interface Stage {
  readonly lab: PerimeterLab;
  readonly control: RawControl;
}

/** Registers before and after; the stage is there when a test runs. */
function stageOf(topology: Topology, host: string, dialled: string, settings: string): () => Stage {
  let lab: PerimeterLab;
  let control: RawControl;
  before(async () => {
    lab = await openPerimeter(topology);
    const server = await startServerAt(lab.lab, 'vsftpd', { host, port: 21, network: lab.server.name });
    await writeFile(join(server.files, 'file.bin'), file);
    await watchPeers(lab.client);
    await watchPeers(lab.server);
    await startGateway(lab, settings);
    control = await lab.client.enter(() => RawControl.login({ host: dialled, port: 21 }, server));
    assert.match(await control.ask('TYPE I'), /^200/);
  });
  after(async () => {
    control?.close();
    await lab.close();
  });
  return () => ({ lab, control });
}

interface HoleKeys {
  readonly pinholes: readonly string[];
  readonly redirects: readonly string[];
  readonly sources: readonly string[];
}

/** The keys in our table, of every kind that a hole may have. */
async function keysOf({ router }: PerimeterLab): Promise<HoleKeys> {
  const keys = async (name: string, kind: 'set' | 'map'): Promise<string[]> =>
    (await elements(router, 'portcullis', name, kind)).map(({ key }) => key);
  return {
    pinholes: await keys('pinholes4', 'set'),
    redirects: await keys('redirects4', 'map'),
    sources: await keys('sources4', 'map'),
  };
}

/** Every hole is gone, with all that belongs to it. */
async function isEmptied(lab: PerimeterLab): Promise<void> {
  const keyCount = async (): Promise<number> => Object.values(await keysOf(lab)).flat().length;
  await becomes(keyCount, 0);
}

/** Nobody listens there for the stranger, as if nothing had been announced. */
async function isRefused({ lab }: Stage, target: LabEndpoint): Promise<void> {
  const attempt = await Attempt.from(lab.stranger, target);
  await becomes(() => attempt.outcome, 'ECONNREFUSED');
}

async function transferred({ control }: Stage): Promise<void> {
  assert.match(await control.reply(), /^150/);
  assert.match(await control.reply(), /^226/);
}

describe('hostile, inbound', { skip: whyNoPerimeter() }, () => {
  const published = '203.0.113.10';
  const stage = stageOf(
    'inbound',
    '10.77.0.2',
    published,
    `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21] }
    servers: [10.77.0.0/24]
    publish: [{ address: ${published}, to: 10.77.0.2:21 }]
    dataPath: kernel
    dataPorts: 50000-50999
${limits}
`,
  );

  async function announced(): Promise<LabEndpoint> {
    const { lab, control } = stage();
    const target = passiveEndpoint(await control.ask('PASV'));
    assert.equal(target.host, published);
    const { pinholes, redirects, sources } = await keysOf(lab);
    assert.match(pinholes.join(), /^198\.51\.100\.2 10\.77\.0\.2 \d+$/);
    assert.deepEqual(redirects, [`198.51.100.2 ${published} ${target.port}`]);
    assert.deepEqual(sources, []);
    return target;
  }

  test('the announced port is closed to a stranger, and the client still gets its file', async () => {
    const target = await announced();
    await isRefused(stage(), target);
    stage().control.send('RETR files/file.bin\r\n');
    const data = await stage().lab.client.enter(() => dial(target));
    assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
    await transferred(stage());
    await isEmptied(stage().lab);
    assert.deepEqual((await peersSeen(stage().lab.server)).callers, ['198.51.100.2']);
  });

  test('when nobody comes in time, all of it is gone', async () => {
    const target = await announced();
    await isEmptied(stage().lab);
    await isRefused(stage(), target);
  });
});

describe('hostile, outbound', { skip: whyNoPerimeter() }, () => {
  const client = '10.88.0.2';
  const gateway = '198.51.100.1';
  const server = '198.51.100.2';
  const stage = stageOf(
    'outbound',
    server,
    server,
    `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21], interface: lan0 }
    servers: [0.0.0.0/0]
    source: gateway
    dataPath: kernel
    dataPorts: 50000-50999
kernel:
  guard: [10.88.0.0/24]
${limits}
`,
  );

  /** What the gateway told the server in the client's PORT. */
  async function announced(own: DataPort): Promise<LabEndpoint> {
    const { lab, control } = stage();
    assert.match(await control.ask(`PORT ${own.hostPort}`), /^200/);
    const { pinholes, redirects, sources } = await keysOf(lab);
    assert.deepEqual(pinholes, [`${server} ${client} ${own.port}`]);
    assert.deepEqual(sources, []);
    const [, port] = /^198\.51\.100\.2 198\.51\.100\.1 (\d+)$/.exec(redirects.join()) ?? [];
    assert.ok(port !== undefined, redirects.join());
    return { host: gateway, port: Number(port) };
  }

  test('neither the announced port nor the client is open to a stranger, and the client gets its file', async () => {
    const { lab, control } = stage();
    const own = await lab.client.enter(() => DataPort.open(lab.lab, client));
    await isRefused(stage(), await announced(own));
    const attempt = await Attempt.from(lab.stranger, { host: client, port: own.port });
    await becomes(async () => (await counted(lab.router, 'portcullis', 'unexpected')).packets > 0, true);
    assert.equal(attempt.outcome, 'no answer');
    attempt.giveUp();
    control.send('RETR files/file.bin\r\n');
    const { from, socket } = await own.next();
    assert.equal(from.host, server);
    assert.deepEqual(await receiveAll(socket), { octets: file, how: 'end' });
    await transferred(stage());
    await isEmptied(lab);
    assert.deepEqual(await peersSeen(lab.server), { callers: [gateway], callees: [gateway] });
    assert.deepEqual((await peersSeen(lab.client)).callers, [server]);
  });

  test('when the server does not come in time, all of it is gone', async () => {
    const { lab } = stage();
    const own = await lab.client.enter(() => DataPort.open(lab.lab, client));
    const told = await announced(own);
    await isEmptied(lab);
    await isRefused(stage(), told);
  });

  test('passive: the translation of the source is for one connection', async () => {
    const { lab, control } = stage();
    const target = passiveEndpoint(await control.ask('PASV'));
    assert.equal(target.host, server);
    assert.deepEqual(await keysOf(lab), {
      pinholes: [`${client} ${server} ${target.port}`],
      redirects: [],
      sources: [`${client} ${server} ${target.port}`],
    });
    control.send('RETR files/file.bin\r\n');
    const data = await lab.client.enter(() => dial(target));
    assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
    await transferred(stage());
    await isEmptied(lab);
    assert.deepEqual(await peersSeen(lab.server), { callers: [gateway], callees: [gateway] });
  });
});
