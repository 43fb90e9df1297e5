// Where does an end-to-end test live, and does it leave everything as it was? In a lab: loopback addresses and a folder
// that nobody else uses, and the programs started in it. Closing the lab ends them, and then counts: a process, a
// socket or a file that is still there is an error.

import { existsSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { familyOf } from './family.ts';
import { type ProgramOptions, type RunningProgram, startProgram } from './process.ts';
import { openSockets, type SocketEnd } from './sockets.ts';
import { patienceMs } from './watch.ts';

export type LabEndpoint = SocketEnd;

/** The process that opened it stands in a lab's name. */
const namePattern = /^portcullis-lab-(\d+)-/;

/** Folders of labs that are not closed yet; should this process end early, they go with it. */
const living = new Set<string>();
process.on('exit', () => {
  for (const folder of living) rmSync(folder, { recursive: true, force: true });
});

export class Lab {
  /** Empty at first, readable for unprivileged servers, removed with the lab. */
  readonly folder: string;
  readonly #programs: RunningProgram[] = [];
  readonly #endpoints: LabEndpoint[] = [];
  readonly #closers: (() => void | Promise<void>)[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * A fresh endpoint of this lab alone. IPv4: an address of its own within 127/8. IPv6 has only ::1, so a free port
   * there.
   */
  async endpoint(family: 4 | 6 = 4): Promise<LabEndpoint> {
    for (;;) {
      const endpoint =
        family === 4
          ? { host: `127.${between(16, 250)}.${between(1, 250)}.${between(1, 250)}`, port: 2121 }
          : // Below the range from which the kernel takes ports for outgoing connections.
            { host: '::1', port: between(20_000, 32_000) };
      if (!(await isFree(endpoint))) continue;
      this.#endpoints.push(endpoint);
      return endpoint;
    }
  }

  /** A fresh folder within the lab's. */
  async makeFolder(name: string): Promise<string> {
    const folder = join(this.folder, name);
    await mkdir(folder);
    return folder;
  }

  /** Starts a program that the lab ends at the latest when it is closed. */
  async start(command: string, args: readonly string[], options?: ProgramOptions): Promise<RunningProgram> {
    const program = await startProgram(command, args, options);
    this.#programs.push(program);
    return program;
  }

  /** Runs at closing time, last added first, before the programs end. */
  onClose(closer: () => void | Promise<void>): void {
    this.#closers.push(closer);
  }

  /** Ends and removes everything, whatever of it fails; rejects, naming what is left, when not all is as before. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    const ends: (() => unknown)[] = [...this.#programs.map((program) => () => program.end()), ...this.#closers];
    for (const end of ends.reverse()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    await rm(this.folder, { recursive: true, force: true });
    living.delete(this.folder);
    if (failures.length > 0) throw new AggregateError(failures, `the lab cannot be closed: ${failures.join('; ')}`);
    const left = [...(await this.#leftProcesses()), ...(await this.#leftSockets()), ...(await leftFiles(this.folder))];
    if (left.length > 0) throw new Error(`the lab is not as it was before:\n${left.join('\n')}`);
  }

  async #leftProcesses(): Promise<string[]> {
    const left: string[] = [];
    for (const program of this.#programs) {
      for (const pid of familyOf(program.pid)) left.push(`process ${pid} of ${program.name}`);
    }
    // Whatever left its group still has the lab's folder in its command line or as its working folder.
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
      const line = await readFile(`/proc/${entry}/cmdline`, 'latin1').catch(() => '');
      if (line.includes(this.folder)) left.push(`process ${entry}: ${line.replaceAll('\0', ' ')}`);
    }
    return left;
  }

  async #leftSockets(): Promise<string[]> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const left = await openSockets(this.#endpoints);
      if (left.length === 0 || Date.now() > deadline) return left;
      await delay(10);
    }
  }
}

/** Opens a lab; `base` may be /dev/shm where files are too big for a disk. */
export async function openLab(base: string = tmpdir()): Promise<Lab> {
  await removeAbandoned(base);
  const folder = await mkdtemp(join(base, `portcullis-lab-${process.pid}-`));
  living.add(folder);
  await chmod(folder, 0o755);
  return new Lab(folder);
}

/** What a killed run has left behind. */
async function removeAbandoned(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const [, pid] = namePattern.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(join(base, name), { recursive: true, force: true });
  }
}

async function leftFiles(folder: string): Promise<string[]> {
  return readdir(folder).then(
    (names) => [`files in ${folder}: ${names.join(' ')}`],
    () => [],
  );
}

function isFree({ host, port }: LabEndpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

function between(low: number, high: number): number {
  return low + Math.floor(Math.random() * (high - low + 1));
}
