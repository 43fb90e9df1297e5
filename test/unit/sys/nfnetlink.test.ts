// The elements of real sets and maps, in a network namespace of this file's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ElementChange, SetElements } from '../../../src/sys/nfnetlink.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { elementsOf, freshTable, key4, key6, lookUntil, outcome, pinhole, undone } from './element-table.ts';
import { openDescriptors } from './loopback.ts';

const skip = whyNoOwnNetwork();

/** With an empty table, and a descriptor count that must come out as it was. */
function elementTest(name: string, body: (elements: SetElements) => void): void {
  test(name, { skip }, () => {
    freshTable();
    const before = openDescriptors();
    const elements = SetElements.open('walls');
    try {
      body(elements);
    } finally {
      elements.close();
    }
    assert.equal(openDescriptors(), before, 'descriptors left open');
  });
}

elementTest('what is added is there, with its own timeout or that of the set', (elements) => {
  assert.equal(outcome(elements.commit([pinhole(50_000)])), 'ok');
  assert.equal(outcome(elements.commit([pinhole(21, 20_000), pinhole(65_535, 61_500)])), 'ok');
  assert.deepEqual(elementsOf('pinholes4'), [
    '198.51.100.2 . 10.77.0.2 . 21 timeout 20s',
    '198.51.100.2 . 10.77.0.2 . 50000',
    '198.51.100.2 . 10.77.0.2 . 65535 timeout 1m1s500ms',
  ]);
});

elementTest('both families, sets and maps, addresses and concatenations as values, in one transaction', (elements) => {
  const endpoint4 = Uint8Array.of(10, 77, 0, 3, 0x13, 0x88, 0, 0);
  const endpoint6 = key6(5001).slice(16);
  const added: ElementChange[] = [
    pinhole(50_001),
    { kind: 'add', set: 'pinholes6', key: key6(50_002) },
    { kind: 'add', set: 'redirects4', key: key4(50_003), value: endpoint4 },
    { kind: 'add', set: 'redirects6', key: key6(50_004), value: endpoint6, timeoutMs: 20_000 },
    { kind: 'add', set: 'sources4', key: key4(50_005), value: Uint8Array.of(203, 0, 113, 10) },
  ];
  assert.equal(outcome(elements.commit(added)), 'ok');
  assert.deepEqual(
    added.map(({ set }) => elementsOf(set)),
    [
      ['198.51.100.2 . 10.77.0.2 . 50001'],
      ['2001:db8:1::2 . 2001:db8:77::2 . 50002'],
      ['198.51.100.2 . 10.77.0.2 . 50003 : 10.77.0.3 . 5000'],
      ['2001:db8:1::2 . 2001:db8:77::2 . 50004 timeout 20s : 2001:db8:77::2 . 5001'],
      ['198.51.100.2 . 10.77.0.2 . 50005 : 203.0.113.10'],
    ],
  );
  assert.equal(outcome(elements.commit(added.map(undone))), 'ok');
  assert.deepEqual(
    added.map(({ set }) => elementsOf(set)),
    [[], [], [], [], []],
  );
});

elementTest('an element is gone when its time is over, and its key is free again', (elements) => {
  assert.equal(outcome(elements.commit([pinhole(1, 100), pinhole(2, 60_000)])), 'ok');
  lookUntil(() => elementsOf('pinholes4').length === 1);
  assert.deepEqual(elementsOf('pinholes4'), ['198.51.100.2 . 10.77.0.2 . 2 timeout 1m']);
  assert.equal(outcome(elements.commit([pinhole(1)])), 'ok');
});

elementTest('a key that is there is not added again, in a set or a map, with the same value or another', (elements) => {
  const redirect: ElementChange = {
    kind: 'add',
    set: 'redirects4',
    key: key4(1),
    value: Uint8Array.of(10, 77, 0, 3, 0, 21, 0, 0),
  };
  assert.equal(outcome(elements.commit([pinhole(1), redirect])), 'ok');
  assert.equal(outcome(elements.commit([pinhole(1)])), 'EEXIST pinholes4');
  assert.equal(outcome(elements.commit([redirect])), 'EEXIST redirects4');
  const elsewhere = { ...redirect, value: Uint8Array.of(10, 77, 0, 4, 0, 21, 0, 0) };
  assert.equal(outcome(elements.commit([elsewhere])), 'EEXIST redirects4');
  assert.deepEqual(elementsOf('redirects4'), ['198.51.100.2 . 10.77.0.2 . 1 : 10.77.0.3 . 21']);
  assert.equal(outcome(elements.commit([pinhole(2), pinhole(2)])), 'EEXIST pinholes4', 'twice in one transaction');
});

elementTest('of a transaction with one bad change nothing takes place, wherever the bad one is', (elements) => {
  const bad: [ElementChange, string][] = [
    [pinhole(7), 'EEXIST pinholes4'],
    [{ ...pinhole(3), set: 'nowhere' }, 'ENOENT nowhere'],
    [{ ...pinhole(3), key: key4(3).subarray(0, 8) }, 'EINVAL pinholes4'],
    [{ ...pinhole(3), set: 'redirects4' }, 'EINVAL redirects4'],
    [undone(pinhole(3)), 'ENOENT pinholes4'],
  ];
  assert.equal(outcome(elements.commit([pinhole(7)])), 'ok');
  for (const [change, expected] of bad) {
    for (const place of [0, 1, 2]) {
      const changes = [pinhole(1), pinhole(2)];
      changes.splice(place, 0, change);
      assert.equal(outcome(elements.commit(changes)), expected, `place ${place}`);
      assert.deepEqual(elementsOf('pinholes4'), ['198.51.100.2 . 10.77.0.2 . 7'], expected);
    }
  }
  assert.equal(outcome(elements.commit([pinhole(1), undone(pinhole(7)), pinhole(2)])), 'ok');
  assert.equal(elementsOf('pinholes4').length, 2);
});

elementTest('no changes are a transaction too', (elements) => {
  assert.equal(outcome(elements.commit([])), 'ok');
  assert.equal(outcome(elements.remove([])), 'ok');
});

elementTest('without the table the answer is ENOENT', () => {
  const elements = SetElements.open('elsewhere');
  assert.equal(outcome(elements.commit([pinhole(1)])), 'ENOENT pinholes4');
  elements.close();
});

elementTest('after close the next commit opens the socket again', (elements) => {
  elements.close();
  elements.close();
  assert.equal(outcome(elements.commit([pinhole(1)])), 'ok');
});

elementTest('sequence numbers go round', (elements) => {
  Object.assign(elements, { sequence: 2 ** 32 - 2 });
  for (const port of [1, 4, 7]) {
    assert.equal(outcome(elements.commit([pinhole(port), pinhole(port + 1), pinhole(port + 2)])), 'ok');
  }
  Object.assign(elements, { sequence: 2 ** 32 - 2 });
  assert.equal(outcome(elements.commit([pinhole(20), pinhole(21), pinhole(1)])), 'EEXIST pinholes4');
  assert.equal(elementsOf('pinholes4').length, 9);
});

elementTest('a transaction too long for the buffer fails whole, one as long as it may be does not', (elements) => {
  const many = (count: number) => Array.from({ length: count }, (_, port) => pinhole(port));
  assert.equal(outcome(elements.commit(many(1000))), 'EMSGSIZE -');
  assert.deepEqual(elementsOf('pinholes4'), []);
  assert.equal(outcome(elements.commit(many(190))), 'ok');
  // Each of them is refused, and all refusals fit the receive buffer.
  assert.equal(outcome(elements.commit(many(190))), 'EEXIST pinholes4');
  assert.equal(outcome(elements.remove(many(1000).map(undone))), 'EMSGSIZE -');
  assert.equal(outcome(elements.remove(many(190).map(undone))), 'ok');
  assert.deepEqual(elementsOf('pinholes4'), []);
});

elementTest(
  '70,000 elements do not go into a set of 65,536: it says so, and takes more when there is room',
  (elements) => {
    let added = 0;
    const refusals = new Set<string>();
    for (let port = 0; port < 70_000; port += 100) {
      const hundred = Array.from({ length: 100 }, (_, index) => manyKeys(port + index));
      const answer = outcome(elements.commit(hundred));
      if (answer === 'ok') added += 100;
      else refusals.add(answer);
      // Milliseconds each: enough of them.
      if (refusals.size > 0 && port > 66_000) break;
    }
    assert.deepEqual([added, [...refusals]], [65_500, ['ENFILE pinholes4']]);
    for (let port = 100_000; outcome(elements.commit([manyKeys(port)])) === 'ok'; port++) added++;
    assert.equal(added, 65_536);
    assert.equal(outcome(elements.remove([undone(manyKeys(0))])), 'ok');
    assert.equal(outcome(elements.commit([manyKeys(0)])), 'ok');
    assert.equal(outcome(elements.commit([manyKeys(1_000_000)])), 'ENFILE pinholes4');
  },
);

function manyKeys(number: number): ElementChange {
  const key = key4(number & 0xffff);
  key[3] = number >> 16;
  return { kind: 'add', set: 'pinholes4', key, timeoutMs: 600_000 };
}

elementTest('10,000 elements added and removed leave no memory and no descriptor behind', (elements) => {
  const collect = collector();
  const descriptors = openDescriptors();
  const pairs = (count: number) => {
    for (let pair = 0; pair < count; pair++) {
      const change = pinhole(pair & 0xffff);
      assert.equal(outcome(elements.commit([change])), 'ok');
      assert.equal(outcome(elements.remove([undone(change)])), 'ok');
    }
    collect();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
  const before = pairs(2000);
  const grown = pairs(10_000) - before;
  // A leak of a hundred octets for each pair would be a million.
  assert.ok(grown < 500_000, `${grown} octets more`);
  assert.equal(openDescriptors(), descriptors);
  assert.deepEqual(elementsOf('pinholes4'), []);
});

/** The garbage collector, which Node shows only when asked. */
function collector(): () => void {
  setFlagsFromString('--expose_gc');
  return runInNewContext('gc') as () => void;
}
