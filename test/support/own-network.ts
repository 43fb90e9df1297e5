// A network namespace for a test file of its own, so that tables, addresses and sysctls of a test never touch the
// machine's. unshare(2) moves only the calling thread; its later children (processes and workers) are born in the
// namespace, which is gone with the last of them. node:test runs each file in a process of its own, so call this at the
// head of the file, before any socket is made; not in a process that does anything else.

import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import koffi from 'koffi';

const CLONE_NEWNET = 0x40000000;

/**
 * Moves this thread into a new namespace with `lo` up. False where that was done, otherwise why not: the reason to
 * skip; throws instead where CI=true.
 */
export function whyNoOwnNetwork(): string | false {
  if (process.env['PORTCULLIS_TEST_FAST'] === '1') return 'left out by npm run test:fast';
  const before = namespace();
  const unshare = koffi.load(null).func('int unshare(int)');
  if (unshare(CLONE_NEWNET) !== 0) return unavailable('a network namespace needs root');
  if (namespace() === before) throw new Error('unshare(CLONE_NEWNET) has changed nothing');
  const { status, stderr, error } = spawnSync('ip', ['link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  return status === 0 ? false : unavailable(`ip link set lo up: ${error?.message ?? stderr}`);
}

function unavailable(reason: string): string {
  if (process.env['CI'] === 'true') throw new Error(`CI=true, and yet: ${reason}`);
  return reason;
}

/** Of this thread. */
function namespace(): string {
  return readlinkSync('/proc/thread-self/ns/net');
}
