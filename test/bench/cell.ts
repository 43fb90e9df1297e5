// What is one measurement? A row, a target and a round, with its figures, or the reason why there are none.

import { measure, type Sample } from './generator.ts';
import { purgeTimeWait } from './lab.ts';
import type { Figure, Row, WindowRow } from './rows.ts';
import type { Stage } from './stage.ts';
import type { Gateway, TargetName } from './targets.ts';
import { watchWaySetUps } from './way-setups.ts';

export interface Cell {
  readonly round: number;
  readonly row: string;
  readonly target: TargetName;
  readonly figures: readonly Figure[];
  /** What went wrong, and how often: unexpected replies, wrong octets, stalls. */
  readonly faults: Readonly<Record<string, number>>;
  /** Processors kept busy by anything that is no part of the bench. */
  readonly foreignProcessors?: number;
}

/** Loads a gateway as the row says. TIME_WAITs of earlier cells are gone when it begins. */
export async function measureCell(stage: Stage, round: number, row: WindowRow, gateway: Gateway): Promise<Cell> {
  const endWatching = row.waySetUps === true ? watchWaySetUps(gateway) : undefined;
  purgeTimeWait(stage.lab);
  const processes = [...stage.backends.map(({ pid }) => pid), ...(gateway.process ? [gateway.process.pid] : [])];
  const sample = await measure(stage.generator, gateway.server, row.load, stage.seconds, processes);
  const gatewaySeconds = gateway.process ? (sample.cpuSeconds.at(-1) ?? 0) : 0;
  // Without one finished operation there is no rate, only the faults that tell why.
  const nothing = sample.operations === 0 && sample.octets === 0;
  const setUps = endWatching?.(sample.operations);
  const figures = nothing ? [] : [...row.figures(sample, gatewaySeconds), ...(setUps?.figures ?? [])];
  const faults = { ...sample.faultKinds, ...setUps?.faults };
  const foreignProcessors = foreign(sample);
  return { round, row: row.id, target: gateway.name, figures, faults, foreignProcessors };
}

/** The cell of a row that could not be measured at all. */
export function failedCell(round: number, row: Row, target: TargetName, error: unknown): Cell {
  const reason = error instanceof Error ? error.message : String(error);
  return { round, row: row.id, target, figures: [], faults: { [reason]: 1 } };
}

function foreign(sample: Sample): number {
  const ours = sample.cpuSeconds.reduce((sum, seconds) => sum + seconds, 0);
  return Math.max(0, sample.machineCpuSeconds - ours) / sample.seconds;
}
