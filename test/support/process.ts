// How do tests run other programs and leave none behind? Each program gets a process group of its own, is awaited by
// what it prints or by its port, and is ended by its own id; ended means that all it started is gone.

import { type ChildProcess, spawn } from 'node:child_process';
import { areGone, familyOf, signalAll } from './family.ts';
import { isListening } from './sockets.ts';
import { becomes, patienceMs } from './watch.ts';

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

/** A client's whole errand is many steps: a gibioctet each way, or 200 files one after another, on a slow machine. */
const finishTimeoutMs = 5 * patienceMs;
/** What does not end by SIGTERM within this is killed. Nothing fails by it, so it is short: a gateway may drain. */
const graceMs = 5_000;

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

  /**
   * Resolves with the first match in the output, or in what follows its first `from` octets; rejects when the program
   * ends or stays silent for too long.
   */
  async printed(pattern: RegExp, { from = 0, timeoutMs = patienceMs } = {}): Promise<RegExpExecArray> {
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
        const found = pattern.exec(this.#output.slice(from));
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
    const family = familyOf(this.pid);
    signalAll(family, signal);
    if (signal === 'SIGKILL' || !(await areGone(family, graceMs))) {
      signalAll(family, 'SIGKILL');
      if (!(await areGone(family, patienceMs))) throw new Error(`${this.name} cannot be ended: ${family.join(' ')}`);
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

/**
 * Resolves once somebody listens there in the program's network; rejects when `program` ends first or time runs out.
 */
export async function portOpen(host: string, port: number, program: RunningProgram): Promise<void> {
  let ended = false;
  void program.finished.then(() => {
    ended = true;
  });
  await becomes(async () => {
    if (await isListening(program.pid, { host, port })) return 'open';
    const why = `${program.name} does not listen on ${host} ${port}:\n${program.output}`;
    if (ended) throw new Error(why);
    return why;
  }, 'open');
}
