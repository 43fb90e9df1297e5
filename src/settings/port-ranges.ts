// Which ports does `50000-50999` mean, and do two such lists meet? The dataPorts of a listener.
// Must not break: no range holds a port below 1024, where well-known services live (RFC 2577 §3).

import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { scalar } from '../yaml/schema-parts.ts';
import type { PortRange } from './port-range.ts';

const expected = 'ports from 1024 to 65535, as 50000-50999 or [50000-50999, 52000]';

/** One range, one port, or a list of them, as a part of a schema. In rising order. */
export const portRanges = scalar(expected, (value): Parsed<readonly PortRange[]> => {
  const parts = Array.isArray(value) ? value : [value];
  if (parts.length === 0) return unreadable(`expected ${expected}, with one port at least`);
  const ranges: PortRange[] = [];
  for (const part of parts) {
    const range = readRange(part);
    if (!range.ok) return range;
    ranges.push(range.value);
  }
  ranges.sort((a, b) => a.from - b.from);
  const second = ranges.find((range, index) => index > 0 && range.from <= ranges[index - 1]!.to);
  return second === undefined ? parsed(ranges) : unreadable(`expected each port once; ${second.from} is named twice`);
});

/** One range or one port. */
export const portRange = scalar('ports from 1024 to 65535, as 50000-50999', readRange);

/** A range that holds ports of both lists, or undefined where they have none in common. */
export function commonPorts(a: readonly PortRange[], b: readonly PortRange[]): PortRange | undefined {
  for (const one of a) {
    for (const other of b) {
      const common = { from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) };
      if (common.from <= common.to) return common;
    }
  }
  return undefined;
}

/** `50000-50999`, or `52000` for a range of one. */
export function printRange({ from, to }: PortRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

// range = port [ "-" port ]
function readRange(part: unknown): Parsed<PortRange> {
  if (typeof part !== 'number' && typeof part !== 'string') return unreadable(`expected ${expected}`);
  const [, low, high = low] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(part)) ?? [];
  if (low === undefined) return unreadable(`expected ${expected}`);
  const range = { from: Number(low), to: Number(high) };
  if (range.from > range.to) return unreadable(`expected the lower port first, as ${range.to}-${range.from}`);
  if (range.from < 1024 || range.to > 65_535) return unreadable(`expected ${expected}`);
  return parsed(range);
}
