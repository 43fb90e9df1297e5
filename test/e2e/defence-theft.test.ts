// Can a stranger take over a data connection that is meant for another (RFC 2577 §4 and §8, port theft), before the
// rightful peer, after it, or when it no longer comes? Bare sockets on both sides of the gateway.
//
//   client 127.c ──── gateway 127.g:2121 ──── server 127.s:2121 (scripted)
//   stranger 127.x (knows the announced port, as somebody who listened in would)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, overhear, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { authority } from '../support/operated-gateway.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(13, 100_003);
/** A turn of the gateway's loop is over long before. */
const closingTriesMax = 100;

describe('port theft', () => {
  let lab: Lab;
  let server: ScriptedServer;
  let serverData: DataPort;
  let gateway: RunningGateway;
  let control: RawControl;
  /** A second gateway before the same server, whose data connections have the shortest time that settings allow. */
  let hasty: RunningGateway;
  let client: string;
  let stranger: string;
  /** What the gateway told the server in PORT. */
  let told: LabEndpoint;

  before(async () => {
    lab = await openLab();
    [client, stranger] = [(await lab.endpoint()).host, (await lab.endpoint()).host];
    server = await startScriptedServer(lab, {
      verbs: {
        PASV: (session) => session.write(`227 Entering Passive Mode (${serverData.hostPort})\r\n`),
        PORT: (session, argument) => {
          told = passiveEndpoint(`227 (${argument})`);
          session.write('200 PORT command successful.\r\n');
        },
        RETR: '150 Here it comes.',
        STOR: '150 Go on.',
      },
    });
    serverData = await DataPort.open(lab, server.host);
    gateway = await startGateway(lab, server);
    hasty = await startGateway(lab, server, { top: ['limits:', '  expectationTimeout: 1s'] });
    control = await RawControl.login(gateway, server, client);
  });
  after(async () => {
    control.close();
    await lab.close();
  });

  async function steals(target: LabEndpoint, leg: 'client' | 'server'): Promise<void> {
    const before = await gateway.metric('portcullis_strangers_total');
    assert.deepEqual(await overhear(target, stranger), { octets: Buffer.alloc(0), how: 'reset' });
    const session = `${control.local.host}:${control.local.port}`;
    const who = new RegExp(`"${stranger}:\\d+"`);
    await loggedLine(gateway.program, { msg: 'stranger refused', stranger: who, leg, client: session });
    // An earlier one may have left such a line.
    await becomes(() => gateway.metric('portcullis_strangers_total'), before + 1);
  }

  /**
   * Nobody is let in there any more; whoever comes before the gateway has got that far is thrown out without an octet.
   */
  async function isClosed(target: LabEndpoint, from: string): Promise<void> {
    for (let tries = 0; tries < closingTriesMax; tries++) {
      const heard = await overhear(target, from).catch((error: NodeJS.ErrnoException) => error.code);
      if (heard === 'ECONNREFUSED') return;
      assert.deepEqual(heard, { octets: Buffer.alloc(0), how: 'reset' });
    }
    assert.fail(`${authority(target)} stays open`);
  }

  test('a download is not read by who comes first', async () => {
    const announced = passiveEndpoint(await control.ask('PASV'));
    await steals(announced, 'client');
    await steals(announced, 'client');
    const rightful = await dial(announced, client);
    assert.match(await control.ask('RETR file'), /^150/);
    const { socket } = await serverData.next();
    socket.end(file);
    assert.deepEqual(await receiveAll(rightful), { octets: file, how: 'end' });
    server.sessions[0]!.write('226 Done.\r\n');
    assert.match(await control.reply(), /^226/);
  });

  test('an upload is not written by who comes first', async () => {
    const announced = passiveEndpoint(await control.ask('PASV'));
    await steals(announced, 'client');
    (await dial(announced, client)).end(file);
    assert.match(await control.ask('STOR file'), /^150/);
    const { socket } = await serverData.next();
    assert.deepEqual(await receiveAll(socket), { octets: file, how: 'end' });
    server.sessions[0]!.write('226 Done.\r\n');
    assert.match(await control.reply(), /^226/);
  });

  test('active mode: only the server may dial in', async () => {
    const own = await DataPort.open(lab, client);
    assert.match(await control.ask(`PORT ${own.hostPort}`), /^200/);
    await steals(told, 'server');
    // Nor may the client itself stand in for the server.
    assert.deepEqual(await overhear(told, client), { octets: Buffer.alloc(0), how: 'reset' });
    assert.match(await control.ask('RETR file'), /^150/);
    (await dial(told, server.host)).end(file);
    const { from, socket } = await own.next();
    assert.equal(from.host, gateway.host);
    assert.deepEqual(await receiveAll(socket), { octets: file, how: 'end' });
    server.sessions[0]!.write('226 Done.\r\n');
    assert.match(await control.reply(), /^226/);
  });

  test('a port is used once: a second connection finds it closed', async () => {
    const announced = passiveEndpoint(await control.ask('PASV'));
    const rightful = await dial(announced, client);
    const { socket } = await serverData.next();
    await isClosed(announced, client);
    await isClosed(announced, stranger);
    assert.match(await control.ask('RETR file'), /^150/);
    socket.end(file);
    assert.deepEqual(await receiveAll(rightful), { octets: file, how: 'end' });
    server.sessions[0]!.write('226 Done.\r\n');
    assert.match(await control.reply(), /^226/);
  });

  test('a port that was not used in time is closed, and says so', async () => {
    const expired = 'portcullis_ways_total{plane="relay",event="expired"}';
    const session = await RawControl.login(hasty, server, client);
    const announced = passiveEndpoint(await session.ask('PASV'));
    await becomes(() => hasty.metric(expired), 1);
    await isClosed(announced, client);
    assert.match(await session.ask('NOOP'), /^200/);
    session.close();
  });

  test('a new PASV ends the port of the last one', async () => {
    const first = passiveEndpoint(await control.ask('PASV'));
    const second = passiveEndpoint(await control.ask('PASV'));
    assert.notEqual(first.port, second.port);
    await isClosed(first, client);
  });

  test('the ports of a session end with it, and every port is given back', async () => {
    const announced = passiveEndpoint(await control.ask('PASV'));
    control.send('QUIT\r\n');
    assert.match(await control.reply(), /^221/);
    await control.ended;
    await loggedLine(gateway.program, { msg: 'session ended', outcome: 'closed-by-client' });
    await isClosed(announced, client);
    assert.equal(await gateway.metric('portcullis_ways_active{plane="relay"}'), 0);
  });
});
