// Are listeners of other processes told from our own?

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { othersListening } from '../../../src/sys/listening.ts';

async function ownPort(t: TestContext, host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

/** Another process listens there until the test is over. */
async function anothersPort(t: TestContext, host: string): Promise<number> {
  const listens = `const server = require('node:net').createServer().listen(0, '${host}', `;
  const program = `${listens} () => console.log(server.address().port))`;
  const child: ChildProcess = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const [octets] = await once(child.stdout!, 'data');
  return Number(String(octets));
}

test('our own are not among them', async (t) => {
  for (const host of ['127.0.0.1', '::1', '0.0.0.0']) assert.deepEqual(othersListening(await ownPort(t, host)), []);
});

test('those of others are, with their addresses', async (t) => {
  const octets = (port: number) => othersListening(port)?.map((address) => [...address]);
  assert.deepEqual(octets(await anothersPort(t, '127.0.0.1')), [[127, 0, 0, 1]]);
  assert.deepEqual(octets(await anothersPort(t, '0.0.0.0')), [[0, 0, 0, 0]]);
  assert.deepEqual(octets(await anothersPort(t, '::1')), [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]);
});

test('also beside many connections, which do not count', async (t) => {
  const port = await anothersPort(t, '127.0.0.1');
  const sockets = Array.from({ length: 50 }, () => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  assert.equal(othersListening(port)?.length, 1);
  for (const socket of sockets) socket.destroy();
});
