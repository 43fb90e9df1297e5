// Can anybody use the perimeter for what its sessions did not ask for? Strangers at an open pinhole, a second and a late
// connection, clients who aim PORT at others, and a gateway that dies while a pinhole is open. The data path is the kernel's.
//
//   client 198.51.100.2 ───── wan0 router lan0 ─── 10.77.0.2 vsftpd
//   stranger 192.0.2.66 ───── wan1
//
// No firewall but Portcullis' own table guards the servers here. What never gets an answer is told from slow by the guard's
// counter, and what reached the server by the server's own kernel.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dial, hostPort, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import type { LabEndpoint } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { Attempt } from '../support/perimeter/attempt.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import type { Network } from '../support/perimeter/network.ts';
import { counted, elements, tables } from '../support/perimeter/nft.ts';
import { attemptsSeen, installOperatorsFirewall, peersSeen, watchPeers } from '../support/perimeter/witness.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { Victim } from '../support/victim.ts';
import { becomes, suiteTimeoutMs } from '../support/watch.ts';

const file = octetsFrom(47, 300_007);
/** More than all the buffers between two peers hold. */
const bigFile = octetsFrom(48, 24_000_000);
const server = { host: '10.77.0.2', port: 21 };
const clientHost = '198.51.100.2';
const strangerHost = '192.0.2.66';
const expectationSeconds = 2;

const settings = `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.0/24]
    dataPath: kernel
    dataPorts: 50000-50999
limits:
  expectationTimeout: ${expectationSeconds}s
`;

describe('a hostile perimeter', { skip: whyNoPerimeter(), timeout: suiteTimeoutMs }, () => {
  let lab: PerimeterLab;
  let vsftpd: RealServer;
  let gateway: PerimeterGateway;
  let control: RawControl;

  before(async () => {
    lab = await openPerimeter('routed');
    vsftpd = await startServerAt(lab.lab, 'vsftpd', { ...server, network: lab.server.name });
    await writeFile(join(vsftpd.files, 'file.bin'), file);
    await writeFile(join(vsftpd.files, 'big.bin'), bigFile);
    await watchPeers(lab.server);
    await watchPeers(lab.client);
    gateway = await startGateway(lab, settings);
    control = await login();
  });
  after(async () => {
    control?.close();
    await lab.close();
  });

  async function login(): Promise<RawControl> {
    const session = await lab.client.enter(() => RawControl.login(server, vsftpd));
    assert.match(await session.ask('TYPE I'), /^200/);
    return session;
  }

  async function pinholes(): Promise<string[]> {
    return (await elements(lab.router, 'portcullis', 'pinholes4')).map(({ key }) => key);
  }

  async function unexpected(): Promise<number> {
    return (await counted(lab.router, 'portcullis', 'unexpected')).packets;
  }

  /** The guard drops the attempt, and the server hears nothing of it. */
  async function isDropped(from: Network, host: string, target: LabEndpoint): Promise<void> {
    const [dropped, seen] = [await unexpected(), await attemptsSeen(lab.server, host, target.port)];
    const attempt = await Attempt.from(from, target);
    await becomes(async () => (await unexpected()) > dropped, true);
    assert.equal(attempt.outcome, 'no answer');
    assert.equal(await attemptsSeen(lab.server, host, target.port), seen);
    attempt.giveUp();
  }

  async function announced(): Promise<LabEndpoint> {
    const endpoint = passiveEndpoint(await control.ask('PASV'));
    assert.equal(endpoint.host, server.host);
    assert.deepEqual(await pinholes(), [`${clientHost} ${server.host} ${endpoint.port}`]);
    return endpoint;
  }

  test('a stranger at an open pinhole is dropped, and the rightful client still gets its file', async () => {
    const target = await announced();
    await isDropped(lab.stranger, strangerHost, target);
    await isDropped(lab.stranger, strangerHost, target);
    assert.deepEqual(await pinholes(), [`${clientHost} ${server.host} ${target.port}`]);
    control.send('RETR files/file.bin\r\n');
    const data = await lab.client.enter(() => dial(target));
    assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
    assert.match(await control.reply(), /^150/);
    assert.match(await control.reply(), /^226/);
  });

  test('a pinhole is used once: while the first connection lives, a second one is dropped', async () => {
    const target = await announced();
    const data = await lab.client.enter(() => dial(target));
    assert.deepEqual(await pinholes(), []);
    await isDropped(lab.client, clientHost, target);
    await isDropped(lab.stranger, strangerHost, target);
    control.send('RETR files/file.bin\r\n');
    assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
    assert.match(await control.reply(), /^150/);
    assert.match(await control.reply(), /^226/);
    await isDropped(lab.client, clientHost, target);
  });

  test('a pinhole that was not used in time is gone, and says so', async () => {
    const target = await announced();
    const expired = 'portcullis_ways_total{plane="kernel",event="expired"}';
    await becomes(async () => (await pinholes()).length, 0);
    await becomes(() => gateway.metric(expired), 1);
    await isDropped(lab.client, clientHost, target);
    assert.match(await control.ask('NOOP'), /^200/);
  });

  test('ports that nobody announced are closed, whatever the session does', async () => {
    await announced();
    await isDropped(lab.client, clientHost, { host: server.host, port: 1024 });
    await isDropped(lab.client, clientHost, { host: server.host, port: 65_535 });
  });

  test('a new PASV ends the pinhole of the last one', async () => {
    const first = await announced();
    const second = await announced();
    assert.notEqual(first.port, second.port);
    await isDropped(lab.client, clientHost, first);
  });

  for (const verb of ['PORT', 'EPRT']) {
    const refusal = new RegExp(`^50[14] ${verb} refused`);
    const naming = (target: LabEndpoint): string =>
      verb === 'PORT' ? `PORT ${hostPort(target)}` : `EPRT |1|${target.host}|${target.port}|`;

    test(`${verb} to a third host, to the gateway and its admin page, and below 1024`, async () => {
      const session = await login();
      const before = await pinholes();
      const victim = await lab.stranger.enter(() => Victim.open(lab.lab, { host: strangerHost }));
      for (const target of [
        { host: victim.host, port: victim.port },
        { host: '198.51.100.1', port: 9121 },
        { host: '10.77.0.1', port: 9121 },
        { host: '127.0.0.1', port: 9121 },
        { host: server.host, port: 2121 },
        { host: clientHost, port: 22 },
      ]) {
        assert.match(await session.ask(naming(target)), refusal, naming(target));
        // The server was told nothing, so it has nowhere to send to.
        assert.match(await session.ask('RETR files/file.bin'), /^425/);
      }
      assert.deepEqual(
        (await pinholes()).filter((key) => !before.includes(key)),
        [],
      );
      await lab.stranger.enter(() => victim.nobodyCame());
      const seen = await peersSeen(lab.server);
      assert.deepEqual(seen, { callers: [clientHost], callees: [] });
      session.close();
    });
  }

  test('a server that is not listed is refused with 421, and nobody dials it', async () => {
    const elsewhere = await lab.client.enter(() => RawControl.open({ host: '10.99.0.1', port: 21 }));
    assert.match(await elsewhere.reply(), /^421/);
    assert.equal(await elsewhere.ended, 'end');
    await loggedLine(gateway.program, { msg: 'session refused', dialled: '10.99.0.1:21', cause: 'server' });
    // Nor is the gateway its own client's server.
    const circle = await lab.client.enter(() => RawControl.open({ host: '198.51.100.1', port: 21 }));
    assert.match(await circle.reply(), /^421/);
    assert.equal(await circle.ended, 'end');
  });

  test('the pinholes of a session end with it', async () => {
    const session = await login();
    const { port } = passiveEndpoint(await session.ask('PASV'));
    assert.ok((await pinholes()).includes(`${clientHost} ${server.host} ${port}`));
    session.close();
    await becomes(async () => (await pinholes()).includes(`${clientHost} ${server.host} ${port}`), false);
    await isDropped(lab.client, clientHost, { host: server.host, port });
  });

  test('killed: the pinhole ends by itself, a transfer goes on through death and restart, the table is replaced', async () => {
    const session = await login();
    const carried = passiveEndpoint(await session.ask('PASV'));
    session.send('RETR files/big.bin\r\n');
    const flowing = await lab.client.enter(() => dial(carried));
    assert.match(await session.reply(), /^150/);
    await once(flowing, 'readable');
    const open = await announced();

    await gateway.program.end('SIGKILL');
    const [left] = await elements(lab.router, 'portcullis', 'pinholes4');
    assert.equal(left?.key, `${clientHost} ${server.host} ${open.port}`);
    assert.ok(left.expires !== undefined && left.expires <= expectationSeconds, `expires ${left.expires}`);

    gateway = await startGateway(lab, settings);
    assert.deepEqual(await pinholes(), []);
    await isDropped(lab.stranger, strangerHost, open);
    // Its session died with the gateway; the connection itself is the kernel's.
    assert.deepEqual(await receiveAll(flowing), { octets: bigFile, how: 'end' });
    control = await login();
    await announced();
  });

  test('SIGTERM takes away the table, and nothing of the operator', async () => {
    await installOperatorsFirewall(lab.router);
    assert.deepEqual(await tables(lab.router), ['filter', 'portcullis']);
    control.close();
    gateway.program.signal('SIGTERM');
    assert.equal((await gateway.program.finished).exitCode, 0);
    assert.deepEqual(await tables(lab.router), ['filter']);
  });
});
