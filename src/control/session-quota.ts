// How many sessions are there, in all and from one client address? Counted across engines without asking anyone: the counts
// stand in memory that all threads share. Addresses are counted in two hashed tables and the smaller count is believed;
// two clients are taken for one only where both hashes meet, one chance in 4 billion for a pair.

import { type Address, octetsOfAddress } from '../address/endpoint.ts';

const slots = 65_536;

export type Admission = 'admitted' | 'total' | 'client';

export class SessionQuota {
  readonly memory: SharedArrayBuffer;
  private readonly counts: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer((1 + 2 * slots) * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.counts = new Int32Array(memory);
  }

  get total(): number {
    return Atomics.load(this.counts, 0);
  }

  /** Counts one more session, or says which bound it would break; an admitted one must be released once. */
  admit(client: Address, totalMax: number, perClientMax: number): Admission {
    if (Atomics.add(this.counts, 0, 1) >= totalMax) {
      Atomics.sub(this.counts, 0, 1);
      return 'total';
    }
    const [first, second] = slotsOf(client);
    const before = Math.min(Atomics.add(this.counts, first, 1), Atomics.add(this.counts, second, 1));
    if (before < perClientMax) return 'admitted';
    this.release(client);
    return 'client';
  }

  release(client: Address): void {
    const [first, second] = slotsOf(client);
    Atomics.sub(this.counts, first, 1);
    Atomics.sub(this.counts, second, 1);
    Atomics.sub(this.counts, 0, 1);
  }
}

/** Two independent FNV-1a hashes of the address. IPv6 clients own a /64 (RFC 6177), so that is what is counted. */
function slotsOf(client: Address): [number, number] {
  const octets = octetsOfAddress(client);
  const length = octets.length === 16 ? 8 : 4;
  let first = 0x811c9dc5;
  let second = 0x9747b28c;
  for (let i = 0; i < length; i++) {
    first = Math.imul(first ^ octets[i]!, 0x01000193);
    second = Math.imul(second ^ octets[length - 1 - i]!, 0x85ebca6b);
  }
  const fold = (hash: number) => ((hash >>> 16) ^ hash) & 0xffff;
  return [1 + fold(first), 1 + slots + fold(second)];
}
