// npm run bench: how fast is the gateway, beside plain forwarding and HAProxy, on this machine?
// Builds the lab, runs interleaved rounds, prints a line per cell and a table, and writes both to --out.
// The rule: however it ends, no namespace, process or file on tmpfs stays. Exit: 0, 1 when a cell had a fault, 2 when
// it cannot run here.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotRun } from './cannot-run.ts';
import type { Cell } from './cell.ts';
import { cleanUp } from './clean-up.ts';
import { descriptorsMax } from './descriptors.ts';
import { describeMachine } from './machine.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { requirePrerequisites } from './prerequisites.ts';
import { killAll } from './process.ts';
import { type Results, renderProgress, renderReport } from './report.ts';
import { runRound } from './rounds.ts';
import { clearStage, setStage } from './stage.ts';

const repository = join(import.meta.dirname, '../..');
const executable = join(repository, 'dist/main.js');
const cacheFolder = join(repository, '.cache/bench');

async function run(options: Options): Promise<number> {
  requirePrerequisites(options.targets, executable);
  process.stdout.write(`each process may have ${descriptorsMax().toLocaleString('en')} descriptors\n`);
  const stage = await setStage(executable, options.seconds, cacheFolder);
  const cells: Cell[] = [];
  const { targets, seconds } = options;
  const about = { startedAt: new Date().toISOString(), machine: describeMachine(repository), seconds, targets };
  for (let round = 0; round < options.rounds; round++) {
    await runRound(stage, round, options, (cell) => {
      cells.push(cell);
      process.stdout.write(`${renderProgress(cell)}\n`);
    });
    writeResults(options.out, { ...about, rounds: round + 1, cells });
  }
  await clearStage(stage);
  process.stdout.write(`\n${renderReport({ ...about, rounds: options.rounds, cells })}\n`);
  return cells.some(({ faults }) => Object.keys(faults).length > 0) ? 1 : 0;
}

/** After every round, so that a run that is cut short leaves what it has. */
function writeResults(folder: string, results: Results): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(join(folder, 'results.md'), `${renderReport(results)}\n`);
}

function undoAll(): void {
  killAll();
  cleanUp();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
process.once('exit', undoAll);

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(usage);
  else process.exitCode = await run(options);
} catch (error) {
  process.stderr.write(
    error instanceof CannotRun ? `${error.message}\n` : `${error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = 2;
}
// After a failure, programs may still run: the exit handler ends them.
process.exit();
