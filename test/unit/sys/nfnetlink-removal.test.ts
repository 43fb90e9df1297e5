// Removing elements that may be gone, as kernels since Linux 6.3 do it and as those before have to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SetElements } from '../../../src/sys/nfnetlink.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { elementsOf, freshTable, key4, key6, nft, outcome, pinhole, undone } from './element-table.ts';

const skip = whyNoOwnNetwork();

for (const deletion of ['destroy', 'delete'] as const) {
  const removalTest = (name: string, body: (elements: SetElements) => void) => {
    test(`${deletion}: ${name}`, { skip }, () => {
      freshTable();
      const elements = SetElements.open('walls', deletion);
      try {
        body(elements);
      } finally {
        elements.close();
      }
    });
  };

  removalTest('what is there goes, and what is gone is no failure', (elements) => {
    const [first, second, third] = [pinhole(1), pinhole(2), pinhole(3)];
    for (const gone of [first, second, third]) {
      assert.equal(outcome(elements.commit([first, second, third])), 'ok');
      assert.equal(outcome(elements.commit([undone(gone)])), 'ok');
      assert.equal(outcome(elements.remove([undone(first), undone(second), undone(third)])), 'ok');
      assert.deepEqual(elementsOf('pinholes4'), []);
    }
    assert.equal(outcome(elements.remove([undone(first), undone(second)])), 'ok');
  });

  removalTest('nothing else goes', (elements) => {
    assert.equal(outcome(elements.commit([pinhole(1), pinhole(2)])), 'ok');
    assert.equal(outcome(elements.remove([undone(pinhole(2)), undone(pinhole(3))])), 'ok');
    assert.deepEqual(elementsOf('pinholes4'), ['198.51.100.2 . 10.77.0.2 . 1']);
  });

  removalTest('a map gives up its element without being told the value, whichever family', (elements) => {
    const added = [
      { kind: 'add', set: 'redirects4', key: key4(1), value: Uint8Array.of(10, 77, 0, 3, 0, 21, 0, 0) },
      { kind: 'add', set: 'redirects6', key: key6(1), value: key6(21).slice(16) },
    ] as const;
    assert.equal(outcome(elements.commit(added)), 'ok');
    assert.equal(outcome(elements.remove([...added.map(undone), undone(pinhole(1))])), 'ok');
    assert.deepEqual(
      added.map(({ set }) => elementsOf(set)),
      [[], []],
    );
  });

  removalTest('a set that is gone has taken its elements along; those of others still go', (elements) => {
    assert.equal(outcome(elements.commit([pinhole(1)])), 'ok');
    nft('delete set inet walls pinholes6');
    assert.equal(
      outcome(elements.remove([{ kind: 'delete', set: 'pinholes6', key: key6(1) }, undone(pinhole(1))])),
      'ok',
    );
    assert.deepEqual(elementsOf('pinholes4'), []);
    nft('delete table inet walls');
    assert.equal(outcome(elements.remove([undone(pinhole(1))])), 'ok');
  });

  removalTest('an addition among the deletions is thrown out, and nothing takes place', (elements) => {
    assert.equal(outcome(elements.commit([pinhole(1)])), 'ok');
    assert.throws(() => elements.remove([undone(pinhole(1)), pinhole(2)]), TypeError);
    assert.deepEqual(elementsOf('pinholes4'), ['198.51.100.2 . 10.77.0.2 . 1']);
  });

  removalTest('an exchange takes the old away, there or not, and lets the new take its place', (elements) => {
    const [old, gone, fresh] = [pinhole(1), pinhole(2), pinhole(3)];
    assert.equal(outcome(elements.commit([old])), 'ok');
    assert.equal(outcome(elements.exchange([undone(old), undone(gone)], [old, fresh])), 'ok');
    assert.deepEqual(elementsOf('pinholes4'), ['198.51.100.2 . 10.77.0.2 . 1', '198.51.100.2 . 10.77.0.2 . 3']);
    assert.equal(outcome(elements.exchange([], [gone])), 'ok');
    assert.equal(outcome(elements.exchange([undone(old), undone(fresh)], [])), 'ok');
    assert.deepEqual(elementsOf('pinholes4'), ['198.51.100.2 . 10.77.0.2 . 2']);
    assert.throws(() => elements.exchange([pinhole(1)], []), TypeError);
  });

  removalTest('an exchange whose new is in the way of another adds nothing', (elements) => {
    const [old, other, fresh] = [pinhole(1), pinhole(2), pinhole(3)];
    assert.equal(outcome(elements.commit([old, other])), 'ok');
    assert.equal(outcome(elements.exchange([undone(old)], [fresh, other])), 'EEXIST pinholes4');
    assert.ok(!elementsOf('pinholes4').includes('198.51.100.2 . 10.77.0.2 . 3'));
    assert.equal(outcome(elements.exchange([undone(old)], [fresh])), 'ok');
    assert.deepEqual(elementsOf('pinholes4'), ['198.51.100.2 . 10.77.0.2 . 2', '198.51.100.2 . 10.77.0.2 . 3']);
  });

  removalTest('a key that does not fit is our mistake and said, and spoils nothing', (elements) => {
    const misfit = { ...undone(pinhole(1)), key: key4(1).subarray(0, 8) };
    assert.equal(outcome(elements.commit([pinhole(1)])), 'ok');
    assert.equal(outcome(elements.remove([undone(pinhole(1)), misfit])), 'EINVAL pinholes4');
    assert.equal(elementsOf('pinholes4').length, 1);
    assert.equal(outcome(elements.remove([undone(pinhole(1)), undone(pinhole(2))])), 'ok');
    assert.deepEqual(elementsOf('pinholes4'), []);
  });
}
