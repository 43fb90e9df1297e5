// How do tests run other programs and leave none behind? Each program gets a process group of its own, is awaited by
// what it prints or by its port, and is ended by its own id; ended means that all it started is gone.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isListening } from './sockets.ts';

export interface ProgramOptions {
  readonly cwd?: string;
  /** Added to a minimal environment (the system's PATH, no HOME, C.UTF-8); nothing of the caller's leaks in. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed. */
  readonly input?: string | Uint8Array;
  /** The network namespace to run in, by its name (ip-netns(8)); the test's own where it is left out. */
  readonly network?: string | undefined;
}

export interface Finished {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Both streams as they came, octets as latin1. */
  readonly output: string;
}

/** A hung peer must fail its own test and not the whole run; no operation of ours takes a quarter of this. */
const finishTimeoutMs = 60_000;
const readyTimeoutMs = 15_000;
const endTimeoutMs = 5_000;

/** Groups that may have living members; should this process end early, they end with it. */
const liveGroups = new Set<number>();
process.on('exit', () => {
  signalAll(
    [...liveGroups].map((group) => -group),
    'SIGKILL',
  );
});
process.once('SIGTERM', () => process.exit(143));
process.once('SIGINT', () => process.exit(130));

export class RunningProgram {
  readonly name: string;
  readonly pid: number;
  readonly finished: Promise<Finished>;
  #output = '';
  #onOutput: (() => void)[] = [];

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.pid = child.pid ?? 0;
    const onData = (octets: Buffer): void => {
      this.#output += octets.toString('latin1');
      this.#tell();
    };
    child.stdout?.on('data', onData);
    child.stderr?.on('data', onData);
    this.finished = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, output: this.#output });
        this.#tell();
      });
    });
  }

  /** Everything printed so far, octets as latin1. */
  get output(): string {
    return this.#output;
  }

  /** Resolves with the first match in the output; rejects when the program ends or stays silent for too long. */
  async printed(pattern: RegExp, timeoutMs = readyTimeoutMs): Promise<RegExpExecArray> {
    let over = '';
    const timer = setTimeout(() => {
      over = 'took too long';
      this.#tell();
    }, timeoutMs);
    void this.finished.then(() => {
      over = 'ended';
    });
    try {
      for (;;) {
        const found = pattern.exec(this.#output);
        if (found) return found;
        if (over !== '') throw new Error(`${this.name} ${over} before it printed ${pattern}:\n${this.#output}`);
        await new Promise<void>((resolve) => this.#onOutput.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal to the program alone. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /**
   * Ends the program with all that it has started, and resolves when they are gone; by SIGKILL when asked for or when
   * SIGTERM does not do.
   */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<Finished> {
    const family = await familyOf(this.pid);
    signalAll(family, signal);
    if (!(await areGone(family))) {
      signalAll(family, 'SIGKILL');
      if (!(await areGone(family))) throw new Error(`${this.name} cannot be ended: ${family.join(' ')}`);
    }
    liveGroups.delete(this.pid);
    return this.finished;
  }

  #tell(): void {
    const waiting = this.#onOutput;
    this.#onOutput = [];
    for (const resolve of waiting) resolve();
  }
}

/** Starts a program in a group of its own; rejects when it cannot be started at all. */
export async function startProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<RunningProgram> {
  // nsenter becomes the program, so the process that we know by its id is the program itself.
  const inside = options.network === undefined ? [] : ['nsenter', `--net=/run/netns/${options.network}`];
  const [executable = command, ...words] = [...inside, command, ...args];
  const child = spawn(executable, words, {
    detached: true,
    cwd: options.cwd,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/nonexistent',
      LC_ALL: 'C.UTF-8',
      ...options.env,
    },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const program = new RunningProgram(command, child);
  if (child.pid !== undefined) liveGroups.add(child.pid);
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  // A program may end without reading its input: what it printed then tells more than our EPIPE.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input);
  return program;
}

/** Runs a program to its end, whatever its exit code; on a time-out it is ended and the promise rejects. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Finished> {
  const program = await startProgram(command, args, options);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void program.end('SIGKILL');
  }, finishTimeoutMs);
  const finished = await program.finished;
  clearTimeout(timer);
  // Also what it may have left in the background.
  await program.end('SIGKILL');
  if (late) throw new Error(`${command} ${args.join(' ')} did not finish:\n${finished.output}`);
  return finished;
}

/** Resolves once somebody listens there in the program's network; rejects when `program` ends first or time runs out. */
export async function portOpen(host: string, port: number, program: RunningProgram): Promise<void> {
  let ended = false;
  void program.finished.then(() => {
    ended = true;
  });
  const deadline = Date.now() + readyTimeoutMs;
  while (!(await isListening(program.pid, { host, port }))) {
    if (ended || Date.now() > deadline)
      throw new Error(`${program.name} does not listen on ${host} ${port}:\n${program.output}`);
    await delay(10);
  }
}

/**
 * The living processes of a program: its group, and all descendants outside of it, since vsftpd gives each session a group of
 * its own. Zombies that a lazy pid 1 has not collected do not count.
 */
export async function familyOf(pid: number): Promise<number[]> {
  const processes = await livingProcesses();
  const family = new Set(processes.filter((one) => one.group === pid).map((one) => one.pid));
  for (let before = -1; before !== family.size; ) {
    before = family.size;
    for (const one of processes) if (family.has(one.parent)) family.add(one.pid);
  }
  return [...family];
}

async function livingProcesses(): Promise<{ pid: number; parent: number; group: number }[]> {
  const found: { pid: number; parent: number; group: number }[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => '');
    // proc(5): pid (comm) state ppid pgrp …; comm may itself hold blanks and parentheses.
    const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (stat !== '' && state !== 'Z') found.push({ pid: Number(entry), parent: Number(parent), group: Number(group) });
  }
  return found;
}

async function areGone(family: readonly number[]): Promise<boolean> {
  const deadline = Date.now() + endTimeoutMs;
  while ((await livingProcesses()).some(({ pid }) => family.includes(pid))) {
    if (Date.now() > deadline) return false;
    await delay(10);
  }
  return true;
}

/** To single processes, or with a negative id to a group; one that is gone already is no fault. */
function signalAll(ids: readonly number[], signal: NodeJS.Signals): void {
  for (const id of ids) {
    try {
      process.kill(id, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}
