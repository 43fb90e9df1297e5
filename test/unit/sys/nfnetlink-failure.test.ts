// What the kernel does not answer, answers late, or does not permit.

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { ElementBatch } from '../../../src/sys/element-batch.ts';
import { SysError } from '../../../src/sys/errno.ts';
import * as libc from '../../../src/sys/libc.ts';
import { SetElements } from '../../../src/sys/nfnetlink.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { withoutNetAdmin } from '../../support/without-net-admin.ts';
import { elementsOf, freshTable, key4, outcome, pinhole, undone } from './element-table.ts';
import { openDescriptors, withoutFreeDescriptors } from './loopback.ts';

const skip = whyNoOwnNetwork();

/** With the descriptor of the elements' socket; all sockets are closed at the end. */
function failureTest(name: string, deletion: 'destroy' | 'delete', body: Body): void {
  test(name, { skip }, () => {
    freshTable();
    const before = sockets();
    const elements = SetElements.open('walls', deletion);
    const [fd, ...more] = sockets().filter((each) => !before.includes(each));
    assert.ok(fd !== undefined && more.length === 0);
    try {
      body(elements, fd);
    } finally {
      elements.close();
    }
    assert.deepEqual(sockets(), before);
  });
}

type Body = (elements: SetElements, fd: number) => void;

/** The descriptors of this process that are sockets. */
function sockets(): number[] {
  const isSocket = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // The directory that was read a moment ago.
      return false;
    }
  };
  return readdirSync('/proc/self/fd').filter(isSocket).map(Number);
}

/** Every answer to this socket is lost, as when the kernel has no memory for it: a classic BPF program, `ret #0`. */
function loseAnswers(fd: number): void {
  const program = { length: 1, instructions: Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0) };
  const { SOL_SOCKET, SO_ATTACH_FILTER, filterProgramOctets } = libc;
  assert.equal(libc.attachFilter(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, filterProgramOctets), 0);
}

failureTest(
  'an answer that is lost fails within a bound, and the next one is heard again',
  'destroy',
  (elements, fd) => {
    loseAnswers(fd);
    assert.equal(outcome(elements.commit([pinhole(1)])), 'ETIMEDOUT -');
    // It did take place, which the caller cannot know.
    assert.equal(outcome(elements.commit([pinhole(1)])), 'EEXIST pinholes4');
    assert.equal(outcome(elements.remove([undone(pinhole(1))])), 'ok');
    assert.deepEqual(elementsOf('pinholes4'), []);
  },
);

failureTest('an answer to something earlier is nobody’s, good or bad', 'destroy', (elements, fd) => {
  const earlier = new ElementBatch('walls');
  const say = (sequence: number, port: number) => {
    assert.ok(earlier.write([pinhole(port)], 'delete', sequence));
    assert.ok(libc.send(fd, earlier.writer.octets, earlier.writer.length, 0) > 0);
  };
  say(1_000_000, 1);
  say(2_000_000, 1);
  assert.equal(outcome(elements.commit([pinhole(1)])), 'EEXIST pinholes4', 'not the good answer of the first');
  say(3_000_000, 1);
  assert.equal(outcome(elements.commit([pinhole(2)])), 'ok', 'not the bad answer of the third');
  assert.equal(elementsOf('pinholes4').length, 2);
});

failureTest('a removal that asks first passes over earlier answers too', 'delete', (elements, fd) => {
  assert.equal(outcome(elements.commit([pinhole(1)])), 'ok');
  const earlier = new ElementBatch('walls');
  assert.ok(earlier.writeQuestion('pinholes4', key4(2), 5_000_000));
  assert.ok(libc.send(fd, earlier.writer.octets, earlier.writer.length, 0) > 0);
  assert.equal(outcome(elements.remove([undone(pinhole(1))])), 'ok');
  assert.deepEqual(elementsOf('pinholes4'), [], 'the earlier "not there" was not about this one');
});

failureTest('without CAP_NET_ADMIN the answer is EPERM, and with it all is well again', 'destroy', (elements) => {
  withoutNetAdmin(() => {
    assert.equal(outcome(elements.commit([pinhole(1)])), 'EPERM -');
    assert.equal(outcome(elements.remove([undone(pinhole(1))])), 'EPERM -');
  });
  assert.equal(outcome(elements.commit([pinhole(1)])), 'ok');
});

failureTest(
  'without descriptors opening throws, and a commit that has lost its socket says so',
  'destroy',
  (elements) => {
    const before = openDescriptors();
    elements.close();
    withoutFreeDescriptors(() => {
      assert.equal(outcome(elements.commit([pinhole(1)])), 'EMFILE -');
      assert.throws(() => SetElements.open('walls'), new SysError('socket', 'EMFILE'));
    });
    assert.equal(openDescriptors(), before - 1);
    assert.equal(outcome(elements.commit([pinhole(1)])), 'ok');
  },
);
