// How does one test file end? It runs in a process of its own, as long as it likes, while something happens in it: a
// test that begins or ends. Where nothing has happened for too long it hangs, and is ended with everything that it
// has started.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { areGone, familyOf, signalAll } from '../support/family.ts';
import type { Told } from './teller.ts';

export interface FileEnd {
  readonly file: string;
  readonly result: 'passed' | 'FAILED';
  readonly seconds: number;
  /** Without suites. */
  readonly tests: number;
  /** The names of tests and suites that were left out. */
  readonly skipped: readonly string[];
  /** Of a file that failed, what people need to read. */
  readonly complaint: string;
}

export interface Manner {
  /** Where all goes that the file prints. */
  readonly log: string;
  /** For so long nothing may happen. */
  readonly silenceMs: number;
  /** Time to clean up, for a file that is told to end. */
  readonly graceMs: number;
  /** Whether a test that was left out is a failure. */
  readonly skipsFail: boolean;
}

const teller = new URL('teller.ts', import.meta.url).href;
const loader = import.meta.resolve('tsx');
/** How to end each file that runs. */
const running = new Set<() => Promise<void>>();

/** Ends the files that run, with all that they have started; for a runner that is told to end. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((end) => end()));
}

export async function runTestFile(file: string, { log, silenceMs, graceMs, skipsFail }: Manner): Promise<FileEnd> {
  const begun = performance.now();
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'w');
  const reporters = ['spec', teller].flatMap((one) => [`--test-reporter=${one}`, '--test-reporter-destination=stdout']);
  const child = spawn(process.execPath, ['--import', loader, ...reporters, file], {
    stdio: ['ignore', output, output, 'ipc'],
    // A group of its own: what is left of it can be found.
    detached: true,
  });
  closeSync(output);
  await once(child, 'spawn');
  const pid = child.pid!;
  const end = (): Promise<void> => endFamily(pid, graceMs);
  running.add(end);

  const tests = new Tests();
  let hung = '';
  let ending: Promise<void> | undefined;
  const silence = setTimeout(() => {
    hung = `Nothing has happened for ${silenceMs / 1000} s in: ${tests.underWay.join(', ') || 'the file itself'}\n`;
    ending = end();
  }, silenceMs);
  child.on('message', (told: Told) => {
    silence.refresh();
    tests.hear(told);
  });
  // The last messages may come after the process has gone.
  const [[exitCode, signal]] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  clearTimeout(silence);
  await ending;
  running.delete(end);

  const reasons = [
    hung,
    hung === '' && exitCode !== 0 ? `ended with ${signal ?? `exit code ${exitCode}`}\n` : '',
    tests.count === 0 && tests.skipped.length === 0 ? 'has no tests\n' : '',
    skipsFail && tests.skipped.length > 0 ? `CI=true, and yet skipped: ${tests.skipped.join(', ')}\n` : '',
  ].join('');
  return {
    file,
    result: reasons === '' ? 'passed' : 'FAILED',
    seconds: (performance.now() - begun) / 1000,
    tests: tests.count,
    skipped: tests.skipped,
    complaint: reasons === '' ? '' : `${reasons}${await failuresIn(log)}\nAll of it: ${log}`,
  };
}

/** What a file has told so far. */
class Tests {
  count = 0;
  readonly skipped: string[] = [];
  /** Those that have begun and not ended, the outermost first. */
  readonly underWay: string[] = [];

  hear(told: Told): void {
    if (told.kind === 'begun') {
      this.underWay.push(told.name);
      return;
    }
    const at = this.underWay.lastIndexOf(told.name);
    if (at >= 0) this.underWay.splice(at, 1);
    if (told.outcome === 'skipped') this.skipped.push(told.name);
    else if (told.outcome !== 'suite') this.count += 1;
  }
}

/** By SIGTERM, upon which a file removes what it has built; what is left after that, by SIGKILL. */
async function endFamily(pid: number, graceMs: number): Promise<void> {
  const family = familyOf(pid);
  signalAll([pid], 'SIGTERM');
  await areGone([pid], graceMs);
  const left = [...new Set([...family, ...familyOf(pid)])];
  signalAll(left, 'SIGKILL');
  await areGone(left, graceMs);
}

/** The part of a log that names each failure; all of it where the file broke off. */
async function failuresIn(log: string): Promise<string> {
  const text = await readFile(log, 'utf8');
  const at = text.indexOf('✖ failing tests:');
  return at < 0 ? text : text.slice(at);
}
