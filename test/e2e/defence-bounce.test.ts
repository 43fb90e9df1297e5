// Can a client make the gateway, or the server behind it, connect where the client may not go itself (CERT CA-1997-27,
// RFC 2577 §3)? A bare socket says what no honest client says; the server is vsftpd.
//
//   attacker 127.a ──── gateway 127.g:2121 ──── vsftpd 127.s:2121
//   third host 127.t (listens, and must see nobody)            partner 127.p (allowed for FXP by one gateway's rules)

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServer } from '../support/real-servers.ts';
import { changedRules } from '../support/rules-file.ts';
import { Victim } from '../support/victim.ts';

interface Refused {
  readonly cause: string;
  readonly bounce: string;
  readonly target: string;
  readonly rule?: string;
}

const file = octetsFrom(11, 300_007);

describe('bounce', { skip: whyNoPeers() }, () => {
  let lab: Lab;
  let server: RealServer;
  let gateway: RunningGateway;
  let attacker: string;
  let control: RawControl;

  before(async () => {
    lab = await openLab();
    server = await startServer(lab, 'vsftpd');
    await writeFile(join(server.files, 'file.bin'), file);
    gateway = await startGateway(lab, server);
    attacker = (await lab.endpoint()).host;
    control = await RawControl.login(gateway, server, attacker);
    await control.ask('TYPE I');
  });
  after(async () => {
    control.close();
    await lab.close();
  });

  async function refused(command: string, reply: RegExp, log: Refused): Promise<void> {
    const kind = `portcullis_bounce_attempts_total{kind="${log.bounce}"}`;
    const before = await gateway.metric(kind);
    assert.match(await control.ask(command), reply);
    // The server was told nothing, so it has nowhere to send to; and the session lives.
    assert.match(await control.ask('RETR files/file.bin'), /^425 Use PORT or PASV first/);
    const { host, port } = control.local;
    await loggedLine(gateway.program, { msg: 'refused', client: `${host}:${port}`, ...log });
    assert.equal(await gateway.metric(kind), before + 1);
  }

  test('PORT that names a third host', async () => {
    const victim = await Victim.open(lab);
    const target = `${victim.host}:${victim.port}`;
    await refused(`PORT ${victim.hostPort}`, /^501 PORT refused/, { cause: 'third-party', bounce: 'port', target });
    await victim.nobodyCame();
  });

  test('EPRT that names a third host', async () => {
    const victim = await Victim.open(lab);
    const target = `${victim.host}:${victim.port}`;
    const command = `EPRT |1|${victim.host}|${victim.port}|`;
    await refused(command, /^501 EPRT refused/, { cause: 'third-party', bounce: 'eprt', target });
    await victim.nobodyCame();
  });

  test('PORT that names the FTP server itself, inside', async () => {
    const target = `${server.host}:8080`;
    const command = `PORT ${server.host.replaceAll('.', ',')},31,144`;
    const victim = await Victim.open(lab, { host: server.host, port: 8080 });
    await refused(command, /^501 PORT refused/, { cause: 'third-party', bounce: 'port', target });
    await victim.nobodyCame();
  });

  for (const verb of ['PORT', 'EPRT']) {
    test(`${verb} that names a well-known port of the client's own host`, async () => {
      const victim = await Victim.open(lab, { host: attacker, port: verb === 'PORT' ? 25 : 514 });
      const target = `${victim.host}:${victim.port}`;
      const argument = verb === 'PORT' ? victim.hostPort : `|1|${victim.host}|${victim.port}|`;
      const log = { cause: 'low-port', bounce: 'low-port', target, rule: 'dataConnections.minimumPort' };
      await refused(`${verb} ${argument}`, new RegExp(`^504 ${verb} refused`), log);
      await victim.nobodyCame();
    });
  }

  test('spellings of an address that servers read each in their own way', async () => {
    const victim = await Victim.open(lab);
    const [a, b, c, d, high, low] = victim.hostPort.split(',').map(Number);
    const spellings = [
      `0${a!.toString(8)},${b},${c},${d},0x${high!.toString(16)},${low}`,
      `${a},${b},${c},${d},${high! + 256},${low}`,
      `${a},${b},${c},${d},${high},${low},0`,
      `${a},${(b! << 16) + (c! << 8) + d!},${high},${low}`,
      `+${a},${b},${c},${d},${high},${low}`,
    ];
    for (const spelling of spellings) assert.match(await control.ask(`PORT ${spelling}`), /^501 PORT takes/, spelling);
    assert.match(await control.ask(`EPRT |2|::ffff:${victim.host}|${victim.port}|`), /^501 EPRT takes/);
    assert.match(await control.ask(`EPRT |2|2001:db8::7|${victim.port}|`), /^522 .*use \(1\)/);
    assert.match(await control.ask('RETR files/file.bin'), /^425/);
    await victim.nobodyCame();
  });

  test('PORT 0,0,0,0 is replaced by the address that the gateway sees', async () => {
    const own = await DataPort.open(lab, attacker);
    const gatewayItself = await Victim.open(lab, { host: '127.0.0.1', port: own.port });
    assert.match(await control.ask(`PORT 0,0,0,0,${own.port >> 8},${own.port & 255}`), /^200 PORT/);
    control.send('RETR files/file.bin\r\n');
    const { from, socket } = await own.next();
    assert.equal(from.host, gateway.host);
    assert.deepEqual(await receiveAll(socket), { octets: file, how: 'end' });
    assert.match(await control.reply(), /^150/);
    assert.match(await control.reply(), /^226/);
    await loggedLine(gateway.program, { msg: 'address replaced', target: `0.0.0.0:${own.port}` });
    await gatewayItself.nobodyCame();
  });

  test('PORT 0,0,0,0 and EPRT :: are refused where the rules say so', async () => {
    const rules = await changedRules(lab, 'unspecified', {
      'unspecifiedAddress: replace': 'unspecifiedAddress: refuse',
    });
    const strict = await startGateway(lab, server, { top: [`rules: ${rules}`] });
    const client = await RawControl.login(strict, server, attacker);
    const victim = await Victim.open(lab, { host: attacker });
    const port = `${victim.port >> 8},${victim.port & 255}`;
    assert.match(await client.ask(`PORT 0,0,0,0,${port}`), /^501 PORT refused/);
    assert.match(await client.ask(`EPRT |1|0.0.0.0|${victim.port}|`), /^501 EPRT refused/);
    const rule = 'dataConnections.unspecifiedAddress';
    await loggedLine(strict.program, { cause: 'unspecified-address', target: `0.0.0.0:${victim.port}`, rule });
    assert.equal(await strict.metric('portcullis_refusals_total{cause="unspecified-address"}'), 2);
    await victim.nobodyCame();
    client.close();
  });

  test('FXP passes between the listed networks and nowhere else', async () => {
    const partner = await DataPort.open(lab, (await lab.endpoint()).host);
    const victim = await Victim.open(lab);
    const pair = `fxp: [{between: ${server.host}, and: ${partner.host}/32}]`;
    const rules = await changedRules(lab, 'fxp', { 'fxp: []': pair });
    const open = await startGateway(lab, server, { top: [`rules: ${rules}`] });
    const client = await RawControl.login(open, server, attacker);
    await client.ask('TYPE I');
    // The server sends to the partner, which its client has told to listen.
    assert.match(await client.ask(`PORT ${partner.hostPort}`), /^200/);
    client.send('RETR files/file.bin\r\n');
    assert.deepEqual(await receiveAll((await partner.next()).socket), { octets: file, how: 'end' });
    assert.match(await client.reply(), /^150/);
    assert.match(await client.reply(), /^226/);
    // The partner sends to the server, which its client has told to listen.
    const announced = passiveEndpoint(await client.ask('PASV'));
    client.send('STOR files/from-partner.bin\r\n');
    (await dial(announced, partner.host)).end(file);
    assert.match(await client.reply(), /^150/);
    assert.match(await client.reply(), /^226/);
    assert.match(await client.ask(`PORT ${victim.hostPort}`), /^501 PORT refused/);
    await victim.nobodyCame();
    client.close();
  });
});
