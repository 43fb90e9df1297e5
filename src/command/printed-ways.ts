// How does a terminal show data connections? As a table in plain text; whatever stands in its cells gives no orders.

import type { WayEntry } from '../observe/way-entry.ts';
import { wayColumns } from '../observe/way-table.ts';

/** Aligned columns under their headings, newest first, as the gateway lists them. */
export function printWays(ways: readonly WayEntry[], nowMs: number): string {
  if (ways.length === 0) return 'No data connection is expected or flows, and none has ended since the start.\n';
  const rows = [
    wayColumns.map(({ heading }) => heading.toUpperCase()),
    ...ways.map((entry) => wayColumns.map(({ cell }) => printable(cell(entry, nowMs)))),
  ];
  const widths = wayColumns.map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, index) =>
        wayColumns[index]!.align === 'left' ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** Whoever sits at the admin address must not give orders to the reader's terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
