// What do tests transfer, and how do they know that it arrived? Octets from a seed, compared by SHA-256 at both ends.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** The same octets for the same seed, with no period that a lost or doubled segment could hide in. */
export function octetsFrom(seed: number, count: number): Buffer {
  const octets = Buffer.alloc(count);
  let state = seed | 1;
  for (let at = 0; at < count; at += 1) {
    state = scrambled(state);
    octets[at] = state & 255;
  }
  return octets;
}

/** The state after this one, which is not 0: Marsaglia's xorshift32, period 2^32 - 1. */
export function scrambled(state: number): number {
  let next = state;
  next ^= next << 13;
  next ^= next >>> 17;
  next ^= next << 5;
  return next;
}

/** One for all: new memory for each of some thousand files would cost more than reading them. */
const piece = Buffer.allocUnsafeSlow(1024 * 1024);

/** SHA-256 of a file, in hex. Others have their turn between pieces: a file may be a gibibyte. */
export async function checksum(file: string): Promise<string> {
  const hash = createHash('sha256');
  const descriptor = openSync(file, 'r');
  try {
    for (;;) {
      const count = readSync(descriptor, piece);
      hash.update(piece.subarray(0, count));
      if (count < piece.length) return hash.digest('hex');
      await new Promise(setImmediate);
    }
  } finally {
    closeSync(descriptor);
  }
}
