// Which IPv4 endpoint do the six numbers of a PORT command or a 227 reply name?
// Must not break: what is not exactly the grammar is unreadable and never repaired, for servers read such texts each in
// its own way (octal, wrapped, signed) and the policy must judge the endpoint that will be used.
// RFC 959 §4.1.2 and §5.3.2 (host-port), RFC 1123 §4.1.2.6 (finding it in a 227).

import { addressFromOctets, type Endpoint } from '../address/endpoint.ts';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { isDigit } from './reply-number.ts';

// host-port = h1 "," h2 "," h3 "," h4 "," p1 "," p2        each = "0" / %d1-255, without leading zeros

const ZERO = 48;
const COMMA = 44;
const PLUS = 43;
const HYPHEN = 45;
const BLANK = 32;

/** Reads the argument of PORT: the six numbers and nothing else. Port 0 is unreadable, any address is not. */
export function parseHostPort(argument: Uint8Array): Parsed<Endpoint> {
  const octets = withoutBlanks(argument);
  const numbers = sixNumbers(octets, 0, 'exact');
  if (!numbers.ok) return numbers;
  if (numbers.value.end !== octets.length) return unreadable('something follows the six numbers');
  return endpointOf(numbers.value.octets);
}

/**
 * Finds the six numbers in a 227 reply. They are for this gateway alone, which uses the port and writes all of them
 * anew, so forms are read that differ for no reader: `002`, blanks around commas. @param replyText The octets after the
 * reply code.
 */
export function findHostPort(replyText: Uint8Array): Parsed<Endpoint> {
  // RFC 1123 §4.1.2.6: the parentheses are not to be relied on, so the numbers begin at the first digit. Seen are also
  // `=` before them and a full stop behind.
  const start = nextDigit(replyText, 0);
  if (start === replyText.length) return unreadable('there are no numbers');
  const before = replyText[start - 1];
  if (before === PLUS || before === HYPHEN) return unreadable('there is a sign before the first number');
  const numbers = sixNumbers(replyText, start, 'by-value');
  if (!numbers.ok) return numbers;
  // A seventh number, however it is set off, leaves open which six were meant.
  const { end } = numbers.value;
  if (replyText[end] === COMMA || nextDigit(replyText, end) < replyText.length) {
    return unreadable('there are more than six numbers');
  }
  return endpointOf(numbers.value.octets);
}

/** `h1,h2,h3,h4,p1,p2`, as PORT and 227 carry it. Throws RangeError for an IPv6 endpoint, which has no such form. */
export function printHostPort(endpoint: Endpoint): string {
  if (endpoint.address.family !== 4) throw new RangeError('only IPv4 endpoints have a host-port');
  return `${withCommas(endpoint.address.text)},${endpoint.port >> 8},${endpoint.port & 255}`;
}

// A gateway names the same one or two addresses at every transfer.
let lastText = '';
let lastWithCommas = '';

function withCommas(text: string): string {
  if (text !== lastText) {
    lastWithCommas = text.replaceAll('.', ',');
    lastText = text;
  }
  return lastWithCommas;
}

/**
 * An address argument without the blanks around it, which mean nothing: people who type commands and scripts that align
 * them leave some. Only the blank itself; a tab or a no-break space is a blank to one reader and data to another.
 */
export function withoutBlanks(argument: Uint8Array): Uint8Array {
  let start = 0;
  let end = argument.length;
  while (start < end && argument[start] === BLANK) start += 1;
  while (end > start && argument[end - 1] === BLANK) end -= 1;
  return argument.subarray(start, end);
}

/** `by-value`: blanks around commas and leading zeros are read, where no reader could take another number for it. */
type Form = 'exact' | 'by-value';

interface NumberRead {
  readonly value: number;
  readonly end: number;
}

// Longer runs of zeros are no mistake of a format string.
const DIGITS_MAX = 8;

function sixNumbers(octets: Uint8Array, start: number, form: Form): Parsed<{ octets: Uint8Array; end: number }> {
  const numbers = new Uint8Array(6);
  let at = start;
  for (let index = 0; index < 6; index += 1) {
    if (index > 0) {
      if (form === 'by-value') at = afterBlanks(octets, at);
      if (octets[at] !== COMMA) return unreadable('there are not six numbers with commas between them');
      at += 1;
      if (form === 'by-value') at = afterBlanks(octets, at);
    }
    const number = readNumber(octets, at, form);
    if (!number.ok) return number;
    numbers[index] = number.value.value;
    at = number.value.end;
  }
  return parsed({ octets: numbers, end: at });
}

function readNumber(octets: Uint8Array, start: number, form: Form): Parsed<NumberRead> {
  let value = 0;
  let at = start;
  for (; at < octets.length && isDigit(octets[at]); at += 1) {
    // inet_aton and its like read 010 as eight: a bounce past whoever reads it as ten.
    if (form === 'exact' && at > start && value === 0) return unreadable('a number has a leading zero');
    value = value * 10 + octets[at]! - ZERO;
    if (value > 255) return unreadable('a number is larger than 255');
    if (at - start === DIGITS_MAX) return unreadable('a number has too many digits');
  }
  if (at === start) return unreadable('a number is missing');
  // Up to seven, octal and decimal are the same.
  if (octets[start] === ZERO && value > 7) return unreadable('a number has a leading zero, and could be octal');
  return parsed({ value, end: at });
}

function afterBlanks(octets: Uint8Array, from: number): number {
  let at = from;
  while (octets[at] === BLANK) at += 1;
  return at;
}

function endpointOf(octets: Uint8Array): Parsed<Endpoint> {
  const port = octets[4]! * 256 + octets[5]!;
  if (port === 0) return unreadable('the port is 0');
  return parsed({ address: addressFromOctets(octets.subarray(0, 4)), port });
}

/** The place of the next digit, or the length where there is none. */
function nextDigit(octets: Uint8Array, from: number): number {
  let at = from;
  while (at < octets.length && !isDigit(octets[at])) at += 1;
  return at;
}
