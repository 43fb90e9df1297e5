// Do two engines carry twice as much as one? The gateway and its load share two processors here, so neither may have
// one to itself: every thread of the gateway is held to 40 % of a processor. One engine is then at its limit with 0.4
// of a processor, two with 0.8, and the generator and the backend have the 1.2 that remain, more than they need.
// The rule: what is compared is the same gateway under the same cap; the absolute rates mean nothing.

import { type Cell, failedCell, measureCell } from './cell.ts';
import { setProcessors } from './process.ts';
import { capThreads } from './processor-cap.ts';
import { enginesRow, type Figure } from './rows.ts';
import { bothProcessors, loadProcessor, type Stage } from './stage.ts';
import { startTarget, stopTarget, type TargetName } from './targets.ts';

const processorShare = 0.4;

/** One cell: the rate with one engine, with two, and their ratio. Not for `direct`, which has no engines. */
export async function measureEngines(stage: Stage, round: number, target: TargetName): Promise<Cell> {
  for (const backend of stage.backends) setProcessors(backend, bothProcessors);
  const place = { ...stage.generator.place, processors: bothProcessors };
  const shared = { ...stage, generator: { ...stage.generator, place } };
  try {
    const one = await measureWith(shared, round, target, 1);
    const two = await measureWith(shared, round, target, 2);
    const [rateOfOne, rateOfTwo] = [rateOf(one), rateOf(two)];
    const figures: Figure[] = [
      { name: '1 engine', unit: 'transfers/s', value: rateOfOne },
      { name: '2 engines', unit: 'transfers/s', value: rateOfTwo },
      { name: '2 engines ÷ 1 engine', unit: '', value: rateOfTwo / rateOfOne },
    ];
    return { round, row: enginesRow.id, target, figures, faults: { ...one.faults, ...two.faults } };
  } catch (error) {
    return failedCell(round, enginesRow, target, error);
  } finally {
    for (const backend of stage.backends) setProcessors(backend, loadProcessor);
  }
}

async function measureWith(stage: Stage, round: number, target: TargetName, engines: number): Promise<Cell> {
  const gateway = await startTarget(target, { ...stage, processors: bothProcessors, engines });
  const removeCap = gateway.process === undefined ? () => {} : capThreads(gateway.process.pid, processorShare);
  try {
    return await measureCell(stage, round, enginesRow, gateway);
  } finally {
    await stopTarget(gateway);
    removeCap();
  }
}

function rateOf(cell: Cell): number {
  const rate = cell.figures.find(({ name }) => name === 'rate');
  if (rate === undefined) throw new Error(`no transfer ended: ${Object.keys(cell.faults).join('; ')}`);
  return rate.value;
}
