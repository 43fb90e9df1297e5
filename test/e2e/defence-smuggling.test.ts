// Can octets be put so that the gateway reads one command and the server another? The server keeps each line that it
// hears, and the test holds them against what the gateway let pass.
//
//   attacker 127.0.0.1 ──── gateway 127.g:2121 ──── server 127.s:2121 (scripted)
//   victim 127.v (listens, and must see nobody)

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { passiveEndpoint } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { Victim } from '../support/victim.ts';

describe('smuggling', () => {
  let lab: Lab;
  let server: ScriptedServer;
  let gateway: RunningGateway;
  let control: RawControl;
  let victim: Victim;

  before(async () => {
    lab = await openLab();
    server = await startScriptedServer(lab, {
      verbs: {
        CWD: '250 There.',
        DELE: '250 Gone.',
        PASV: ({ write }) => write('227 Entering Passive Mode (127,0,0,1,200,1)\r\n'),
        SYST: ({ write }) => write('215 one\r227 Entering Passive Mode (127,0,0,1,200,1)\0two\r\n'),
        STAT: ({ write }) => write('211-one\n 227 two\n211 three\n'),
      },
    });
    gateway = await startGateway(lab, server);
    victim = await Victim.open(lab);
  });
  after(() => lab.close());
  beforeEach(async () => {
    control = await RawControl.login(gateway, server);
    server.lines.length = 0;
  });
  afterEach(async () => {
    control.close();
    await victim.nobodyCame();
  });

  for (const [name, octet] of [
    ['bare CR', '\r'],
    ['NUL', '\0'],
  ] as const) {
    test(`a ${name} in an argument: the line is refused whole`, async () => {
      const counter = 'portcullis_refusals_total{cause="ambiguous-line"}';
      const before = await gateway.metric(counter);
      assert.match(await control.ask(`CWD a${octet}DELE b`), /^500 A bare CR or a NUL is not allowed/);
      assert.match(await control.ask(`CWD a${octet}PORT ${victim.hostPort}`), /^500/);
      assert.match(await control.ask('NOOP'), /^200/);
      assert.deepEqual(server.lines, ['NOOP']);
      assert.equal(await gateway.metric(counter), before + 2);
      const { host, port } = control.local;
      await loggedLine(gateway.program, { cause: 'ambiguous-line', client: `${host}:${port}` });
    });
  }

  test('a bare LF ends a line for everybody, and both commands are judged', async () => {
    control.send(`CWD a\nDELE b\r\nCWD c\nPORT ${victim.hostPort}\r\n`);
    assert.deepEqual(
      [await control.reply(), await control.reply(), await control.reply()],
      ['250 There.', '250 Gone.', '250 There.'],
    );
    assert.match(await control.reply(), /^501 PORT refused/);
    assert.deepEqual(server.lines, ['CWD a', 'DELE b', 'CWD c']);
  });

  test('half a PORT in each of two segments', async () => {
    const port = `PORT ${victim.hostPort}\r\n`;
    for (let cut = 1; cut < port.length; cut += 1) {
      // The reply to NOOP proves that the first half has been read.
      assert.match(await ask(`NOOP\r\n${port.slice(0, cut)}`), /^200/);
      assert.match(await ask(port.slice(cut)), /^501 PORT refused/);
    }
    assert.deepEqual(new Set(server.lines), new Set(['NOOP']));
  });

  test('two commands in one segment, PORT second', async () => {
    assert.match(await ask(`NOOP\r\nPORT ${victim.hostPort}\r\nNOOP\r\n`), /^200/);
    assert.match(await control.reply(), /^501 PORT refused/);
    assert.match(await control.reply(), /^200/);
    assert.deepEqual(server.lines, ['NOOP', 'NOOP']);
  });

  test('PASV between two commands in one segment is still the gateway to answer', async () => {
    assert.match(await ask('NOOP\r\nPASV\r\nNOOP\r\n'), /^200/);
    assert.equal(passiveEndpoint(await control.reply()).host, gateway.host);
    assert.match(await control.reply(), /^200/);
  });

  test('IAC inside a verb makes no other verb of it', async () => {
    assert.match(await control.ask(`PO\xff\xf1RT ${victim.hostPort}`), /^500 Command not understood\.$/);
    assert.match(await control.ask(`PO\xff\xfd\x01RT ${victim.hostPort}`), /^500/);
    assert.match(await control.ask(`\xff\xf4\xff\xf2PORT ${victim.hostPort}`), /^501 PORT refused/);
    assert.match(await control.ask(`\xff\xf1PORT ${victim.hostPort}`), /^501 PORT refused/);
    // DO ECHO is refused with WONT ECHO (RFC 1123 §4.1.2.12), and the command behind it is judged.
    assert.match(await control.ask(`\xff\xfd\x01PORT ${victim.hostPort}`), /^\xff\xfc\x01501 PORT refused/);
    assert.match(await control.ask('NOOP'), /^200/);
    assert.deepEqual(server.lines, ['NOOP']);
  });

  test('IAC inside an argument is a part of it', async () => {
    assert.match(await control.ask('CWD a\xff\xffb \xff\xf4'), /^250/);
    assert.deepEqual(server.lines, ['CWD a\xff\xffb \xff\xf4']);
  });

  test('what the server sends in two readings leaves in one', async () => {
    const reply = await control.ask('SYST');
    assert.match(reply, /^215 /);
    assert.equal(/[\r\n\0]/.test(reply), false, JSON.stringify(reply));
    assert.equal(await control.ask('STAT'), '211-one\r\n 227 two\r\n211 three');
    assert.match(await control.ask('NOOP'), /^200/);
    assert.ok((await gateway.metric('portcullis_rewrites_total{kind="line-normalised"}')) >= 1);
  });

  function ask(octets: string): Promise<string> {
    control.send(octets);
    return control.reply();
  }
});
