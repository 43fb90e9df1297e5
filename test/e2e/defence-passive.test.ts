// Can a server, or whoever writes into its replies, steer the gateway or its client to a host of its choice? The server
// is the attacker here, scripted; the client is a bare socket, and where the honest outcome counts, curl.
//
//   client 127.0.0.1 ──── gateway 127.g:2121 ──── malicious server 127.s:2121
//                                                 named host 127.n (listens, and must see nobody)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, hostPort, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import { startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { runProgram } from '../support/process.ts';
import { RawControl } from '../support/raw-control.ts';
import { changedRules } from '../support/rules-file.ts';
import { type ScriptedServer, type ScriptedVerb, startScriptedServer } from '../support/scripted-server.ts';
import { Victim } from '../support/victim.ts';

const file = octetsFrom(12, 200_003);

let lab: Lab;

describe('malicious server', () => {
  before(async () => {
    lab = await openLab();
  });
  after(() => lab.close());

  /** A server whose PASV names `victim`'s host, while its data port is where it should be, on its own host. */
  async function foreignPassive(victim: Victim): Promise<ScriptedServer> {
    let data: DataPort | undefined;
    const server = await startScriptedServer(lab, {
      verbs: {
        EPSV: '502 Not known here.',
        PASV: (session) => session.write(`227 Entering Passive Mode (${victim.hostPort})\r\n`),
        RETR: async (session) => {
          session.write('150 Here it comes.\r\n');
          (await data?.next())?.socket.end(file);
          session.write('226 Done.\r\n');
        },
      },
    });
    data = await DataPort.open(lab, server.host, victim.port);
    return server;
  }

  test('a foreign 227 is healed: the data comes from the right server, the named host sees nobody', async () => {
    const victim = await Victim.open(lab);
    const server = await foreignPassive(victim);
    const gateway = await startGateway(lab, server);
    const login = ['--user', `${server.user}:${server.password}`, '--disable-epsv'];
    const { exitCode, output } = await runProgram('curl', [
      ...['-q', '-sS', ...login],
      `ftp://${gateway.host}:${gateway.port}/file.bin`,
    ]);
    assert.equal(exitCode, 0);
    assert.deepEqual(Buffer.from(output, 'latin1'), file);
    await victim.nobodyCame();
    const log = { msg: 'address replaced', target: `${victim.host}:${victim.port}` };
    await loggedLine(gateway.program, { ...log, server: `${server.host}:${server.port}` });
    assert.equal(await gateway.metric('portcullis_bounce_attempts_total{kind="foreign-passive"}'), 1);
  });

  test('a foreign 227 is refused where the rules say so', async () => {
    const victim = await Victim.open(lab);
    const server = await foreignPassive(victim);
    const rules = await changedRules(lab, 'foreign', { 'PassiveAddress: replace': 'PassiveAddress: refuse' });
    const gateway = await startGateway(lab, server, { top: [`rules: ${rules}`] });
    const control = await RawControl.login(gateway, server);
    assert.match(await control.ask('PASV'), /^425 The server announced a data port on another host/);
    assert.match(await control.ask('NOOP'), /^200/);
    await victim.nobodyCame();
    const target = `${victim.host}:${victim.port}`;
    const { host, port } = control.local;
    await loggedLine(gateway.program, { cause: 'foreign-passive-address', target, client: `${host}:${port}` });
    assert.equal(await gateway.metric('portcullis_bounce_attempts_total{kind="foreign-passive"}'), 1);
    control.close();
  });

  test('a 227 that names a well-known port of the server itself', async () => {
    const server = await startScriptedServer(lab, {
      verbs: { PASV: (session) => session.write(`227 Here (${hostPort({ host: server.host, port: 25 })})\r\n`) },
    });
    const victim = await Victim.open(lab, { host: server.host, port: 25 });
    const gateway = await startGateway(lab, server);
    const control = await RawControl.login(gateway, server);
    assert.match(await control.ask('PASV'), /^425/);
    await victim.nobodyCame();
    await loggedLine(gateway.program, { cause: 'low-port', target: `${server.host}:25` });
    assert.equal(await gateway.metric('portcullis_bounce_attempts_total{kind="low-port"}'), 1);
    control.close();
  });

  interface Tampering {
    readonly name: string;
    /** How the server answers NOOP; `victim` is in 127.n's h1,h2,h3,h4,p1,p2. */
    readonly noop: (victim: Victim) => ScriptedVerb;
    readonly reply: RegExp;
    /** Replies in excess, which a client sorts out for itself: they name no address. */
    readonly strays?: readonly string[];
    readonly counted: number;
  }

  const tamperings: readonly Tampering[] = [
    {
      name: '227 in answer to another verb',
      noop: (victim) => `227 Entering Passive Mode (${victim.hostPort})`,
      reply: /^451 The server gave a reply that the gateway withholds\.$/,
      counted: 1,
    },
    {
      name: '229 in answer to another verb',
      noop: (victim) => `229 Entering Extended Passive Mode (|||${victim.port}|)`,
      reply: /^451/,
      counted: 1,
    },
    {
      name: '227 before the reply that was asked for',
      noop: (victim) => `227 Entering Passive Mode (${victim.hostPort})\r\n200 Nothing done.`,
      reply: /^451/,
      strays: ['200 Nothing done.'],
      counted: 1,
    },
    {
      name: '227 after the reply that was asked for',
      noop: (victim) => `200 Nothing done.\r\n227 Entering Passive Mode (${victim.hostPort})`,
      reply: /^200 Nothing done\.$/,
      counted: 1,
    },
    {
      name: '227 inside the text of a multi-line reply',
      noop: (victim) => `200-Help:\r\n227 Entering Passive Mode (${victim.hostPort})\r\n200 End.`,
      // Text, behind a blank, so that no client takes it for a reply of its own.
      reply: /^200-Help:\r\n 227 Entering Passive Mode \([\d,]+\)\r\n200 End\.$/,
      counted: 0,
    },
    {
      name: 'a multi-line 227 in answer to another verb',
      noop: (victim) => `227-Look:\r\n227 Entering Passive Mode (${victim.hostPort})`,
      reply: /^451/,
      counted: 1,
    },
  ];

  for (const { name, noop, reply, strays, counted } of tamperings) {
    test(name, async () => {
      const victim = await Victim.open(lab);
      const server = await startScriptedServer(lab, { verbs: { NOOP: noop(victim), SYST: '215 A system.' } });
      const gateway = await startGateway(lab, server);
      const control = await RawControl.login(gateway, server);
      assert.match(await control.ask('NOOP'), reply);
      for (const stray of strays ?? []) assert.equal(await control.reply(), stray);
      // The next command has its own reply, and nothing that names an address has come before it.
      assert.equal(await control.ask('SYST'), '215 A system.');
      await victim.nobodyCame();
      assert.equal(await gateway.metric('portcullis_bounce_attempts_total{kind="unsolicited-passive"}'), counted);
      assert.equal(await gateway.metric('portcullis_ways_total{plane="relay",event="opened"}'), 0);
      if (counted > 0) await loggedLine(gateway.program, { cause: 'unsolicited-reply', bounce: 'unsolicited-passive' });
      control.close();
    });
  }

  test('a 227 that comes before PASV was sent opens nothing, and does not stand for its answer', async () => {
    const victim = await Victim.open(lab);
    const server = await startScriptedServer(lab, {
      verbs: {
        SYST: (session) => session.write(`215 A system.\r\n227 Entering Passive Mode (${victim.hostPort})\r\n`),
        PASV: (session) => session.write(`227 Entering Passive Mode (${data.hostPort})\r\n`),
        RETR: (session) => session.write('150 Here it comes.\r\n'),
      },
    });
    const data = await DataPort.open(lab, server.host);
    const gateway = await startGateway(lab, server);
    const control = await RawControl.login(gateway, server);
    assert.equal(await control.ask('SYST'), '215 A system.');
    assert.match(await control.ask('NOOP'), /^200/);
    const announced = passiveEndpoint(await control.ask('PASV'));
    assert.equal(announced.host, gateway.host);
    const client = await dial(announced);
    const { socket } = await data.next();
    socket.end(file);
    assert.deepEqual(await receiveAll(client), { octets: file, how: 'end' });
    await victim.nobodyCame();
    control.close();
  });

  test('PORT from the server is no command, and ends the session that it would confuse', async () => {
    const victim = await Victim.open(lab);
    const server = await startScriptedServer(lab, {
      verbs: { NOOP: (session) => session.write(`PORT ${victim.hostPort}\r\n200 Nothing done.\r\n`) },
    });
    const gateway = await startGateway(lab, server);
    const control = await RawControl.login(gateway, server);
    assert.match(await control.ask('NOOP'), /^421 The server sent a reply that is not FTP/);
    assert.equal(await control.ended, 'end');
    await victim.nobodyCame();
    await loggedLine(gateway.program, { cause: 'malformed-reply', server: `${server.host}:${server.port}` });
    assert.equal(await gateway.metric('portcullis_sessions_total{outcome="protocol-error"}'), 1);
    control.close();
  });

  test('227 and 229 from the client are no commands', async () => {
    const victim = await Victim.open(lab);
    const server = await startScriptedServer(lab);
    const gateway = await startGateway(lab, server);
    const control = await RawControl.login(gateway, server);
    const line = `227 Entering Passive Mode (${victim.hostPort})`;
    assert.match(await control.ask(line), /^502 Command not allowed by the gateway\.$/);
    assert.match(await control.ask(`229 Entering Extended Passive Mode (|||${victim.port}|)`), /^502/);
    assert.deepEqual(
      server.lines.filter((each) => each.startsWith('22')),
      [],
    );
    await victim.nobodyCame();
    control.close();
  });
});
