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
import { type Gateway, sessionsPossible, startTarget, stopTarget, type TargetName } from './targets.ts';

const weighedSessions = 5_000;
const heldSessions = 10_000;

export async function measureIdle(stage: Stage, round: number, target: TargetName): Promise<Cell> {
  purgeTimeWait(stage.lab);
  try {
    const gateway = await startTarget(target, { ...stage, processors: gatewayProcessor, engines: 1 });
    try {
      return await weigh(stage, round, gateway);
    } finally {
      await stopTarget(gateway);
    }
  } catch (error) {
    return failedCell(round, idleRow, target, error);
  }
}

async function weigh(stage: Stage, round: number, gateway: Gateway): Promise<Cell> {
  const pid = gateway.process?.pid;
  const bare = await settledMebibytes(pid);
  const weighed = await hold(stage.generator, gateway.server, weighedSessions);
  const loaded = await settledMebibytes(pid);
  const weighedFaults = (await weighed.release()).faultKinds;
  // Where descriptors are short, as many as they allow: how the gateway behaves beyond them is a question for a test.
  const held = await hold(stage.generator, gateway.server, Math.min(heldSessions, sessionsPossible(gateway.name)));
  const full = await settledMebibytes(pid);
  const heldFaults = (await held.release()).faultKinds;
  const figures: readonly Figure[] = [
    { name: 'memory, no session', unit: 'MiB', value: bare },
    { name: 'memory, 5,000 sessions', unit: 'MiB', value: loaded },
    { name: 'held at once, 10,000 wanted', unit: 'sessions', value: held.held },
    { name: 'memory with those', unit: 'MiB', value: full },
  ];
  return { round, row: idleRow.id, target: gateway.name, figures, faults: { ...weighedFaults, ...heldFaults } };
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
