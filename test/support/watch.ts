// What is a process, or a counter, doing right now? For bounds on memory, and for states that come about by themselves.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * How long one step of a test may wait for what the machine decides: a reply, readiness, a state. It is no measure of
 * anything and costs nothing where all is well; it is so long that only what never comes exceeds it, on a machine at
 * a tenth of the usual speed too.
 */
export const patienceMs = 120_000;

const pollMs = 20;
/** To look may take a program, as `nft list`: most of the time is for what is looked at. */
const pollRest = 4;
/** What is full has nothing left to do. No process waits so long for its turn, however many share its processor. */
const quietMs = 2_000;

/** Resident memory of a process in octets (proc(5): VmRSS). */
export async function residentOctets(pid: number): Promise<number> {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'latin1')) ?? [];
  if (kib === undefined) throw new Error(`no VmRSS of ${pid}`);
  return Number(kib) * 1024;
}

/** Resolves once `read` gives `wanted`; rejects, naming what it gave last, when that takes too long. */
export async function becomes<T>(read: () => T | Promise<T>, wanted: T): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const begun = Date.now();
    const value = await read();
    if (value === wanted) return;
    const now = Date.now();
    if (now > deadline) assert.equal(value, wanted);
    await delay(Math.max(pollMs, pollRest * (now - begun)));
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
