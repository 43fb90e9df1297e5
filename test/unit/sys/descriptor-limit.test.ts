import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { raiseDescriptorLimit } from '../../../src/sys/descriptor-limit.ts';
import * as libc from '../../../src/sys/libc.ts';

/** The soft and the hard limit as the kernel tells them. */
function limits(): { soft: number; hard: number } {
  const line = /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  assert.ok(line !== null);
  return { soft: Number(line[1]), hard: Number(line[2]) };
}

function setSoftLimit(soft: number): void {
  const limit = BigUint64Array.of(BigInt(soft), BigInt(limits().hard));
  assert.equal(libc.setrlimit(libc.RLIMIT_NOFILE, new Uint8Array(limit.buffer)), 0);
}

test('raises the soft limit to what is wanted and leaves the hard limit', () => {
  const { hard } = limits();
  setSoftLimit(100);
  assert.equal(raiseDescriptorLimit(200), 200);
  assert.deepEqual(limits(), { soft: 200, hard });
});

test('never lowers a limit', () => {
  setSoftLimit(300);
  assert.equal(raiseDescriptorLimit(150), 300);
  assert.equal(limits().soft, 300);
});

test('takes the hard limit where more is wanted than anybody may have', () => {
  const { hard } = limits();
  setSoftLimit(100);
  // More than /proc/sys/fs/nr_open lets even root ask for.
  assert.equal(raiseDescriptorLimit(2 ** 40), hard);
  assert.deepEqual(limits(), { soft: hard, hard });
});

test('above the hard limit the answer is what is in force, with the right to raise it or without', () => {
  const { hard } = limits();
  setSoftLimit(100);
  const got = raiseDescriptorLimit(hard + 1);
  assert.ok(got === hard || got === hard + 1, String(got));
  assert.equal(limits().soft, got);
});
