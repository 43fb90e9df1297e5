// Which number does a C program see at the start of a line? sscanf("%d%c") skips white space, takes a sign and any
// number of digits, and keeps the value in an int, so that a long number wraps. Lynx reads reply codes so.

const TAB = 9;
const CR = 13;
const BLANK = 32;
const PLUS = 43;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const INT_VALUES = 2 ** 32;

export interface NumberSeen {
  /** From 0 to 2^32 - 1; a negative int is its complement. */
  readonly value: number;
  readonly after: number | undefined;
}

export function numberAt(octets: Uint8Array, start: number): NumberSeen | undefined {
  let at = start;
  while (isWhiteSpace(octets[at])) at += 1;
  const negative = octets[at] === MINUS;
  if (negative || octets[at] === PLUS) at += 1;
  if (!isDigit(octets[at])) return undefined;
  let value = 0;
  for (; isDigit(octets[at]); at += 1) value = (value * 10 + octets[at]! - ZERO) % INT_VALUES;
  return { value: negative ? INT_VALUES - value : value, after: octets[at] };
}

export function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= ZERO && octet <= NINE;
}

function isWhiteSpace(octet: number | undefined): boolean {
  return octet === BLANK || (octet !== undefined && octet >= TAB && octet <= CR);
}
