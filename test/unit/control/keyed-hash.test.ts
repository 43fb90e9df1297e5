import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedHash } from '../../../src/control/keyed-hash.ts';

// vectors_hsip32 of the reference implementation: key 00 01 … 07, message 00 01 …, of 0, 4 and 8 octets.
test('is HalfSipHash-2-4', () => {
  const hashOf = (words: readonly number[]) => {
    const octets = new Uint8Array(4);
    new DataView(octets.buffer).setUint32(0, keyedHash(0x03020100, 0x07060504, words), true);
    return Buffer.from(octets).toString('hex');
  };
  assert.equal(hashOf([]), 'a9359f5b');
  assert.equal(hashOf([0x03020100]), '2a6e4689');
  assert.equal(hashOf([0x03020100, 0x07060504]), 'd0b8848f');
});
