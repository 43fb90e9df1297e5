// What does a gateway weigh? Its memory with 5,000 idle logged-in sessions, and whether it holds 10,000 at once.
// PSS, of a gateway that was started for this: memory that an earlier load left behind is another question.
// The kernel's socket buffers and page tables belong to no process and are not in it.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cell, failedCell } from './cell.ts';
import { hold } from './generator.ts';
import { purgeTimeWait } from './lab.ts';
import { type Figure, idleRow } from './rows.ts';
import { gatewayProcessor, type Stage } from './stage.ts';
import { sessionsPossible, startTarget, stopTarget, type TargetName } from './targets.ts';

const weighedSessions = 5_000;
const heldSessions = 10_000;

export async function measureIdle(stage: Stage, round: number, target: TargetName): Promise<Cell> {
  purgeTimeWait(stage.lab);
  const gateway = await startTarget(target, { ...stage, processors: gatewayProcessor, engines: 1 });
  const pid = gateway.process?.pid;
  const faults: Record<string, number> = {};
  const figures: Figure[] = [];
  try {
    figures.push({ name: 'memory, no session', unit: 'MiB', value: await settledMebibytes(pid) });
    const weighed = await hold(stage.generator, gateway.server, weighedSessions);
    figures.push({ name: 'memory, 5,000 sessions', unit: 'MiB', value: await settledMebibytes(pid) });
    Object.assign(faults, (await weighed.release()).faultKinds);
    // Where descriptors are short, as many as they allow: how the gateway behaves beyond them is a question for a test.
    const held = await hold(stage.generator, gateway.server, Math.min(heldSessions, sessionsPossible(target)));
    figures.push({ name: 'held at once, 10,000 wanted', unit: 'sessions', value: held.held });
    figures.push({ name: 'memory with those', unit: 'MiB', value: await settledMebibytes(pid) });
    Object.assign(faults, (await held.release()).faultKinds);
    return { round, row: idleRow.id, target, figures, faults };
  } catch (error) {
    return failedCell(round, idleRow, target, error);
  } finally {
    await stopTarget(gateway);
  }
}

const settleMs = 500;
const settleTurnsMax = 20;

/** Memory once it changes by less than 1 % in half a second: a garbage collector ends its work after the load. */
async function settledMebibytes(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  let before = proportionalMebibytes(pid);
  for (let turn = 0; turn < settleTurnsMax; turn++) {
    await delay(settleMs);
    const now = proportionalMebibytes(pid);
    if (Math.abs(now - before) < before / 100) return now;
    before = now;
  }
  return before;
}

function proportionalMebibytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  if (match === null) throw new Error(`no Pss in /proc/${pid}/smaps_rollup`);
  return Number(match[1]) / 1024;
}
