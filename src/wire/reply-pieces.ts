// Where a client reads a long line of a reply in pieces of its buffer's length, does a piece look like a reply? Then a
// few blanks move it. PHP's ftp:// reads 510 octets at a time and Lynx 256, and both take each piece for a line of its
// own. Must not break: a line that no piece of which looks so, and every line shorter than a piece, stays as it is.

import { isDigit, numberAt } from './reply-number.ts';

const LYNX_OCTETS = 256;
const PHP_OCTETS = 510;
const BLANK = 32;
/** A text that defies so many was made for it. */
const BLANKS_MAX = 16;

/**
 * @param content A line without its end.
 * @param at Where blanks do no harm.
 * @param code The code of the open reply, if the line stands inside one: there Lynx ends at this code alone.
 */
export function safeInPieces(content: Uint8Array, at: number, code: number | undefined): Uint8Array {
  if (content.length <= LYNX_OCTETS) return content;
  for (let blanks = 0; blanks <= BLANKS_MAX; blanks += 1) {
    const moved = withBlanks(content, at, blanks);
    if (!hasReplyPiece(moved, code)) return moved;
  }
  return content.subarray(0, LYNX_OCTETS);
}

function withBlanks(content: Uint8Array, at: number, blanks: number): Uint8Array {
  if (blanks === 0) return content;
  const moved = new Uint8Array(content.length + blanks).fill(BLANK);
  moved.set(content.subarray(0, at));
  moved.set(content.subarray(at), at + blanks);
  return moved;
}

function hasReplyPiece(content: Uint8Array, code: number | undefined): boolean {
  for (let at = LYNX_OCTETS; at < content.length; at += LYNX_OCTETS) {
    const number = numberAt(content, at);
    if (number !== undefined && (code === undefined || (number.value === code && number.after === BLANK))) return true;
  }
  for (let at = PHP_OCTETS; at < content.length; at += PHP_OCTETS) {
    const [first, second, third, after] = content.subarray(at, at + 4);
    if (isDigit(first) && isDigit(second) && isDigit(third) && after === BLANK) return true;
  }
  return false;
}
