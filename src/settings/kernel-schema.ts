// Which keys may the section `kernel` have, and which values may they take? deploy/inbound.yaml explains each.

import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { list, scalar, section, text, trueOrFalse } from '../yaml/schema-parts.ts';
import { network } from './listener-schema.ts';

// nft takes longer names; with more than these characters they would need quotes in the operator's own rules.
const tableName = text('the name of an nftables table', (value) =>
  /^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(value)
    ? parsed(value)
    : unreadable('expected the name of an nftables table, up to 32 letters, digits and _, no digit first'),
);

// 0 is the mark of all that nobody has marked. From the environment a number comes as text, and marks are hexadecimal.
const markExpected = 'a mark from 1 to 0xffffffff';
const mark = scalar(markExpected, (value): Parsed<number> => {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^(\d+|0x[0-9a-fA-F]+)$/.test(value));
  const number = isNumber ? Number(value) : 0;
  return Number.isInteger(number) && number >= 1 && number <= 0xffffffff
    ? parsed(number)
    : unreadable(`expected ${markExpected}`);
});

// RFC 2474 §4.2.2 (class selectors), RFC 2597 §6 (AFxy is 8x + 2y), RFC 3246 (EF), RFC 8622 (LE).
const codePoints: Readonly<Record<string, number>> = {
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((selector) => [`cs${selector}`, 8 * selector])),
  ...Object.fromEntries([1, 2, 3, 4].flatMap((x) => [1, 2, 3].map((y) => [`af${x}${y}`, 8 * x + 2 * y]))),
  ef: 46,
  le: 1,
};

const dscpExpected = 'a DSCP: cs0 to cs7, af11 to af43, ef, le, or a number from 0 to 63';
const dscp = scalar(dscpExpected, (value): Parsed<number> => {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));
  if (isNumber && Number.isInteger(Number(value)) && Number(value) >= 0 && Number(value) <= 63) {
    return parsed(Number(value));
  }
  const codePoint = typeof value === 'string' && Object.hasOwn(codePoints, value) ? codePoints[value] : undefined;
  return codePoint === undefined ? unreadable(`expected ${dscpExpected}`) : parsed(codePoint);
});

export const kernelSchema = section({
  table: tableName.optional(),
  divertMark: mark.optional(),
  dataMark: mark.optional(),
  serverMark: mark.optional(),
  guard: list(network, 'networks').optional(),
  endFlows: trueOrFalse.optional(),
  dscp: section({ control: dscp.optional(), data: dscp.optional() }).optional(),
});
