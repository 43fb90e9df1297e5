// When does a program that was started serve? Seen from outside, by what it does and not by waiting a while.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CannotRun } from './cannot-run.ts';
import { hasExited, logTail, type Running } from './process.ts';

const readyTimeoutMs = 15_000;
const pollMs = 20;

/** Until a process's log has a text, as "msg":"ready". Throws when the process ends first, or after 15 s. */
export async function untilLogged(running: Running, text: string): Promise<void> {
  await until(running, `did not log ${text}`, () => readFileSync(running.logFile, 'utf8').includes(text));
}

/** Until something listens on a TCP port in the process's network namespace. Throws as untilLogged does. */
export async function untilListening(running: Running, port: number): Promise<void> {
  // The line of a listening socket in /proc/PID/net/tcp: "0: 0100007F:0015 00000000:0000 0A …"; 0A is TCP_LISTEN.
  const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} [0-9A-F]{8}:0000 0A `);
  await until(running, `does not listen on ${port}`, () => listening.test(readNetTcp(running.pid)));
}

function readNetTcp(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/net/tcp`, 'utf8');
  } catch {
    return ''; // it has just ended, which hasExited tells better
  }
}

async function until(running: Running, otherwise: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  while (!hasExited(running) && performance.now() < deadline) {
    if (holds()) return;
    await delay(pollMs);
  }
  throw new CannotRun(`${running.name} ${hasExited(running) ? 'ended at once' : otherwise}:\n${logTail(running)}`);
}
