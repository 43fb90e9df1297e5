// How is a service loaded, and what came of it? Runs the load generator (load/generator.c) and reads its report.
// The rule: what the generator cannot vouch for is a fault in the sample, never a silently smaller number.

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CannotRun } from './cannot-run.ts';
import { logTail, type Place, type Running, startAt, untilExited } from './process.ts';

export interface Load {
  readonly work: 'retr' | 'stor' | 'login' | 'noop';
  readonly sessions: number;
  /** Octets of each file; retr and stor only. */
  readonly size?: number;
  readonly warmUpSeconds?: number;
}

/** What the generator saw in its window; see load/tally.c. */
export interface Sample {
  readonly seconds: number;
  /** Transfers, sessions or round trips that ended within the window. */
  readonly operations: number;
  readonly octets: number;
  /** PASV to first octet, connect to 230, or NOOP round trip. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Of the generator itself, then of each process named in `processorTimeOf`, in that order. */
  readonly cpuSeconds: readonly number[];
  /** Of everything on the machine. */
  readonly machineCpuSeconds: number;
  readonly faults: number;
  readonly faultKinds: Readonly<Record<string, number>>;
}

export interface Generator {
  readonly executable: string;
  readonly place: Place;
  readonly folder: string;
}

// Beside the window: gathering, warm-up, and the last transfers. A generator silent for longer is broken.
const patienceSeconds = 120;

/** Loads server (ADDRESS:PORT) for some seconds. */
export async function measure(
  generator: Generator,
  server: string,
  load: Load,
  seconds: number,
  processorTimeOf: readonly number[],
): Promise<Sample> {
  const argv = ['--work', load.work, '--sessions', `${load.sessions}`, '--seconds', `${seconds}`];
  if (load.size !== undefined) argv.push('--size', `${load.size}`);
  if (load.warmUpSeconds !== undefined) argv.push('--warmup', `${load.warmUpSeconds}`);
  for (const pid of processorTimeOf) argv.push('--cpu-of', `${pid}`);
  const { running, lines } = startGenerator(generator, server, argv);
  return parseSample(running, await nextLine(running, lines, seconds + (load.warmUpSeconds ?? 0) + patienceSeconds));
}

export interface Holding {
  /** Sessions that are logged in and idle. */
  readonly held: number;
  /** Lets them quit; the sample has only faults, such as a session that the gateway ended meanwhile. */
  readonly release: () => Promise<Sample>;
}

/** Logs sessions in and holds them idle until released. */
export async function hold(generator: Generator, server: string, sessions: number): Promise<Holding> {
  const { running, lines } = startGenerator(generator, server, ['--work', 'hold', '--sessions', `${sessions}`]);
  const first: unknown = JSON.parse(await nextLine(running, lines, patienceSeconds));
  if (!isRecord(first) || typeof first['held'] !== 'number')
    throw new Error('the generator did not say how many it holds');
  const release = async (): Promise<Sample> => {
    running.child.stdin?.end();
    return parseSample(running, await nextLine(running, lines, patienceSeconds));
  };
  return { held: first['held'], release };
}

function startGenerator(generator: Generator, server: string, argv: readonly string[]) {
  const command = [generator.executable, '--server', server, ...argv];
  const running = startAt(generator.place, command, join(generator.folder, 'generator.log'), 'pipe');
  const stdout = running.child.stdout;
  if (stdout === null) throw new Error('the generator has no stdout');
  return { running, lines: createInterface({ input: stdout })[Symbol.asyncIterator]() };
}

async function nextLine(running: Running, lines: AsyncIterator<string>, seconds: number): Promise<string> {
  const killer = setTimeout(() => running.child.kill('SIGKILL'), seconds * 1_000);
  const line = await lines.next();
  clearTimeout(killer);
  if (line.done !== true) return line.value;
  await untilExited(running);
  throw new CannotRun(`the load generator ended without a report:\n${logTail(running)}`);
}

async function parseSample(running: Running, line: string): Promise<Sample> {
  const sample: unknown = JSON.parse(line);
  if (!isSample(sample)) throw new Error(`not a report of the load generator: ${line}`);
  await untilExited(running);
  return sample;
}

function isSample(value: unknown): value is Sample {
  return isRecord(value) && typeof value['operations'] === 'number' && Array.isArray(value['cpuSeconds']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
