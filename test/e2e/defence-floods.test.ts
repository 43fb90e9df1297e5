// Can a peer fill the gateway's memory, or keep it from others, by sending without end or by never reading? The
// gateway's resident memory is read before and after, and another session works meanwhile.
//
//   attacker 127.0.0.1 ──── gateway 127.g:2121 ──── server 127.s:2121 (scripted, also an attacker)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { atRest, becomes, residentOctets } from '../support/watch.ts';

const MiB = 1_048_576;
const flood = 200 * MiB;
/** What the garbage collector leaves lying about until it has a reason to run, and the bounded queue of log lines. */
const growthMax = 96 * MiB;
const endlessLines = 200_000;

describe('floods', () => {
  let lab: Lab;
  let server: ScriptedServer;
  let gateway: RunningGateway;
  let bystander: RawControl;
  let data: DataPort;

  before(async () => {
    lab = await openLab();
    server = await startScriptedServer(lab, {
      verbs: {
        CWD: '250 There.',
        PASV: ({ write }) => write(`227 Entering Passive Mode (${data.hostPort})\r\n`),
        RETR: '150 Here it comes.',
        SYST: ({ socket }) => socket.write('215-endless\r\n'.repeat(endlessLines)),
        EPSV: ({ socket }) => socket.write('229-endless\r\n'.repeat(endlessLines)),
        STAT: ({ socket }) => socket.write(`211 ${'x'.repeat(5000)}\r\n`),
      },
    });
    data = await DataPort.open(lab, server.host);
    gateway = await startGateway(lab, server);
    bystander = await RawControl.login(gateway, server);
  });
  after(async () => {
    bystander.close();
    await lab.close();
  });

  async function stayedSmall(before: number): Promise<void> {
    assert.match(await bystander.ask('NOOP'), /^200/);
    const grown = (await residentOctets(gateway.program.pid)) - before;
    assert.ok(grown < growthMax, `memory has grown by ${Math.round(grown / MiB)} MiB`);
  }

  test('an overlong line is refused whole, and its tail is no command', async () => {
    const control = await RawControl.login(gateway, server);
    const heard = server.lines.length;
    // The tail begins exactly where a buffer of the bound is full.
    control.send(`CWD ${'a'.repeat(4096 - 4)}DELE b\r\nNOOP\r\n`);
    assert.match(await control.reply(), /^500 Command line too long\.$/);
    assert.match(await control.reply(), /^200/);
    assert.deepEqual(server.lines.slice(heard), ['NOOP']);
    await loggedLine(gateway.program, { cause: 'overlong-line' });
    const longest = `CWD ${'a'.repeat(4096 - 6)}`;
    assert.match(await control.ask(longest), /^250/);
    assert.equal(server.lines.at(-1), longest);
    control.close();
  });

  test('a line without end costs its session and no memory', async () => {
    const control = await RawControl.login(gateway, server);
    const before = await residentOctets(gateway.program.pid);
    const chunk = Buffer.alloc(4 * MiB, 'a');
    const flooding = (async () => {
      for (let sent = 0; sent < flood; sent += chunk.length) await control.sent(chunk);
    })();
    assert.match(await control.reply(), /^500 Command line too long\.$/);
    assert.match(await control.reply(), /^421 This is no command line/);
    assert.equal(await control.ended, 'end');
    await assert.rejects(flooding, 'the flood met a closed connection long before its 200 MiB were through');
    await stayedSmall(before);
    control.close();
  });

  test('a line that is only too long costs no session, and its end is not the beginning of another', async () => {
    const control = await RawControl.login(gateway, server);
    control.send(`${'a'.repeat(20_000)}DELE b\r\nNOOP\r\n`);
    assert.match(await control.reply(), /^500 Command line too long\.$/);
    assert.match(await control.reply(), /^200/);
    control.close();
  });

  test('a reply of many lines without end costs no memory, and ends with its session', async () => {
    const control = await RawControl.login(gateway, server);
    const before = await residentOctets(gateway.program.pid);
    control.send('SYST\r\n');
    await becomes(async () => control.unread.split('215-endless\r\n').length - 1, endlessLines);
    await stayedSmall(before);
    control.close();
    await becomes(() => gateway.metric('portcullis_sessions_active'), 1);
  });

  test('where the gateway has to keep such a reply until it is whole, it ends the session', async () => {
    const control = await RawControl.login(gateway, server);
    control.send('EPSV\r\n');
    assert.match(await control.reply(), /^421 The server sent a reply that is not FTP/);
    assert.equal(await control.ended, 'end');
    await loggedLine(gateway.program, { cause: 'overlong-reply', server: `${server.host}:${server.port}` });
    control.close();
  });

  test('an overlong reply line ends the session', async () => {
    const control = await RawControl.login(gateway, server);
    control.send('STAT\r\n');
    assert.match(await control.reply(), /^421/);
    assert.equal(await control.ended, 'end');
    control.close();
  });

  test('a client that never reads its replies stops the server, not the gateway', async () => {
    const control = await RawControl.login(gateway, server);
    control.pause();
    const before = await residentOctets(gateway.program.pid);
    const { socket } = server.sessions.at(-1)!;
    socket.write(Buffer.from(`200 ${'x'.repeat(122)}\r\n`.repeat(flood / 128)));
    const waiting = await atRest(() => socket.writableLength);
    assert.ok(waiting > 0, 'the server can no longer write');
    await stayedSmall(before);
    control.close();
  });

  test('a client that sends what is refused, without end and without reading, is sent away', async () => {
    const control = await RawControl.login(gateway, server);
    control.pause();
    const before = await residentOctets(gateway.program.pid);
    void control.sent(Buffer.alloc(flood, 'LPSV\r\n')).catch(() => undefined);
    await loggedLine(gateway.program, { msg: 'session ended', outcome: 'budget-spent' });
    await stayedSmall(before);
    control.close();
  });

  test('a client that sends commands and never reads is no longer read', async () => {
    const control = await RawControl.login(gateway, server);
    control.pause();
    const before = await residentOctets(gateway.program.pid);
    let taken = 'not all';
    void control.sent(Buffer.alloc(flood, 'NOOP\r\n')).then(
      () => {
        taken = 'all';
      },
      () => undefined,
    );
    const heard = await atRest(() => server.sessions.at(-1)!.lines.length);
    assert.ok(heard > 0);
    assert.equal(taken, 'not all');
    await stayedSmall(before);
    control.close();
  });

  test('a client that does not read its data: bounded, and complete when it reads on', async () => {
    const control = await RawControl.login(gateway, server);
    const file = Buffer.alloc(flood, octetsFrom(15, 1_000_003));
    const before = await residentOctets(gateway.program.pid);
    const client = await dial(passiveEndpoint(await control.ask('PASV')));
    assert.match(await control.ask('RETR file'), /^150/);
    const { socket } = await data.next();
    socket.end(file);
    assert.ok((await atRest(() => socket.bytesWritten - socket.writableLength)) < file.length);
    await stayedSmall(before);
    const received = await receiveAll(client);
    assert.equal(received.how, 'end');
    assert.ok(received.octets.equals(file));
    control.close();
  });
});
