// What do tests transfer, and how do they know that it arrived? Octets from a seed, compared by SHA-256 at both ends.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

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

/** SHA-256 of a file, in hex. */
export async function checksum(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
