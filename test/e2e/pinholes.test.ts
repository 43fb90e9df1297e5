// What does an administrator see of the data connections, at the admin address and with `portcullis pinholes`? One that
// was announced and not used, one that carried a file, one that nobody came for; or in one sentence why there is
// nothing to see.
//
//   client 127.0.0.1 ──── gateway 127.g:2121, two engines ──── pyftpdlib 127.s:2121
//   portcullis pinholes ──── its admin address 127.a:2121

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dial, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import {
  authority,
  executable,
  listenerYaml,
  type OperatedGateway,
  operateGateway,
} from '../support/operated-gateway.ts';
import { whyNoPeers } from '../support/peers.ts';
import { type Finished, runProgram } from '../support/process.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServer } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(47, 150_001);

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab.close());

function pinholes(...words: string[]): Promise<Finished> {
  return runProgram(process.execPath, [executable, 'pinholes', ...words]);
}

describe('a gateway that runs', { skip: whyNoPeers() }, () => {
  let server: RealServer;
  let listen: LabEndpoint;

  before(async () => {
    server = await startServer(lab, 'pyftpdlib');
    await writeFile(join(server.files, 'file.bin'), file);
  });

  async function start(more = ''): Promise<OperatedGateway> {
    listen = await lab.endpoint();
    return operateGateway(lab, `listeners:\n${listenerYaml('front', listen, server)}engines: 2\n${more}`);
  }

  async function listed({ page }: OperatedGateway, query = ''): Promise<Record<string, unknown>[]> {
    let told = { ways: [] as Record<string, unknown>[], missingEngines: 0 };
    // On a busy machine an engine may not answer in time.
    await becomes(async () => {
      told = JSON.parse(await page(`/pinholes${query}`));
      return told.missingEngines;
    }, 0);
    return told.ways;
  }

  test('expected, then completed with its octets; by both ways to ask', async () => {
    const gateway = await start();
    assert.deepEqual(await listed(gateway), []);
    const none = await pinholes(gateway.file);
    assert.match(none.output, /^No data connection is expected or flows/);
    const control = await RawControl.login(listen, server);
    await control.ask('TYPE I');
    const announced = passiveEndpoint(await control.ask('PASV'));

    const [open, ...others] = await listed(gateway, '?state=open&client=127.0.0.1');
    assert.deepEqual(others, []);
    const { session, serverLeg, openedAt, ...rest } = open as { session: string; serverLeg: object; openedAt: string };
    assert.deepEqual(rest, {
      listener: 'front',
      client: authority(control.local),
      server: authority(server),
      way: 1,
      plane: 'relay',
      asked: 'PASV',
      toServer: 'PASV',
      clientLeg: { mode: 'listen', local: authority(announced), remote: null, admits: ['127.0.0.1'] },
      state: 'open',
      reason: null,
      usedAt: null,
      endedAt: null,
      octetsToClient: null,
      octetsToServer: null,
    });
    assert.match(session, /^[01]-1$/);
    assert.deepEqual({ ...serverLeg, remote: '' }, { mode: 'dial', local: null, remote: '', admits: [] });
    const table = await pinholes(gateway.file);
    assert.equal(table.exitCode, 0);
    const row = `open +- +${authority(control.local)} +PASV +127.0.0.1 -> ${authority(announced)} `;
    assert.match(table.output, new RegExp(`^OPENED +STATE .*\\n\\d+ s ago +${row.replaceAll('.', '\\.')}.*\\n$`));

    const data = await dial(announced);
    const dialledFrom = authority({ host: '127.0.0.1', port: data.localPort! });
    control.send('RETR files/file.bin\r\n');
    assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
    assert.match(await control.reply(), /^(125|150) /);
    assert.match(await control.reply(), /^226/);
    await becomes(async () => (await listed(gateway))[0]?.['state'], 'completed');
    const json = await pinholes(gateway.file, '--json');
    assert.equal(json.exitCode, 0);
    const { ways } = JSON.parse(json.output);
    assert.equal(ways.length, 1);
    const [done] = ways;
    assert.deepEqual(
      [done.way, done.openedAt, done.octetsToClient, done.octetsToServer],
      [1, openedAt, file.length, 0],
    );
    assert.equal(done.clientLeg.remote, dialledFrom);
    assert.ok(openedAt <= done.usedAt && done.usedAt <= done.endedAt);
    control.close();
  });

  test('one that nobody came for has expired; one after it comes first', async () => {
    const gateway = await start('limits:\n  expectationTimeout: 1s\n');
    const control = await RawControl.login(listen, server);
    await control.ask('EPSV');
    await becomes(async () => (await listed(gateway))[0]?.['state'], 'expired');
    await control.ask('EPSV');
    const states = (await listed(gateway)).map(({ way, asked, reason }) => ({ way, asked, reason }));
    assert.equal(states.length, 2);
    assert.deepEqual([states[0]?.way, states[1]?.way], [2, 1]);
    assert.deepEqual(states[1], { way: 1, asked: 'EPSV', reason: 'no data connection came in time' });
    control.close();
  });

  test('while the gateway drains: what flows is listed, the engine that has ended is told as missing', async () => {
    const gateway = await start();
    const control = await RawControl.login(listen, server);
    const data = await dial(passiveEndpoint(await control.ask('PASV')));
    assert.match(await control.ask('STOR files/slow.bin'), /^(125|150) /);
    gateway.program.signal('SIGTERM');
    const told = async () => JSON.parse(await gateway.page('/pinholes'));
    await becomes(async () => (await told()).missingEngines, 1);
    const { ways } = await told();
    assert.deepEqual([ways.length, ways[0].state, ways[0].octetsToServer], [1, 'used', null]);
    const table = await pinholes(gateway.file);
    assert.equal(table.exitCode, 1);
    assert.match(table.output, /\d+ s ago +used .*\nportcullis: engines that did not answer in time: 1; /s);
    data.end('the end');
    assert.match(await control.reply(), /^226/);
    assert.equal((await gateway.program.finished).exitCode, 0);
    control.close();
  });
});

describe('nothing to see', () => {
  async function settingsFile(name: string, admin: string): Promise<string> {
    const path = join(lab.folder, `${name}.yaml`);
    const listener = listenerYaml('front', await lab.endpoint(), await lab.endpoint());
    await writeFile(path, `listeners:\n${listener}admin: ${admin}\n`);
    return path;
  }

  test('no gateway', async () => {
    const admin = authority(await lab.endpoint());
    const { exitCode, output } = await pinholes(await settingsFile('nobody', `{ listen: "${admin}" }`));
    assert.equal(exitCode, 1);
    const sentence = 'connection refused; is one running with these settings?';
    assert.equal(output, `portcullis: no gateway answers on ${admin}: ${sentence}\n`);
  });

  test('admin: off', async () => {
    const path = await settingsFile('off', 'off');
    const { exitCode, output } = await pinholes(path);
    assert.equal(exitCode, 1);
    assert.match(output, /^portcullis: \S+off\.yaml has no admin address \(admin: off\), .*\n$/);
  });

  test('something else answers', async () => {
    const admin = await lab.endpoint();
    const other = createServer((_, response) => response.end('[]'));
    await new Promise<void>((resolve) => other.listen(admin.port, admin.host, resolve));
    lab.onClose(() => void other.close());
    const { exitCode, output } = await pinholes(await settingsFile('other', `{ listen: "${authority(admin)}" }`));
    assert.equal(exitCode, 1);
    assert.match(output, /^portcullis: what answers on \S+ is no gateway of this version: .*\n$/);
  });

  test('a wrong word, and a settings file that cannot be read', async () => {
    assert.equal((await pinholes('--json')).exitCode, 2);
    const absent = await pinholes(join(lab.folder, 'absent.yaml'));
    assert.equal(absent.exitCode, 1);
    assert.match(absent.output, /absent\.yaml/);
  });
});
