// How does a program run at its place in the lab? In a network namespace, on chosen processors, as one process whose id
// is the child's id: every wrapper (nsenter, taskset, prlimit) replaces itself by the next.
// The rule: no process outlives the run; each is ended by its own id.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { CannotRun } from './cannot-run.ts';
import { descriptorsMax } from './descriptors.ts';

/** Where a program runs: a namespace's name, and processors as taskset lists them (`0`, `0,1`). */
export interface Place {
  readonly namespace: string;
  readonly processors: string;
}

export interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly pid: number;
  readonly logFile: string;
}

// A gateway that drains has nothing to wait for once its clients are gone.
const stopTimeoutMs = 5_000;

const children = new Set<ChildProcess>();

/** Ends every process at once, without a turn of the event loop: for Ctrl-C and for the end of a run that failed. */
export function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
  for (const { pid } of children) {
    // Control groups and namespaces can be removed when nothing lives in them; a zombie does not.
    for (let turn = 0; turn < 200 && pid !== undefined && isAlive(pid); turn++) Atomics.wait(clock, 0, 0, 5);
  }
}

const clock = new Int32Array(new SharedArrayBuffer(4));

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Starts a program. Its stderr goes to logFile; its stdout too, unless the caller talks with it over pipes. */
export function startAt(
  place: Place,
  argv: readonly string[],
  logFile: string,
  stdout: 'log' | 'pipe' = 'log',
): Running {
  const log = openSync(logFile, 'w');
  const nofile = `--nofile=${descriptorsMax()}:${descriptorsMax()}`;
  const wrapped = [
    `--net=/run/netns/${place.namespace}`,
    'taskset',
    '-c',
    place.processors,
    'prlimit',
    nofile,
    ...argv,
  ];
  const child = spawn('nsenter', wrapped, { stdio: stdout === 'log' ? ['ignore', log, log] : ['pipe', 'pipe', log] });
  closeSync(log);
  children.add(child);
  child.once('exit', () => children.delete(child));
  if (child.pid === undefined) throw new CannotRun('nsenter could not be started');
  return { name: argv[0] ?? '', child, pid: child.pid, logFile };
}

export function hasExited(running: Running): boolean {
  return running.child.exitCode !== null || running.child.signalCode !== null;
}

export async function untilExited(running: Running): Promise<void> {
  if (!hasExited(running)) await once(running.child, 'exit');
}

/** SIGTERM, and SIGKILL after 5 s; returns when the process is gone. */
export async function stop(running: Running): Promise<void> {
  const killer = setTimeout(() => running.child.kill('SIGKILL'), stopTimeoutMs);
  running.child.kill('SIGTERM');
  await untilExited(running);
  clearTimeout(killer);
}

/** Moves a running process with all its threads to other processors. */
export function setProcessors(running: Running, processors: string): void {
  spawnSync('taskset', ['-a', '-c', '-p', processors, `${running.pid}`], { stdio: 'ignore' });
}

/** The end of what a process logged, for messages about its failure. */
export function logTail(running: Running): string {
  return readFileSync(running.logFile, 'utf8').slice(-1_000).trim() || '(it logged nothing)';
}
