// What is a process, or a counter, doing right now? For bounds on memory, and for states that come about by themselves.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** For a whole suite: a peer that hangs must fail its own tests and not hold up the run. */
export const suiteTimeoutMs = 60_000;

const patienceMs = 10_000;
const pollMs = 20;
/** A full pipe on loopback has nothing left to do for longer than any pause of its two ends. */
const quietMs = 400;

/** Resident memory of a process in octets (proc(5): VmRSS). */
export async function residentOctets(pid: number): Promise<number> {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'latin1')) ?? [];
  if (kib === undefined) throw new Error(`no VmRSS of ${pid}`);
  return Number(kib) * 1024;
}

/** Resolves once `read` gives `wanted`; rejects, naming what it gave last, when that takes too long. */
export async function becomes<T>(read: () => T | Promise<T>, wanted: T): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (let value = await read(); value !== wanted; value = await read()) {
    if (Date.now() > deadline) assert.equal(value, wanted);
    await delay(pollMs);
  }
}

/** Resolves with a number that has come to rest: what fills up is full, and nothing moves any more. */
export async function atRest(read: () => number): Promise<number> {
  for (;;) {
    const before = read();
    await delay(quietMs);
    if (read() === before) return before;
  }
}
