// What does a client see when the server behind the gateway is not there, goes away in the middle of a transfer, or is
// reached through several engines?
//
//   client 127.0.0.1 ──── gateway 127.g:2121 ──── pyftpdlib 127.s:2121, or nobody

import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { listenerYaml, operateGateway } from '../support/operated-gateway.ts';
import { whyNoPeers } from '../support/peers.ts';
import { RawControl } from '../support/raw-control.ts';
import { startServer } from '../support/real-servers.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab.close());

test('a server that is not there: 421, a log line, and the gateway goes on', async () => {
  const nobody = await lab.endpoint();
  const gateway = await startGateway(lab, nobody);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const control = await RawControl.open(gateway);
    assert.equal(await control.reply(), '421 The FTP server cannot be reached; try again later.');
    assert.equal(await control.ended, 'end');
    control.close();
  }
  const log = { msg: 'session ended', outcome: 'upstream-unreachable', reason: 'ECONNREFUSED' };
  await loggedLine(gateway.program, { ...log, server: `${nobody.host}:${nobody.port}` });
  assert.equal(await gateway.metric('portcullis_sessions_total{outcome="upstream-unreachable"}'), 2);
});

test('a server that dies in the middle of a transfer: the client knows', {
  skip: whyNoPeers(),
}, async () => {
  const server = await startServer(lab, 'pyftpdlib');
  const size = 64 * 1_048_576;
  await writeFile(join(server.files, 'big.bin'), Buffer.alloc(size, 'x'));
  const gateway = await startGateway(lab, server);
  const idle = await RawControl.login(gateway, server);
  const local = join(lab.folder, 'big.bin');
  const url = `ftp://${gateway.host}:${gateway.port}/files/big.bin`;
  const login = `${server.user}:${server.password}`;
  const curl = await lab.start('curl', ['-q', '-sS', '--limit-rate', '4M', '--user', login, '-o', local, url]);
  const begun = async (): Promise<boolean> => ((await stat(local).catch(() => undefined))?.size ?? 0) > 0;
  await becomes(begun, true);
  await server.program.end('SIGKILL');
  const { exitCode } = await curl.finished;
  assert.notEqual(exitCode, 0);
  assert.ok((await stat(local)).size < size);
  await idle.ended;
  idle.close();
  await loggedLine(gateway.program, { msg: 'transfer', outcome: 'failed', path: 'big.bin' });
  await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
  assert.equal(await gateway.metric('portcullis_ways_active{plane="relay"}'), 0);
  assert.equal(await gateway.metric('portcullis_internal_errors_total'), 0);
});

test('two engines share one listener', async () => {
  const server = await startScriptedServer(lab);
  const listen = await lab.endpoint();
  const settings = `listeners:\n${listenerYaml('front', listen, server)}log:\n  level: debug\nengines: 2\n`;
  const gateway = await operateGateway(lab, settings);
  const controls: RawControl[] = [];
  // The kernel spreads connections by a hash of both ends: that 64 fall to one side has the chance 2 to the -63.
  for (let count = 0; count < 64; count += 1) controls.push(await RawControl.login(listen, server));
  assert.equal(await gateway.metric('portcullis_sessions_active'), 64);
  for (const control of controls) control.close();
  await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
  // An engine's lines come in batches of its own.
  const logged = (engine: string): boolean => gateway.program.output.includes(`"session":"${engine}-`);
  await becomes(async () => logged('0') && logged('1'), true);
});
