// What is left of a gateway that is killed where addresses are translated? Data under way, which is the kernel's; what
// was announced, with its translation, until its timeout; and a table, which gives way to that of the next one.
//
//   inbound   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 vsftpd, published as 203.0.113.10
//   outbound  client 10.88.0.2 ────── lan0 router wan0 ─── 198.51.100.2 vsftpd, sees 198.51.100.1 only
//
// What dials is led to another address, or shown another one: either direction has both, because the client dials for
// passive transfers and the server for active ones. Outside, nobody has a route to what is inside: what arrives was
// translated.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, passiveEndpoint } from '../support/data-ends.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { download, type LargeFlow, largeFile, upload } from '../support/perimeter/large-flow.ts';
import { elements, loadNft, tables } from '../support/perimeter/nft.ts';
import { thereAndBack } from '../support/perimeter/there-and-back.ts';
import { peersSeen, watchPeers } from '../support/perimeter/witness.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

type Mode = 'passive' | 'active';
type HoleKind = 'pinholes' | 'redirects' | 'sources';
type HoleKeys = Readonly<Record<HoleKind, readonly string[]>>;

interface Direction {
  readonly topology: 'inbound' | 'outbound';
  readonly client: string;
  readonly server: string;
  /** The server as the client knows it, and the client as the server does. */
  readonly dialled: string;
  readonly clientSeenAs: string;
  /** What is under way when the gateway dies, and the translation that its mode needs. */
  readonly deaths: readonly { readonly mode: Mode; readonly flow: 'RETR' | 'STOR'; readonly translation: HoleKind }[];
  readonly listener: string;
  readonly guard: string;
}

const directions: readonly Direction[] = [
  {
    topology: 'inbound',
    client: '198.51.100.2',
    server: '10.77.0.2',
    dialled: '203.0.113.10',
    clientSeenAs: '198.51.100.2',
    deaths: [
      { mode: 'passive', flow: 'RETR', translation: 'redirects' },
      { mode: 'active', flow: 'STOR', translation: 'sources' },
    ],
    listener: `
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.0/24]
    publish: [{ address: 203.0.113.10, to: 10.77.0.2:21 }]`,
    guard: '10.77.0.0/24',
  },
  {
    topology: 'outbound',
    client: '10.88.0.2',
    server: '198.51.100.2',
    dialled: '198.51.100.2',
    clientSeenAs: '198.51.100.1',
    deaths: [
      { mode: 'passive', flow: 'STOR', translation: 'sources' },
      { mode: 'active', flow: 'RETR', translation: 'redirects' },
    ],
    listener: `
    intercept: { ports: [21], interface: lan0 }
    servers: [0.0.0.0/0]
    source: gateway`,
    guard: '10.88.0.0/24',
  },
];

// Long enough for a busy machine to look at what is left before it ends.
const expectationSeconds = 15;
// A translation of the source outlives its pinhole by so much.
const graceSeconds = 1;

const settings = ({ listener, guard }: Direction): string => `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121${listener}
    dataPath: kernel
    dataPorts: 50000-50999
kernel: { guard: [${guard}] }
limits: { expectationTimeout: ${expectationSeconds}s }
sessions: { drainTimeout: 0s }
`;

const nothing: HoleKeys = { pinholes: [], redirects: [], sources: [] };
// What no timeout takes away before the test has ended: if it is gone, its table is.
const leftover: HoleKeys = {
  pinholes: ['192.0.2.66 192.0.2.67 40000'],
  redirects: ['192.0.2.66 192.0.2.67 40000'],
  sources: ['192.0.2.66 192.0.2.67 40000'],
};
const leftoverScript = `
add element inet portcullis pinholes4 { 192.0.2.66 . 192.0.2.67 . 40000 timeout 1h }
add element inet portcullis redirects4 { 192.0.2.66 . 192.0.2.67 . 40000 timeout 1h : 192.0.2.68 . 40000 }
add element inet portcullis sources4 { 192.0.2.66 . 192.0.2.67 . 40000 timeout 1h : 192.0.2.68 }
`;

for (const direction of directions) {
  const { topology, client, server, dialled, clientSeenAs } = direction;

  describe(`killed, ${topology}`, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let vsftpd: RealServer;
    let gateway: PerimeterGateway;

    before(async () => {
      lab = await openPerimeter(topology);
      vsftpd = await startServerAt(lab.lab, 'vsftpd', { host: server, port: 21, network: lab.server.name });
      await writeFile(join(vsftpd.files, 'large.bin'), largeFile);
      await watchPeers(lab.client);
      await watchPeers(lab.server);
      gateway = await startGateway(lab, settings(direction));
    });
    after(() => lab.close());

    async function login(): Promise<RawControl> {
      const control = await lab.client.enter(() => RawControl.login({ host: dialled, port: 21 }, vsftpd));
      lab.lab.onClose(() => control.close());
      assert.match(await control.ask('TYPE I'), /^200/);
      return control;
    }

    /** The elements in our table, and for how many seconds more the last of them is there. */
    async function holes(): Promise<{ readonly keys: HoleKeys; readonly expires: number }> {
      const pinholes = await elements(lab.router, 'portcullis', 'pinholes4');
      const redirects = await elements(lab.router, 'portcullis', 'redirects4', 'map');
      const sources = await elements(lab.router, 'portcullis', 'sources4', 'map');
      const keysOf = (some: typeof pinholes): string[] => some.map(({ key }) => key);
      const expiring = [...pinholes, ...redirects, ...sources].map(
        ({ expires }) => expires ?? Number.POSITIVE_INFINITY,
      );
      return {
        keys: { pinholes: keysOf(pinholes), redirects: keysOf(redirects), sources: keysOf(sources) },
        expires: Math.max(0, ...expiring),
      };
    }

    async function isEmptied(): Promise<void> {
      await becomes(async () => Object.values((await holes()).keys).flat().length, 0);
    }

    /** A large transfer of which a part has passed. */
    async function underWay(mode: Mode, flow: 'RETR' | 'STOR'): Promise<LargeFlow> {
      const stored = `${mode}-${flow}.bin`;
      const data = await dataOf(mode, flow === 'RETR' ? 'RETR files/large.bin' : `STOR files/${stored}`);
      lab.lab.onClose(() => void data.destroy());
      const begun = flow === 'RETR' ? download(data) : upload(data, join(vsftpd.files, stored));
      await begun.goesOn();
      // What the first packet has used is swept away a moment later.
      await isEmptied();
      return begun;
    }

    async function dataOf(mode: Mode, command: string): Promise<Socket> {
      const control = await login();
      const data = mode === 'passive' ? await called(control, command) : await calling(control, command);
      assert.match(await control.reply(), /^150/);
      return data;
    }

    async function called(control: RawControl, command: string): Promise<Socket> {
      const target = passiveEndpoint(await control.ask('PASV'));
      control.send(`${command}\r\n`);
      return lab.client.enter(() => dial(target));
    }

    async function calling(control: RawControl, command: string): Promise<Socket> {
      const own = await lab.client.enter(() => DataPort.open(lab.lab, client));
      assert.match(await control.ask(`PORT ${own.hostPort}`), /^200/);
      control.send(`${command}\r\n`);
      const { from, socket } = await own.next();
      assert.equal(from.host, dialled);
      return socket;
    }

    /** For whom nobody comes. */
    async function announced(mode: Mode, translation: HoleKind): Promise<HoleKeys> {
      const control = await login();
      const own = await lab.client.enter(() => DataPort.open(lab.lab, client));
      assert.match(await control.ask(mode === 'passive' ? 'PASV' : `PORT ${own.hostPort}`), /^2/);
      const { keys } = await holes();
      assert.equal(keys.pinholes.length, 1);
      assert.deepEqual(keys, { ...nothing, pinholes: keys.pinholes, [translation]: keys[translation] });
      assert.equal(keys[translation].length, 1);
      return keys;
    }

    /** The server has not ended the one data connection that there is; its sessions have ended with the gateway. */
    async function serverWaits(): Promise<void> {
      const sockets = await lab.server.must('ss', '-tnH', 'state', 'established', 'dst', clientSeenAs);
      assert.equal(sockets.trim().split('\n').length, 1, sockets);
      assert.notEqual(sockets.trim(), '');
    }

    async function serves(): Promise<void> {
      const before = gateway.transfers().length;
      await thereAndBack(lab, vsftpd, { host: dialled, port: 21 });
      await becomes(() => gateway.transfers().length, before + 4);
      for (const { plane, outcome } of gateway.transfers().slice(before)) {
        assert.deepEqual({ plane, outcome }, { plane: 'kernel', outcome: 'completed' });
      }
    }

    for (const { mode, flow, translation } of direction.deaths) {
      test(`${mode}: what nobody used times out, ${flow} outlives death and restart, the table is new`, async () => {
        const carried = await underWay(mode, flow);
        const waiting = await announced(mode, translation);

        assert.equal((await gateway.program.end('SIGKILL')).signal, 'SIGKILL');
        const left = await holes();
        assert.deepEqual(left.keys, waiting);
        assert.ok(left.expires <= expectationSeconds + graceSeconds, `expires ${left.expires}`);
        await carried.goesOn();
        await isEmptied();
        await loadNft(lab.router, leftoverScript);
        assert.deepEqual((await holes()).keys, leftover);

        gateway = await startGateway(lab, settings(direction));
        assert.deepEqual((await holes()).keys, nothing);
        await serves();
        await serverWaits();
        await carried.arrives();
      });
    }

    test('each side saw the other as it should, and nobody else', async () => {
      assert.deepEqual(await peersSeen(lab.client), { callers: [dialled], callees: [dialled] });
      assert.deepEqual(await peersSeen(lab.server), { callers: [clientSeenAs], callees: [clientSeenAs] });
    });

    test('a normal stop leaves nothing, not even what was announced a moment ago', async () => {
      for (const { mode, translation } of direction.deaths.slice(0, 1)) await announced(mode, translation);
      gateway.program.signal('SIGTERM');
      assert.equal((await gateway.program.finished).exitCode, 0, gateway.program.output);
      assert.deepEqual(await tables(lab.router), []);
    });
  });
}
