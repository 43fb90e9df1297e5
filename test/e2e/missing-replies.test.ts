// Does anything hang where a server leaves a command unanswered, or a client goes in the middle? A server that is
// scripted to do so, real sockets, and the state of the gateway as its operator sees it.
//
//   client 127.0.0.1 ──── gateway 127.g:2121 ──── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DataPort, dial, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { RawControl } from '../support/raw-control.ts';
import { type Script, type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

interface Stage {
  readonly server: ScriptedServer;
  readonly gateway: RunningGateway;
  readonly data: DataPort;
}

describe('what is missing', () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab();
  });
  after(() => lab.close());

  /** A server that listens for data and answers PASV; the rest is up to the test. */
  async function stage(verbs: Script['verbs'] = {}, top: readonly string[] = []): Promise<Stage> {
    let data: DataPort | undefined;
    const pasv = ({ write }: { write(text: string): void }) => write(`227 Passive (${data?.hostPort})\r\n`);
    const server = await startScriptedServer(lab, { verbs: { PASV: pasv, ...verbs } });
    data = await DataPort.open(lab, server.host);
    return { server, data, gateway: await startGateway(lab, server, { top }) };
  }

  const silence = () => undefined;

  test('a NOOP that is never answered costs the PASV behind it no more than a moment', async () => {
    const { server, gateway } = await stage({ NOOP: silence });
    const control = await RawControl.login(gateway, server);
    control.send('NOOP\r\nPASV\r\n');
    assert.match(await control.reply(), /^227/);
    assert.match(await control.ask('TYPE I'), /^200/);
    control.close();
  });

  test('a transfer without its 226 does not keep the next one from being made', async () => {
    const { server, gateway, data } = await stage({ RETR: '150 Here it comes.' });
    const control = await RawControl.login(gateway, server);
    for (const file of ['one', 'two']) {
      const client = await dial(passiveEndpoint(await control.ask('PASV')));
      assert.match(await control.ask(`RETR ${file}`), /^150/);
      const { socket } = await data.next();
      socket.end(file);
      assert.equal((await receiveAll(client)).octets.toString(), file);
    }
    control.close();
    await loggedLine(gateway.program, { msg: 'transfer', path: 'one', outcome: 'failed', replyCode: null });
  });

  test('ABOR gets through behind a PASV that has to wait', async () => {
    const { server, gateway, data } = await stage({ RETR: '150 Here it comes.', ABOR: '502 What?' });
    const control = await RawControl.login(gateway, server);
    const client = await dial(passiveEndpoint(await control.ask('PASV')));
    assert.match(await control.ask('RETR big'), /^150/);
    const { socket } = await data.next();
    control.send('PASV\r\nABOR\r\n');
    assert.match(await control.reply(), /^227/);
    assert.match(await control.reply(), /^502/);
    for (const end of [client, socket]) end.destroy();
    control.close();
  });

  test('a client that goes while its PASV waits leaves nothing behind', async () => {
    const { server, gateway } = await stage({ NOOP: silence }, ['sessions:', '  perClient: 1']);
    const control = await RawControl.login(gateway, server);
    const [session] = server.sessions;
    let left = false;
    session?.socket.once('end', () => {
      left = true;
    });
    control.send('NOOP\r\nPASV\r\n');
    await becomes(() => server.lines.at(-1), 'NOOP');
    control.close();
    await becomes(() => left, true);
    await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
    (await RawControl.login(gateway, server)).close();
  });

  test('nor does one that goes before its server has greeted', async () => {
    const server = await startScriptedServer(lab, { greeting: 'silent' });
    const gateway = await startGateway(lab, server, { top: ['limits:', '  farewellTimeout: 1s'] });
    const control = await RawControl.open(gateway);
    await becomes(() => server.sessions.length, 1);
    control.close();
    await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
  });

  test('a server that says for a while that it is at work, and dials then, is waited for', async () => {
    const dialled: Promise<unknown>[] = [];
    const { server, gateway } = await stage(
      {
        PORT: (session, argument) => {
          session.write('200 Noted.\r\n');
          target = argument;
        },
        // Longer than the way would wait unclaimed, as z/OS does while it recalls a data set.
        RETR: (session) => dialled.push(recall(session, server.host, target)),
      },
      ['limits:', '  expectationTimeout: 1s'],
    );
    let target = '';
    const control = await RawControl.login(gateway, server);
    const port = await DataPort.open(lab, control.local.host);
    assert.match(await control.ask(`PORT ${port.hostPort}`), /^200/);
    control.send('RETR HUGE\r\n');
    const { socket } = await port.next();
    assert.equal((await receiveAll(socket)).octets.toString(), 'recalled');
    assert.match(await control.reply(), /^125-Recalling[\s\S]*125 Sending/);
    assert.match(await control.reply(), /^250/);
    await Promise.all(dialled);
    control.close();
    await loggedLine(gateway.program, { msg: 'transfer', outcome: 'completed', replyCode: 250 });
  });

  test('a listing of 20,000 files on the control connection passes whole', async () => {
    const files = Array.from(
      { length: 20_000 },
      (_, index) => `-rw-r--r-- 1 ftp ftp 1048576 Nov 25 12:00 report-${index}.pdf`,
    );
    const listing = `213-Status\r\n ${files.join('\r\n ')}\r\n213 End.`;
    const { server, gateway } = await stage({ STAT: listing });
    const control = await RawControl.login(gateway, server);
    assert.equal(await control.ask('STAT /pub'), listing);
    assert.match(await control.ask('NOOP'), /^200/);
    control.close();
  });

  test('nobody is asked for data before he has logged in, and HTTP is turned out', async () => {
    const { server, gateway } = await stage();
    const control = await RawControl.open(gateway);
    assert.match(await control.reply(), /^220/);
    assert.match(await control.ask(`PORT ${control.local.host.replaceAll('.', ',')},200,1`), /^530/);
    control.close();
    const browser = await RawControl.open(gateway);
    assert.match(await browser.reply(), /^220/);
    browser.send('POST / HTTP/1.1\r\nHost: ftp\r\n\r\nUSER tester\r\nPASS open-sesame\r\nPORT 0,0,0,0,31,144\r\n');
    assert.match(await browser.reply(), /^421/);
    await browser.ended;
    assert.deepEqual(server.lines, []);
    assert.equal(await gateway.metric('portcullis_foreign_protocols_total{protocol="http"}'), 1);
    assert.equal(await gateway.metric('portcullis_refusals_total{cause="not-logged-in"}'), 1);
  });
});

async function recall(session: { write(text: string): void }, host: string, target: string): Promise<void> {
  for (const line of ['125-Recalling', '125-Still recalling', '125-Mounting the tape']) {
    session.write(`${line}\r\n`);
    await delay(1_000);
  }
  session.write('125 Sending\r\n');
  const numbers = target.split(',').map(Number);
  const socket = await dial({ host: numbers.slice(0, 4).join('.'), port: numbers[4]! * 256 + numbers[5]! }, host);
  socket.end('recalled');
  socket.resume();
  session.write('250 Done.\r\n');
}
