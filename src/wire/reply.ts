// What is this line of a server: a whole reply, the beginning, the middle or the end of one? And how is a reply of ours
// written? Must not break: inside a multi-line reply only its own code ends it, so text that looks like another reply
// (a banner with `227 …` in it) stays text. RFC 959 §4.2 (replies, multi-line), RFC 1123 §4.1.2.11.

import type { ControlLine } from './line-splitter.ts';

// reply  = code SP text / code "-" text *( inner ) code SP text        code = ( 1 / 2 / 3 / 4 / 5 ) 2DIGIT

/** What one line is, given the reply that is under way. */
export type ReplyLine =
  | { readonly kind: 'single'; readonly code: number }
  | { readonly kind: 'first'; readonly code: number }
  | { readonly kind: 'inner' }
  | { readonly kind: 'last'; readonly code: number }
  | { readonly kind: 'malformed'; readonly reason: string };

const INNER: ReplyLine = { kind: 'inner' };
const ZERO = 48;
const BLANK = 32;
const HYPHEN = 45;
const CR = 13;
const LF = 10;
const NUL = 0;
const TILDE = 126;
const QUESTION_MARK = 63;

/**
 * Reads one line of a server, given without its end.
 * @param openCode The code of the multi-line reply whose last line has not come yet.
 */
export function readReplyLine(octets: Uint8Array, openCode: number | undefined): ReplyLine {
  const code = codeOf(octets);
  const after = octets[3];
  if (openCode !== undefined) {
    // RFC 959 §4.2: lines between may begin with anything, other codes included, and IIS writes them without the blank
    // that would set them off. `ddd-` of the same code in the middle is common (wu-ftpd) and no end.
    if (code !== openCode) return INNER;
    // Three digits and nothing else end a reply too: some servers drop the blank where the text is empty.
    return after === BLANK || after === undefined ? { kind: 'last', code } : INNER;
  }
  if (code === undefined) return { kind: 'malformed', reason: 'the line has no reply code from 100 to 599' };
  if (after === BLANK || after === undefined) return { kind: 'single', code };
  if (after === HYPHEN) return { kind: 'first', code };
  return { kind: 'malformed', reason: 'neither a blank nor a hyphen follows the reply code' };
}

/** The reply code that the line begins with, whatever follows it. */
function codeOf(octets: Uint8Array): number | undefined {
  if (octets.length < 3) return undefined;
  const first = octets[0]! - ZERO;
  const second = octets[1]! - ZERO;
  const third = octets[2]! - ZERO;
  if (first < 1 || first > 5 || second < 0 || second > 9 || third < 0 || third > 9) return undefined;
  return first * 100 + second * 10 + third;
}

/**
 * A reply of the gateway, with CR LF. Several lines of text, separated by LF, make a multi-line reply. What is not
 * printable ASCII becomes `?`. Throws RangeError unless the code is a whole number from 100 to 599.
 */
export function formatReply(code: number, text: string): Uint8Array {
  if (!Number.isInteger(code) || code < 100 || code > 599) throw new RangeError(`${code} is not a reply code`);
  if (!text.includes('\n')) return asciiOctets(`${code} ${text}\r\n`);
  const lines = text.split('\n');
  return asciiOctets(lines.map((line, index) => replyLine(code, line, index, lines.length - 1)).join(''));
}

function replyLine(code: number, line: string, index: number, last: number): string {
  if (index === last) return `${code} ${line}\r\n`;
  if (index === 0) return `${code}-${line}\r\n`;
  // RFC 959 §4.2: an intermediary line that begins with digits is padded, or a client could take it for the last.
  return `${/^\d/.test(line) ? ' ' : ''}${line}\r\n`;
}

/**
 * The text's octets. CR LF only at the end of a line that is ours; anything else that is not printable becomes `?`.
 * By code unit: a character beyond 16 bits becomes two question marks, which is nobody's loss.
 */
function asciiOctets(text: string): Uint8Array {
  const octets = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const lineEnd =
      (code === CR && text.charCodeAt(index + 1) === LF) || (code === LF && text.charCodeAt(index - 1) === CR);
    octets[index] = (code >= BLANK && code <= TILDE) || lineEnd ? code : QUESTION_MARK;
  }
  return octets;
}

/**
 * What is sent on for a line with a bare CR or a NUL: each becomes a blank, CR LF ends the line. A server's banner is
 * healed rather than refused, because a reply cannot be left out; and what leaves is one line to every reader. The
 * caller must read these octets, too, and not the ones received.
 */
export function cleanReplyLine(line: ControlLine): Uint8Array {
  const length = line.octets.length;
  const wire = new Uint8Array(length + 2);
  wire.set(line.octets.map((octet) => (octet === CR || octet === NUL ? BLANK : octet)));
  wire[length] = CR;
  wire[length + 1] = LF;
  return wire;
}
