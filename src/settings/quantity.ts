// How long is `30s`, how much is `4KiB`? Durations and sizes as people write them.
// Must not break: a number without a unit is no duration, because the next reader would guess another unit.

import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { scalar } from '../yaml/schema-parts.ts';

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const octets = { B: 1, KiB: 1024, MiB: 1_048_576 };

/** A duration between the two, as a part of a schema; in milliseconds. */
export function duration(least: string, most: string) {
  return quantity('a duration', milliseconds, least, most);
}

/** A size between the two, as a part of a schema; in octets. */
export function size(least: string, most: string) {
  return quantity('a size', octets, least, most);
}

function quantity(noun: string, units: Readonly<Record<string, number>>, least: string, most: string) {
  const from = amount(least, units);
  const to = amount(most, units);
  const expected = `${noun} from ${least} to ${most}`;
  const form = `a whole number and one of ${Object.keys(units).join(', ')}`;
  return scalar(expected, (value): Parsed<number> => {
    const found = typeof value === 'string' ? amount(value, units) : undefined;
    if (found === undefined) return unreadable(`expected ${expected} (${form})`);
    return found >= from! && found <= to! ? parsed(found) : unreadable(`expected ${expected}`);
  });
}

// quantity = 1*9DIGIT unit — nine digits of hours are still exact in a double.
function amount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d{1,9})([A-Za-z]+)$/.exec(text) ?? [];
  const factor = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Number(digits) * factor;
}
