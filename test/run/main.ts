// Runs test files, some at a time, and tells of each as it ends: result, time, file, and how far it all is. A file
// that failed prints its failures at once; everything that a file prints is in its log.
//
//   main.ts NAME AT-ONCE PATH...     the paths are test files, or folders with *.test.ts; each file runs once, where it
//                                    is named first
//
// Its last line is the summary, which is also NAME.summary beside the logs. The exit code is 0 only if every file
// passed.

import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printEnd, printSummary } from './report.ts';
import { endAll, type FileEnd, runTestFile } from './test-file.ts';

const logs = '.cache/test-logs';
/** Longer than any step of a test may take (support/), and so long that only what hangs is silent for it. */
const silenceMs = 900_000;
const graceMs = 30_000;

const [name = '', atOnce = '', ...paths] = process.argv.slice(2);
if (paths.length === 0 || !(Number(atOnce) >= 1)) {
  console.error('usage: main.ts NAME AT-ONCE PATH...');
  process.exit(2);
}

const files = [...new Set(paths.flatMap(testFilesAt))];
const waiting = [...files];
const ends: FileEnd[] = [];
const begun = performance.now();

for (const [signal, exitCode] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    waiting.length = 0;
    void endAll().then(() => process.exit(exitCode));
  });
}

await Promise.all(Array.from({ length: Number(atOnce) }, runWaiting));

const summary = printSummary(ends, (performance.now() - begun) / 1000);
mkdirSync(logs, { recursive: true });
writeFileSync(join(logs, `${name}.summary`), `${summary}\n`);
console.log(summary);
// A file that could not even be ended must not keep the run from ending.
process.exit(ends.every(({ result }) => result === 'passed') ? 0 : 1);

async function runWaiting(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const log = join(logs, `${file.replace(/^test\//, '').replace(/\.test\.ts$/, '')}.log`);
    const end = await runTestFile(file, { log, silenceMs, graceMs, skipsFail: process.env['CI'] === 'true' });
    ends.push(end);
    console.log(printEnd(end, ends.length, files.length));
  }
}

function testFilesAt(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return names
    .filter((each) => each.endsWith('.test.ts'))
    .map((each) => join(path, each))
    .sort();
}
