import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type Address, addressFromOctets, parseAddress } from '../../../src/address/endpoint.ts';
import { SessionQuota } from '../../../src/control/session-quota.ts';

function address(text: string): Address {
  const read = parseAddress(text);
  assert.ok(read.ok);
  return read.value;
}

const alice = address('192.0.2.1');
const bob = address('198.51.100.7');

test('the bound for all: as many as allowed, one more is refused, a release makes room', () => {
  const quota = new SessionQuota();
  assert.deepEqual(
    [alice, bob, alice, bob].map((client) => quota.admit(client, 3, 100)),
    ['admitted', 'admitted', 'admitted', 'total'],
  );
  assert.equal(quota.total, 3);
  quota.release(alice);
  assert.equal(quota.admit(bob, 3, 100), 'admitted');
});

test('the bound for one client does not touch another, and a refusal counts nothing', () => {
  const quota = new SessionQuota();
  assert.equal(quota.admit(alice, 100, 2), 'admitted');
  assert.equal(quota.admit(alice, 100, 2), 'admitted');
  for (let tries = 0; tries < 5; tries++) assert.equal(quota.admit(alice, 100, 2), 'client');
  assert.equal(quota.total, 2);
  assert.equal(quota.admit(bob, 100, 2), 'admitted');
  quota.release(alice);
  assert.equal(quota.admit(alice, 100, 2), 'admitted');
  assert.equal(quota.admit(alice, 100, 2), 'client');
});

test('a refusal for the total leaves the client its own count', () => {
  const quota = new SessionQuota();
  assert.equal(quota.admit(alice, 1, 1), 'admitted');
  assert.equal(quota.admit(bob, 1, 1), 'total');
  quota.release(alice);
  assert.equal(quota.admit(bob, 1, 1), 'admitted');
});

// RFC 6177: a site has at least a /64, so counting single addresses would bound nobody.
test('IPv6 clients are counted by /64', () => {
  const quota = new SessionQuota();
  assert.equal(quota.admit(address('2001:db8:0:1::1'), 100, 1), 'admitted');
  assert.equal(quota.admit(address('2001:db8:0:1:ffff::2'), 100, 1), 'client');
  assert.equal(quota.admit(address('2001:db8:0:2::1'), 100, 1), 'admitted');
});

test('thousands of clients with one session each: none is taken for another', () => {
  const quota = new SessionQuota();
  const clients: Address[] = [];
  for (let number = 0; number < 10_000; number++) {
    clients.push(addressFromOctets(Uint8Array.of(10, number >> 10, (number >> 2) & 255, number & 3)));
  }
  const refused = clients.filter((client) => quota.admit(client, 1_000_000, 1) !== 'admitted');
  // Both tables are a sixth full, so for a crowd as large as this one a few collide in both; for two hosts it is one in
  // 4 billion. The usual bound is far above one session, and so far out of reach.
  assert.ok(refused.length < 500, `${refused.length} of 10,000`);
  assert.equal(quota.total, clients.length - refused.length);
});

// The thread's file is TypeScript, and a loader named on the command line does not reach the first file of a worker.
const entry = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
  register();
  return import(${JSON.stringify(import.meta.resolve('./quota-thread.ts'))});
})`;

test('counts are shared with other threads, which count at the same time', async () => {
  const quota = new SessionQuota();
  const workerData = { memory: quota.memory, client: alice, sessions: 1000 };
  const exits = [0, 1].map(() => once(new Worker(entry, { eval: true, workerData }), 'exit'));
  for (let count = 0; count < 1000; count++) quota.admit(bob, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  assert.deepEqual(await Promise.all(exits), [[0], [0]]);
  assert.equal(quota.total, 3000);
  assert.equal(quota.admit(alice, 1e6, 2000), 'client');
  assert.equal(quota.admit(alice, 1e6, 2001), 'admitted');
});
