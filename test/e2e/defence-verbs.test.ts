// Which commands must not pass because they carry an address where nobody looks, or would make the connection
// unreadable? And do honest clients that try TLS first go on in plain when they are told no?
//
//   client 127.0.0.1 ──── gateway 127.g:2121 ──── scripted server 127.s:2121 that keeps what it hears, or vsftpd
//   victim 127.v (listens, and must see nobody)

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { runProgram } from '../support/process.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServer } from '../support/real-servers.ts';
import { changedRules } from '../support/rules-file.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { Victim } from '../support/victim.ts';

let lab: Lab;

before(async () => {
  lab = await openLab();
});
after(() => lab.close());

describe('verbs that go around a gateway', () => {
  let server: ScriptedServer;
  let gateway: RunningGateway;
  let control: RawControl;
  let victim: Victim;

  before(async () => {
    server = await startScriptedServer(lab);
    gateway = await startGateway(lab, server);
    control = await RawControl.login(gateway, server);
    victim = await Victim.open(lab);
  });
  after(() => control.close());

  const lines: readonly (readonly [verb: string, argument: (victim: Victim) => string, cause: string])[] = [
    ['LPRT', ({ host, port }) => `4,4,${host.replaceAll('.', ',')},2,${port >> 8},${port & 255}`, 'verb-refused'],
    ['LPSV', () => '', 'verb-refused'],
    ['P@SW', () => '', 'verb-refused'],
    ['p@sw', () => '', 'verb-refused'],
    ['CPSV', () => '', 'verb-refused'],
    ['SPSV', () => '', 'verb-refused'],
    ['SSCN', () => 'ON', 'verb-refused'],
    ['XPRT', ({ hostPort }) => hostPort, 'verb-unknown'],
    ['SITE-PORT', ({ hostPort }) => hostPort, 'verb-unknown'],
  ];

  for (const [verb, argument, cause] of lines) {
    test(`${verb} is answered 502 and never reaches the server`, async () => {
      const counter = `portcullis_refusals_total{cause="${cause}"}`;
      const [heard, counted] = [server.lines.length, await gateway.metric(counter)];
      assert.equal(await control.ask(`${verb} ${argument(victim)}`), '502 Command not allowed by the gateway.');
      assert.match(await control.ask('NOOP'), /^200/);
      assert.deepEqual(server.lines.slice(heard), ['NOOP']);
      assert.equal(await gateway.metric(counter), counted + 1);
      const { host, port } = control.local;
      await loggedLine(gateway.program, { msg: 'refused', cause, client: `${host}:${port}` });
    });
  }

  test('capitals and blanks do not hide PORT', async () => {
    assert.match(await control.ask(`pOrT ${victim.hostPort}`), /^501 PORT refused/);
    assert.match(await control.ask(`PORT   ${victim.hostPort}`), /^501/);
    assert.match(await control.ask(`PORT\t${victim.hostPort}`), /^500/);
    assert.equal(server.lines.join().toUpperCase().includes('PORT'), false);
    await victim.nobodyCame();
  });

  test('after EPSV ALL nothing else sets up a data connection', async () => {
    const client = await RawControl.login(gateway, server);
    assert.match(await client.ask('EPSV ALL'), /^200/);
    for (const command of ['PASV', 'PORT 127,0,0,1,31,144', 'EPRT |1|127.0.0.1|8080|']) {
      assert.match(await client.ask(command), /^503 EPSV ALL is in force/);
    }
    client.close();
  });

  test('an unknown verb passes where the rules say so', async () => {
    const rules = await changedRules(lab, 'dialect', { 'unknown: refuse': 'unknown: forward' });
    const lenient = await startGateway(lab, server, { top: [`rules: ${rules}`] });
    const client = await RawControl.login(lenient, server);
    assert.match(await client.ask('XDIA lect'), /^502 Not known here\.$/);
    assert.equal(server.lines.at(-1), 'XDIA lect');
    client.close();
  });
});

describe('AUTH', { skip: whyNoPeers() }, () => {
  const file = octetsFrom(14, 50_021);
  let server: RealServer;
  let gateway: RunningGateway;

  before(async () => {
    server = await startServer(lab, 'vsftpd');
    await writeFile(join(server.files, 'file.bin'), file);
    gateway = await startGateway(lab, server);
  });

  test('is answered 502; what the client sent behind it in the clear is heard as plain FTP', async () => {
    const control = await RawControl.open(gateway);
    assert.match(await control.reply(), /^220/);
    control.send('AUTH TLS\r\nFEAT\r\n');
    assert.match(await control.reply(), /^502 TLS is not offered by the gateway\.$/);
    assert.match(await control.reply(), /^211-/);
    assert.match(await control.ask('PBSZ 0'), /^502/);
    assert.match(await control.ask(`USER ${server.user}`), /^331/);
    await loggedLine(gateway.program, { cause: 'tls', verb: 'AUTH' });
    control.close();
  });

  test('curl, which tries TLS first, goes on in plain', async () => {
    const url = `ftp://${gateway.host}:${gateway.port}`;
    const before = await gateway.metric('portcullis_refusals_total{cause="tls"}');
    const curl = await runProgram('curl', ['-q', '-sS', '--ssl', `${url}/files/file.bin`]);
    assert.equal(curl.exitCode, 0);
    assert.deepEqual(Buffer.from(curl.output, 'latin1'), file);
    assert.ok((await gateway.metric('portcullis_refusals_total{cause="tls"}')) > before, 'curl has tried TLS');
  });
});
