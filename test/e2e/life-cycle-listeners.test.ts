// Where a listener listens changes with SIGHUP, also to an address that meets the old one, and no moment passes in
// which nobody listens; what cannot be opened changes nothing. And what does a client find at a listener while the
// gateway drains? In a network namespace of this file, because 0.0.0.0 meets every address.
//
//   client 127.0.0.1 ──── gateway :2222 (at addresses as settings say) ──── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, hostPort, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import { greets, isClosed } from '../support/front-door.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { listenerYaml, type OperatedGateway, operateGateway } from '../support/operated-gateway.ts';
import { whyNoOwnNetwork } from '../support/own-network.ts';
import { runProgram } from '../support/process.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';

const skip = whyNoOwnNetwork();
const port = 2222;
const everywhere = { host: '0.0.0.0', port };
const everywhere6 = { host: '::', port };
const elsewhere = { host: '127.0.0.1', port };

for (const engines of [1, 2]) {
  describe(`a listener moves, engines: ${engines}`, { skip }, () => {
    let lab: Lab;
    let server: ScriptedServer;
    let gateway: OperatedGateway;
    let first: LabEndpoint;
    let second: LabEndpoint;
    /** Logged in before any reload. */
    let veteran: RawControl;

    before(async () => {
      lab = await openLab();
      server = await startScriptedServer(lab, {
        verbs: {
          PASV: ({ write }) => write(`227 Entering Passive Mode (${hostPort({ ...server, port: 40_000 })})\r\n`),
        },
      });
      [first, second] = [
        { host: (await lab.endpoint()).host, port },
        { host: (await lab.endpoint()).host, port },
      ];
      gateway = await operateGateway(lab, settings(first));
      veteran = await RawControl.login(first, server);
    });
    after(async () => {
      veteran.close();
      await lab.close();
    });

    function settings(...at: readonly LabEndpoint[]): string {
      const ranges = ['20000-20999', '21000-21999'];
      const listeners = at.map((listen, index) =>
        listenerYaml(`front-${index}`, listen, server).replace('20000-29999', ranges[index]!),
      );
      return `listeners:\n${listeners.join('')}engines: ${engines}\n`;
    }

    async function moved(to: readonly LabEndpoint[], open: readonly LabEndpoint[]): Promise<void> {
      assert.equal(await gateway.reload(settings(...to)), 'applied', gateway.program.output);
      for (const each of open) await greets(each);
      assert.match(await veteran.ask('NOOP'), /^200/);
    }

    test('from one address to all, of both families, and back', async () => {
      await moved([everywhere], [first, elsewhere]);
      await moved([everywhere6], [first, elsewhere, { host: '::1', port }]);
      await moved([everywhere], [first, elsewhere]);
      await isClosed({ host: '::1', port });
      await moved([first], [first]);
      await isClosed(elsewhere);
    });

    test('two at a time: from one to all, and from all to two', async () => {
      await moved([everywhere], [first, second]);
      await moved([second, first], [first, second]);
      await isClosed(elsewhere);
    });

    test('two change places, and each name is at its new one', async () => {
      await moved([first, second], [first, second]);
      for (const [listen, name] of [
        [first, 'front-0'],
        [second, 'front-1'],
      ] as const) {
        const control = await RawControl.login(listen, server);
        assert.match(await control.ask('LPSV'), /^502/);
        await loggedLine(gateway.program, { msg: 'refused', listener: name });
        control.close();
      }
      await moved([first], [first]);
    });

    test('to where another program shares its port with whoever wants: refused, and nothing changes', async () => {
      const more = `listeners:\n${listenerYaml('other', second, server)}engines: 2\n`;
      const other = await operateGateway(lab, more);
      assert.equal(await gateway.reload(settings(everywhere)), 'refused');
      const problem = /"listener front-0: 0\.0\.0\.0:2222 is in use by another program[^\n]*"/;
      await loggedLine(gateway.program, { problem });
      await greets(first);
      await isClosed(elsewhere);
      await other.program.end();
      await moved([everywhere], [first, second]);
      await moved([first], [first]);
    });

    test('to a port on which a data connection is expected: refused, and it says so', async () => {
      const way = passiveEndpoint(await veteran.ask('PASV'));
      const listeners = settings(way).replace('20000-20999', '22000-22999');
      assert.equal(await gateway.reload(listeners), 'refused');
      await loggedLine(gateway.program, { problem: /"[^\n]* is in use by a data connection of this gateway[^\n]*"/ });
      await greets(first);
    });

    test('one that cannot move holds the other where it was', async () => {
      const taken = await DataPort.open(lab, second.host, port);
      assert.equal(await gateway.reload(settings(everywhere6)), 'refused');
      assert.equal(await gateway.reload(settings({ host: '127.0.0.1', port }, second)), 'refused');
      await isClosed(elsewhere);
      await greets(first);
      assert.match(await veteran.ask('NOOP'), /^200/);
      taken.close();
    });

    test('from one mode to the other where it is', async () => {
      const listen = `"${first.host}:${port}"`;
      const transparent = `{ name: front-0, mode: transparent, listen: ${listen}, servers: [10.77.0.0/24] }`;
      await assertTransparent(false);
      assert.equal(await gateway.reload(`listeners:\n  - ${transparent}\nengines: ${engines}\n`), 'applied');
      await assertTransparent(true);
      await moved([first], [first]);
      await assertTransparent(false);
    });

    /** All sockets of the listener are, or none (IP_TRANSPARENT), as ss(8) has it. */
    async function assertTransparent(wanted: boolean): Promise<void> {
      const { output } = await runProgram('ss', ['-HltnO', '--inet-sockopt', `sport = :${port}`]);
      const sockets = output.trim().split('\n');
      assert.equal(sockets.length, engines, output);
      for (const socket of sockets) assert.equal(/ transparent/.test(socket), wanted, socket);
    }
  });
}

test('while it drains, a transparent listener says 421, and a reverse one is closed', { skip }, async (t) => {
  const lab = await openLab();
  t.after(() => lab.close());
  let data: DataPort;
  const server = await startScriptedServer(lab, {
    verbs: {
      PASV: ({ write }) => write(`227 Entering Passive Mode (${data.hostPort})\r\n`),
      RETR: '150 Here it comes.',
    },
  });
  data = await DataPort.open(lab, server.host);
  const listen = await lab.endpoint();
  const intercepting = { host: '127.0.0.1', port };
  const transparent = '{ name: perimeter, mode: transparent, listen: "127.0.0.1:2222", servers: [10.77.0.0/24] }';
  const gateway = await operateGateway(
    lab,
    `listeners:\n${listenerYaml('front', listen, server)}  - ${transparent}\nengines: 2\n`,
  );
  const control = await RawControl.login(listen, server);
  const client = await dial(passiveEndpoint(await control.ask('PASV')));
  const received = receiveAll(client);
  assert.match(await control.ask('RETR file'), /^150/);
  const { socket } = await data.next();
  gateway.program.signal('SIGTERM');
  await loggedLine(gateway.program, { msg: 'draining' });
  // Each engine hears of it for itself, and until then a stranger reads of a server that is none.
  const answers = new Set<string>();
  for (let asked = 0; asked < 8; asked++) {
    const late = await RawControl.open(intercepting);
    answers.add(await late.reply());
    assert.equal(await late.ended, 'end');
  }
  assert.ok(
    [...answers].every((answer) => answer.startsWith('421 ')),
    [...answers].join(),
  );
  assert.ok(answers.has('421 The gateway is going down for maintenance; try again later.'), [...answers].join());
  await isClosed(listen);
  assert.ok((await gateway.metric('portcullis_sessions_total{outcome="refused-draining"}')) > 0);
  await loggedLine(gateway.program, { msg: 'session refused', cause: 'draining' });
  socket.end('all of it');
  assert.deepEqual(await received, { octets: Buffer.from('all of it'), how: 'end' });
  server.sessions.at(-1)!.write('226 Done.\r\n');
  assert.match(await control.reply(), /^226/);
  assert.match(await control.reply(), /^421/);
  assert.equal((await gateway.program.finished).exitCode, 0);
});
