// Which lines do these octets complete? For tests that do not care when each is cut.

import type { ControlLine, LineSplitter } from '../../src/wire/line-splitter.ts';

export function linesOf(splitter: LineSplitter, octets: Uint8Array): ControlLine[] {
  splitter.give(octets);
  const lines: ControlLine[] = [];
  for (let line = splitter.next(); line !== undefined; line = splitter.next()) lines.push(line);
  return lines;
}
