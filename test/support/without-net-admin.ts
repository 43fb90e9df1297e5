// What happens to a process that lacks CAP_NET_ADMIN, shown in one that has it: capabilities(7) belong to threads, and
// what is taken out of the effective set can be put back.

import assert from 'node:assert/strict';
import koffi from 'koffi';

const process = koffi.load(null);
const capget = process.func('int capget(void *, void *)');
const capset = process.func('int capset(void *, const void *)');

const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const CAP_NET_ADMIN = 12;

/** Runs `body` on this thread without the right. */
export function withoutNetAdmin(body: () => void): void {
  const header = new Uint8Array(Uint32Array.of(LINUX_CAPABILITY_VERSION_3, 0).buffer);
  // Twice effective, permitted, inheritable, 32 capabilities each.
  const sets = new Uint32Array(6);
  assert.equal(capget(header, new Uint8Array(sets.buffer)), 0);
  const fewer = sets.slice();
  fewer[0]! &= ~(1 << CAP_NET_ADMIN);
  assert.equal(capset(header, new Uint8Array(fewer.buffer)), 0);
  try {
    body();
  } finally {
    assert.equal(capset(header, new Uint8Array(sets.buffer)), 0);
  }
}
