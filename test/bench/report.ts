// What do the cells say together? Medians over the rounds, and ratios between targets of the same round, as Markdown.
// The rule: a ratio compares cells of one round only, and a fault is never left out.

import { bystanderRows } from './bystander.ts';
import type { Cell } from './cell.ts';
import { enginesRow, idleRow, type Row, windowRows } from './rows.ts';
import type { TargetName } from './targets.ts';

export interface Results {
  readonly startedAt: string;
  /** Processor, kernel and versions, for a reader on another machine. */
  readonly machine: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly targets: readonly TargetName[];
  readonly cells: readonly Cell[];
}

const rows: readonly Row[] = [...windowRows, idleRow, enginesRow, ...bystanderRows];

export function renderReport(results: Results): string {
  const { targets, cells } = results;
  const compared = comparisons.filter((pair) => pair.every((target) => targets.includes(target)));
  const header = ['row', 'figure', ...targets, ...compared.map(([of, to]) => `${of} ÷ ${to}`)];
  const body = rows.flatMap((row) =>
    figuresOf(cells, row).map(([figure, unit]) => {
      const at = { row: row.id, figure };
      const medians = targets.map((target) => format(median(valuesOf(cells, target, at))));
      const ratios = compared.map((pair) => formatRatio(median(ratiosOf(cells, pair, at))));
      return [`\`${row.id}\` ${row.title}`, unit ? `${figure}, ${unit}` : figure, ...medians, ...ratios];
    }),
  );
  return [
    '# Benchmark',
    `${results.startedAt}; ${results.machine}.`,
    `Medians of ${results.rounds} interleaved rounds, ${results.seconds} s per cell; ` +
      'ratios are medians of same-round ratios. Load and backend on one processor, the gateway on another. ' +
      'Way set-up: what opening a data path took inside the gateway, ' +
      "from its own histogram's buckets, warm-up included.",
    [header, header.map(() => '---'), ...body].map((line) => `| ${line.join(' | ')} |`).join('\n'),
    ...faultLines(cells),
    foreignLine(cells),
  ].join('\n\n');
}

// A tenth of the two processors in use: more than a desktop's or a VM's own housekeeping.
const disturbedFrom = 0.2;

/** One line for the terminal as soon as a cell is measured. */
export function renderProgress(cell: Cell): string {
  const figures = cell.figures.map(({ name, unit, value }) => `${name} ${format(value)} ${unit}`.trim());
  const faults = Object.entries(cell.faults).map(([kind, count]) => `FAULT ${count} × ${kind}`);
  const place = [`${cell.round + 1}`, cell.row.padEnd(18), cell.target.padEnd(10)];
  const busy = cell.foreignProcessors ?? 0;
  const disturbed = busy > disturbedFrom ? [`(${busy.toFixed(1)} processors were busy elsewhere)`] : [];
  return [...place, [...figures, ...faults].join(', '), ...disturbed].join(' ');
}

const comparisons: readonly (readonly [TargetName, TargetName])[] = [
  ['haproxy', 'direct'],
  ['portcullis', 'direct'],
  ['portcullis', 'haproxy'],
  ['pinholes', 'direct'],
  ['pinholes', 'helper'],
  ['pinholes', 'portcullis'],
];

interface Position {
  readonly row: string;
  readonly figure: string;
}

/** Names and units of a row's figures, in their order. */
function figuresOf(cells: readonly Cell[], row: Row): readonly (readonly [string, string])[] {
  const figures = cells.filter((cell) => cell.row === row.id).flatMap((cell) => cell.figures);
  return [...new Map(figures.map(({ name, unit }) => [name, unit]))];
}

function readFigure(cell: Cell, { row, figure }: Position): number | undefined {
  return cell.row === row ? cell.figures.find(({ name }) => name === figure)?.value : undefined;
}

function valuesOf(cells: readonly Cell[], target: TargetName, at: Position): readonly number[] {
  return cells.filter((cell) => cell.target === target).flatMap((cell) => readFigure(cell, at) ?? []);
}

function ratiosOf(
  cells: readonly Cell[],
  [of, to]: readonly [TargetName, TargetName],
  at: Position,
): readonly number[] {
  return cells
    .filter((cell) => cell.target === of)
    .flatMap((cell) => {
      const other = cells.find(({ target, round, row }) => target === to && round === cell.round && row === cell.row);
      const [value, base] = [readFigure(cell, at), other && readFigure(other, at)];
      return value === undefined || !base ? [] : [value / base];
    });
}

/** Undefined without values. */
function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

function format(value: number | undefined): string {
  if (value === undefined) return '–';
  return value === 0 ? '0' : value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function formatRatio(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(2);
}

function faultLines(cells: readonly Cell[]): readonly string[] {
  const lines = cells.flatMap((cell) =>
    Object.entries(cell.faults).map(
      ([kind, count]) => `- round ${cell.round + 1}, ${cell.row}, ${cell.target}: ${count} × ${kind}`,
    ),
  );
  return lines.length === 0 ? [] : ['## Faults', lines.join('\n')];
}

function foreignLine(cells: readonly Cell[]): string {
  const busy = cells.flatMap(({ foreignProcessors }) => foreignProcessors ?? []);
  if (busy.length === 0) return '';
  const mean = busy.reduce((sum, value) => sum + value, 0) / busy.length;
  const most = Math.max(...busy).toFixed(2);
  return `Processors kept busy by anything else during the cells: ${mean.toFixed(2)} on average, ${most} at most.`;
}
