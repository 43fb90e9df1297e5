import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type Address, addressFromOctets, parseAddress } from '../../../src/address/endpoint.ts';
import {
  type ClientBounds,
  newQuotaMemory,
  type Place,
  SessionQuota,
  type TooMany,
} from '../../../src/control/session-quota.ts';
import { boundless } from './client-bounds.ts';

function address(text: string): Address {
  const read = parseAddress(text);
  assert.ok(read.ok);
  return read.value;
}

function newQuota(sessionsMax = 100): SessionQuota {
  return new SessionQuota(newQuotaMemory(sessionsMax));
}

function atMost(sessionsMax: number): ClientBounds {
  return { ...boundless, sessionsMax };
}

function admitted(place: Place | TooMany): Place {
  if (typeof place === 'string') assert.fail(`refused: ${place}`);
  return place;
}

const alice = address('192.0.2.1');
const bob = address('198.51.100.7');

test('the bound for all: as many as allowed, one more is refused, a place given back makes room', () => {
  const quota = newQuota();
  const [first] = [alice, bob, alice].map((client) => admitted(quota.admit(client, 3, boundless)));
  assert.equal(quota.admit(bob, 3, boundless), 'total');
  assert.equal(quota.total, 3);
  first!.giveBack();
  admitted(quota.admit(bob, 3, boundless));
});

test('the bound for one client does not touch another, and a refusal counts nothing', () => {
  const quota = newQuota();
  const first = admitted(quota.admit(alice, 100, atMost(2)));
  admitted(quota.admit(alice, 100, atMost(2)));
  for (let tries = 0; tries < 5; tries++) assert.equal(quota.admit(alice, 100, atMost(2)), 'client');
  assert.equal(quota.total, 2);
  admitted(quota.admit(bob, 100, atMost(2)));
  first.giveBack();
  admitted(quota.admit(alice, 100, atMost(2)));
  assert.equal(quota.admit(alice, 100, atMost(2)), 'client');
});

test('a refusal for the total leaves the client its own count', () => {
  const quota = newQuota();
  const place = admitted(quota.admit(alice, 1, atMost(1)));
  assert.equal(quota.admit(bob, 1, atMost(1)), 'total');
  place.giveBack();
  admitted(quota.admit(bob, 1, atMost(1)));
});

// RFC 6177: a site has at least a /64, so counting single addresses would bound nobody.
test('IPv6 clients are counted by /64', () => {
  const quota = newQuota();
  admitted(quota.admit(address('2001:db8:0:1::1'), 100, atMost(1)));
  assert.equal(quota.admit(address('2001:db8:0:1:ffff::2'), 100, atMost(1)), 'client');
  admitted(quota.admit(address('2001:db8:0:2::1'), 100, atMost(1)));
});

test('an IPv4 address is not the IPv6 network of the same octets', () => {
  const quota = newQuota();
  admitted(quota.admit(address('192.0.2.1'), 100, atMost(1)));
  admitted(quota.admit(address('0:0:c000:201::1'), 100, atMost(1)));
});

test('of 100,000 clients with one session each none is taken for another', () => {
  const quota = newQuota(100_000);
  for (let number = 0; number < 100_000; number++) {
    const client = addressFromOctets(Uint8Array.of(10, number >> 16, (number >> 8) & 255, number & 255));
    assert.equal(typeof quota.admit(client, 1_000_000, atMost(1)), 'object', client.text);
  }
  assert.equal(quota.total, 100_000);
});

test('addresses that have left make room: those who stay keep their count, however many pass by', () => {
  const quota = newQuota();
  admitted(quota.admit(alice, 100, atMost(1)));
  for (let number = 0; number < 200_000; number++) {
    const passer = addressFromOctets(Uint8Array.of(10, number >> 16, (number >> 8) & 255, number & 255));
    admitted(quota.admit(passer, 100, atMost(1))).giveBack();
  }
  assert.equal(quota.admit(alice, 100, atMost(1)), 'client');
  assert.equal(quota.total, 1);
});

test('each start has a key of its own', () => {
  const keys = [0, 1].map(() => new Int32Array(newQuotaMemory(1)).slice(1, 3).join());
  assert.notEqual(keys[0], keys[1]);
});

test('data connections are counted over all sessions of a client', () => {
  const quota = newQuota();
  const bounds = { ...boundless, waysMax: 2 };
  const [one, other] = [admitted(quota.admit(alice, 9, bounds)), admitted(quota.admit(alice, 9, bounds))];
  assert.deepEqual([one.takeWay(), other.takeWay(), one.takeWay()], [true, true, false]);
  assert.equal(admitted(quota.admit(bob, 9, bounds)).takeWay(), true);
  other.giveWayBack();
  assert.deepEqual([one.takeWay(), other.takeWay()], [true, false]);
});

test('commands are counted over all sessions of a client, anew in every second', () => {
  const quota = newQuota();
  const bounds = { ...boundless, commandsPerSecond: 3 };
  const [one, other] = [admitted(quota.admit(alice, 9, bounds)), admitted(quota.admit(alice, 9, bounds))];
  for (const place of [one, other, one]) {
    assert.equal(place.mayCommand(7), true);
    place.countCommand(7);
  }
  assert.deepEqual([one.mayCommand(7), other.mayCommand(7), other.mayCommand(8)], [false, false, true]);
});

test('connections beyond their rate wait, the longer the more there are; another client does not', () => {
  const quota = newQuota();
  const bounds = { ...boundless, connectionsPerSecond: 10 };
  const waits = Array.from({ length: 30 }, () => admitted(quota.admit(alice, 99, bounds, 1_000_000)).waitMs);
  assert.deepEqual(waits.slice(0, 10), new Array(10).fill(0));
  assert.ok(
    waits.slice(10).every((wait, index) => Math.abs(wait - 100 * (index + 1)) < 1),
    waits.join(),
  );
  assert.equal(admitted(quota.admit(bob, 99, bounds, 1_000_000)).waitMs, 0);
  assert.equal(admitted(quota.admit(alice, 99, bounds, 1_010_000)).waitMs, 0);
});

test('whoever had to go for what he sent begins later: ten times are free, five seconds is the most', () => {
  const quota = newQuota();
  const waitMs = (epochMs: number) => {
    const place = admitted(quota.admit(alice, 999, boundless, epochMs));
    place.giveBack();
    return place.waitMs;
  };
  const charge = (times: number, epochMs: number) => {
    const place = admitted(quota.admit(alice, 999, boundless, epochMs));
    for (let count = 0; count < times; count++) place.charge(epochMs);
    place.giveBack();
  };
  charge(9, 1_000_000);
  assert.equal(waitMs(1_000_000), 0);
  charge(10, 1_000_000);
  assert.ok(Math.abs(waitMs(1_000_000) - 900) < 1);
  charge(1_000, 1_000_000);
  assert.ok(Math.abs(waitMs(1_000_000) - 5_000) < 1);
  assert.equal(admitted(quota.admit(bob, 999, boundless, 1_000_000)).waitMs, 0);
  assert.equal(waitMs(1_007_000), 0);
});

// The thread's file is TypeScript, and a loader named on the command line does not reach the first file of a worker.
const entry = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
  register();
  return import(${JSON.stringify(import.meta.resolve('./quota-thread.ts'))});
})`;

test('counts are shared with other threads, which count at the same time', async () => {
  const memory = newQuotaMemory(100);
  const quota = new SessionQuota(memory);
  const workerData = { memory, client: alice, sessions: 1000 };
  const exits = [0, 1].map(() => once(new Worker(entry, { eval: true, workerData }), 'exit'));
  for (let count = 0; count < 1000; count++) admitted(quota.admit(bob, 1e6, boundless));
  assert.deepEqual(await Promise.all(exits), [[0], [0]]);
  assert.equal(quota.total, 3000);
  assert.equal(quota.admit(alice, 1e6, atMost(2000)), 'client');
  admitted(quota.admit(alice, 1e6, atMost(2001)));
});
