// In which order are cells measured? Row by row, every target right after the other, and that round by round: what
// disturbs the machine for a while then disturbs all targets of a row alike, and ratios within a round stay fair.
// The rule: no cell waits behind a gateway that has ended, and one target's failure leaves the others' cells whole.

import { bystanderRows, measureBystander } from './bystander.ts';
import { type Cell, failedCell, measureCell } from './cell.ts';
import { measureEngines } from './engines.ts';
import { measure } from './generator.ts';
import { measureIdle } from './idle.ts';
import { hasExited, logTail } from './process.ts';
import { enginesRow, idleRow, type Row, type WindowRow, windowRows } from './rows.ts';
import { gatewayProcessor, type Stage } from './stage.ts';
import { type Gateway, inKernel, startTarget, stopTarget, type TargetName } from './targets.ts';

export interface Plan {
  readonly targets: readonly TargetName[];
  /** Rows whose id matches are measured. */
  readonly rows: RegExp;
}

/** Measures every planned cell once and tells each as soon as it is done. */
export async function runRound(stage: Stage, round: number, plan: Plan, tell: (cell: Cell) => void): Promise<void> {
  const wanted = (row: Row) => plan.rows.test(row.id);
  const targets = rotate(plan.targets, round);
  const [first, ...others] = windowRows.filter(wanted);
  if (first !== undefined) {
    for (const group of groupsOf(targets)) await runWindowRows(stage, round, [first, ...others], group, tell);
  }
  if (wanted(idleRow)) for (const target of targets) tell(await measureIdle(stage, round, target));
  for (const row of bystanderRows.filter(wanted)) {
    if (targets.includes('portcullis')) tell(await measureBystander(stage, round, row, 'portcullis'));
  }
  const withEngines = targets.filter((target) => target === 'haproxy' || target === 'portcullis');
  if (wanted(enginesRow)) for (const target of withEngines) tell(await measureEngines(stage, round, target));
}

/** Targets that live side by side, and each alone that puts rules into the kernel, where all others would meet them. */
function groupsOf(targets: readonly TargetName[]): readonly (readonly TargetName[])[] {
  const together = targets.filter((target) => !inKernel.includes(target));
  return [together, ...targets.filter((target) => inKernel.includes(target)).map((target) => [target])];
}

async function runWindowRows(
  stage: Stage,
  round: number,
  [first, ...others]: readonly [WindowRow, ...WindowRow[]],
  targets: readonly TargetName[],
  tell: (cell: Cell) => void,
): Promise<void> {
  const gateways: Gateway[] = [];
  for (const target of targets) {
    try {
      gateways.push(await startWarm(stage, target));
    } catch (error) {
      // Told once, at the row where it shows; a target that does not start has no other cells in this round.
      tell(failedCell(round, first, target, error));
    }
  }
  for (const row of [first, ...others]) {
    for (const gateway of gateways) tell(await measureLiving(stage, round, row, gateway));
  }
  for (const gateway of gateways) await stopTarget(gateway);
}

/**
 * A gateway that has served for some seconds: a just-in-time compiler's first moments are no gateway's speed, and it
 * shares its one processor with what it compiles.
 */
async function startWarm(stage: Stage, target: TargetName): Promise<Gateway> {
  const gateway = await startTarget(target, { ...stage, processors: gatewayProcessor, engines: 1 });
  if (gateway.process !== undefined) {
    await measure(stage.generator, gateway.server, { work: 'login', sessions: 16 }, 3, []);
    await measure(stage.generator, gateway.server, { work: 'retr', sessions: 16, size: 1024 }, 3, []);
  }
  return gateway;
}

async function measureLiving(stage: Stage, round: number, row: WindowRow, gateway: Gateway): Promise<Cell> {
  const running = gateway.process;
  if (running !== undefined && hasExited(running)) {
    return failedCell(round, row, gateway.name, new Error(`the gateway has ended: ${logTail(running)}`));
  }
  return measureCell(stage, round, row, gateway).catch((error) => failedCell(round, row, gateway.name, error));
}

/** Each round begins with another target, so that none always comes after the same one. */
function rotate<T>(list: readonly T[], by: number): readonly T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
