// What becomes of sessions and transfers when the gateway is told to end? One SIGTERM drains, the bound of the drain
// cuts, a second SIGTERM ends at once; and in no case does a transfer that was cut look complete.
//
//   client 127.0.0.1 ──── gateway 127.g:2121 ──── server 127.s:2121 (scripted: a transfer lasts as the test wants)

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { DataPort, dial, passiveEndpoint, type Received, receiveAll } from '../support/data-ends.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { listenerYaml, type OperatedGateway, operateGateway } from '../support/operated-gateway.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';

const file = octetsFrom(21, 400_009);
const half = 200_000;

/** A transfer of which the first half has arrived. */
interface Transfer {
  readonly control: RawControl;
  /** Where octets come from, and what arrives at the other end. */
  readonly source: Socket;
  readonly received: Promise<Received>;
}

describe('SIGTERM', () => {
  let lab: Lab;
  let server: ScriptedServer;
  let data: DataPort;
  let listen: LabEndpoint;
  let gateway: OperatedGateway;

  before(async () => {
    lab = await openLab();
    server = await startScriptedServer(lab, {
      verbs: {
        PASV: ({ write }) => write(`227 Entering Passive Mode (${data.hostPort})\r\n`),
        RETR: '150 Here it comes.',
        STOR: '150 Go on.',
      },
    });
    data = await DataPort.open(lab, server.host);
  });
  after(() => lab.close());

  beforeEach(async () => {
    listen = await lab.endpoint();
  });

  async function start(drainTimeout: string, engines = 1): Promise<void> {
    const settings = `listeners:\n${listenerYaml('front', listen, server)}sessions:\n  drainTimeout: ${drainTimeout}\n`;
    gateway = await operateGateway(lab, `${settings}engines: ${engines}\n`);
  }

  async function beginTransfer(verb: 'RETR' | 'STOR', at: LabEndpoint = listen): Promise<Transfer> {
    const control = await RawControl.login(at, server);
    const client = await dial(passiveEndpoint(await control.ask('PASV')));
    assert.match(await control.ask(`${verb} file`), /^150/);
    const { socket } = await data.next();
    const [source, sink] = verb === 'RETR' ? [socket, client] : [client, socket];
    source.on('error', () => {});
    const received = receiveAll(sink);
    source.write(file.subarray(0, half));
    await new Promise<void>((resolve) => {
      let count = 0;
      sink.on('data', (octets: Buffer) => {
        count += octets.length;
        if (count === half) resolve();
      });
    });
    return { control, source, received };
  }

  async function finish({ control, source, received }: Transfer): Promise<void> {
    source.end(file.subarray(half));
    assert.deepEqual(await received, { octets: file, how: 'end' });
    server.sessions.at(-1)!.write('226 Done.\r\n');
    assert.match(await control.reply(), /^226/);
    assert.match(await control.reply(), /^421 The gateway is going down for maintenance/);
    assert.equal(await control.ended, 'end');
  }

  async function enginesWithWays(): Promise<number> {
    const { ways } = JSON.parse(await gateway.page('/pinholes')) as { ways: { session: string }[] };
    return new Set(ways.map(({ session }) => session.split('-')[0])).size;
  }

  for (const engines of [1, 2]) {
    test(`lets a transfer finish, tells the idle, takes nobody new; engines: ${engines}`, async () => {
      await start('60s', engines);
      const idle = await RawControl.login(listen, server);
      const transfer = await beginTransfer('RETR');
      assert.equal(await gateway.page('/readyz'), 'ok\n');
      gateway.program.signal('SIGTERM');
      assert.match(await idle.reply(), /^421 The gateway is going down for maintenance/);
      await loggedLine(gateway.program, { msg: 'session ended', outcome: 'drained' });
      await assert.rejects(RawControl.open(listen), { code: 'ECONNREFUSED' });
      assert.match(await gateway.page('/readyz'), /draining/);
      await finish(transfer);
      const { exitCode, output } = await gateway.program.finished;
      assert.equal(exitCode, 0, output);
      await loggedLine(gateway.program, { msg: 'transfer', outcome: 'completed', octetsToClient: file.length });
    });
  }

  for (const verb of ['RETR', 'STOR'] as const) {
    test(`a ${verb} that outlasts the bound is reset, and its client reads 421`, async () => {
      await start('1s');
      const transfer = await beginTransfer(verb);
      gateway.program.signal('SIGTERM');
      const { how, octets } = await transfer.received;
      assert.deepEqual({ how, octets: octets.length }, { how: 'reset', octets: half });
      assert.match(await transfer.control.reply(), /^421/);
      transfer.control.close();
      assert.equal((await gateway.program.finished).exitCode, 0);
      await loggedLine(gateway.program, { msg: 'transfer', verb, outcome: 'session-closed' });
    });

    test(`a second SIGTERM ends a ${verb} at once, as a reset`, async () => {
      await start('60s');
      const transfer = await beginTransfer(verb);
      gateway.program.signal('SIGTERM');
      await loggedLine(gateway.program, { msg: 'draining' });
      gateway.program.signal('SIGTERM');
      const { how, octets } = await transfer.received;
      assert.deepEqual({ how, octets: octets.length }, { how: 'reset', octets: half });
      assert.equal((await gateway.program.finished).exitCode, 1);
      transfer.control.close();
    });

    test(`a gateway that is killed ends a ${verb} as a reset, too`, async () => {
      await start('60s');
      const transfer = await beginTransfer(verb);
      await gateway.program.end('SIGKILL');
      const { how, octets } = await transfer.received;
      assert.deepEqual({ how, octets: octets.length }, { how: 'reset', octets: half });
      transfer.control.close();
    });
  }

  test('SIGHUP while it drains opens nothing', async () => {
    await start('60s');
    const transfer = await beginTransfer('RETR');
    gateway.program.signal('SIGTERM');
    await loggedLine(gateway.program, { msg: 'draining' });
    const other = await lab.endpoint();
    assert.equal(await gateway.reload(`listeners:\n${listenerYaml('other', other, server)}`), 'refused');
    await assert.rejects(RawControl.open(other), { code: 'ECONNREFUSED' });
    await finish(transfer);
    assert.equal((await gateway.program.finished).exitCode, 0);
  });

  test('SIGTERM right behind SIGHUP: what is being opened lets nobody in', async () => {
    await start('60s', 2);
    // One at least in each engine, so that neither has ended before it hears of the reload.
    const transfers = [await beginTransfer('RETR')];
    while ((await enginesWithWays()) < 2) transfers.push(await beginTransfer('RETR'));
    const other = await lab.endpoint();
    const file = await readFile(gateway.file, 'utf8');
    await writeFile(gateway.file, file.replace('listeners:\n', `listeners:\n${listenerYaml('other', other, server)}`));
    gateway.program.signal('SIGHUP');
    gateway.program.signal('SIGTERM');
    await loggedLine(gateway.program, { msg: /"settings (not )?reloaded[^"]*"/ });
    await loggedLine(gateway.program, { msg: 'draining' });
    // How far the opening has come is left to chance: refused, reset before anybody accepts, or sent away.
    const heard = await RawControl.open(other)
      .then((control) => control.reply())
      .catch(String);
    assert.match(heard, /^421|ECONNREFUSED|the connection ended/);
    gateway.program.signal('SIGTERM');
    assert.equal((await gateway.program.finished).exitCode, 1);
    for (const { control } of transfers) control.close();
  });

  test('a session of a listener that settings no longer have drains like any other', async () => {
    await start('60s');
    const removed = listen;
    const transfer = await beginTransfer('RETR', removed);
    const other = await lab.endpoint();
    assert.equal(await gateway.reload(`listeners:\n${listenerYaml('other', other, server)}`), 'applied');
    gateway.program.signal('SIGTERM');
    await loggedLine(gateway.program, { msg: 'draining' });
    await finish(transfer);
    assert.equal((await gateway.program.finished).exitCode, 0);
  });
});
