// How does a line of a reply leave so that every client ends the reply where we do? RFC 959 §4.2: a sender pads inner
// lines that begin with digits. Clients end a reply at much more than its last line (at `227 x` or `2024-report` inside
// `200-`) and take what follows for the answer to their next command: an attacker's 227 for the one to PASV.
// Must not break: only what leaves changes; we read the line as it was received.
// How clients read stands in test/fixtures/reply-readers.txt; the rules below follow from it.

import type { ControlLine } from './line-splitter.ts';
import type { ReplyLine } from './reply.ts';
import { isDigit, numberAt } from './reply-number.ts';
import { safeInPieces } from './reply-pieces.ts';

const LF = 10;
const CR = 13;
const BLANK = 32;
const HYPHEN = 45;
const ZERO = 48;
const IAC = 0xff;
const WILL = 0xfb;
const NUMBER = /^\p{N}/u;
const NOTHING: readonly number[] = [];
const LINE_END: readonly number[] = [CR, LF];
const BLANK_AND_LINE_END: readonly number[] = [BLANK, CR, LF];

/**
 * The line as it leaves; the very same object where no client could disagree with us about it.
 * @param code The code of the open reply; only an inner line needs it.
 */
export function inNormalForm(line: ControlLine, kind: ReplyLine['kind'], code: number | undefined): ControlLine {
  const { octets } = line;
  const inside = kind === 'inner' ? code : undefined;
  const head = inside === undefined ? undefined : headOf(octets, inside);
  const headed = head === undefined ? octets : joined(head, octets, NOTHING);
  // Behind the code and its blank or hyphen the text is free; an inner line is free as a whole.
  const content = safeInPieces(headed, inside === undefined ? 4 : 0, inside);
  const tail = needsBlankBehind(content, kind) ? BLANK_AND_LINE_END : LINE_END;
  if (content === octets && tail === LINE_END) return line;
  return { ...line, wire: joined(NOTHING, content, tail) };
}

function joined(head: readonly number[], octets: Uint8Array, tail: readonly number[]): Uint8Array {
  const whole = new Uint8Array(head.length + octets.length + tail.length);
  whole.set(head);
  whole.set(octets, head.length);
  whole.set(tail, head.length + octets.length);
  return whole;
}

/**
 * Whether a client could take this line for the beginning or the end of a reply. A digit in front is enough: Commons
 * Net ends at any four octets of which the last is no hyphen, BusyBox and Squid where a blank stands fourth.
 * @param code The code of the reply in which the line stands.
 */
export function looksLikeReply(octets: Uint8Array, code: number): boolean {
  const first = octets[0];
  if (first === undefined) return false;
  if (isDigit(first)) return !isContinuation(octets, code);
  // BSD's ftp, yafc and lftp drop Telnet commands wherever they stand: IAC NOP `200 x` is `200 x` to them.
  if (first === IAC) return true;
  return first >= 0x80 && beginsWithForeignDigit(octets);
}

// The blank is what the RFC asks for. `ddd-` is what goes on even at a client that skips blanks.
function headOf(octets: Uint8Array, code: number): readonly number[] | undefined {
  const seen = numberAt(octets, 0);
  // Lynx ends here, and skips blanks before it looks.
  if (seen?.value === code && seen.after === BLANK) return [...digitsOf(code), HYPHEN];
  return looksLikeReply(octets, code) ? [BLANK] : undefined;
}

function needsBlankBehind(octets: Uint8Array, kind: ReplyLine['kind']): boolean {
  // curl, wget, FileZilla and a dozen more wait for the blank behind the code.
  if ((kind === 'single' || kind === 'last') && octets.length === 3) return true;
  // lftp takes the CR for the rest of a Telnet command that the line breaks off, and reads the next line as a part of
  // it.
  return endsInTelnet(octets);
}

// wu-ftpd writes `ddd-` in front of every line, and every client goes on there. At that of another code aioftp gives
// up.
function isContinuation(octets: Uint8Array, code: number): boolean {
  const ofSameCode = digitsOf(code).every((digit, at) => octets[at] === digit);
  return ofSameCode && octets[3] === HYPHEN;
}

function digitsOf(code: number): number[] {
  return [code / 100, (code / 10) % 10, code % 10].map((digit) => ZERO + Math.floor(digit));
}

function endsInTelnet(octets: Uint8Array): boolean {
  const last = octets[octets.length - 1];
  return last !== undefined && last >= WILL && (last === IAC || octets[octets.length - 2] === IAC);
}

/**
 * Java and Python know the digits of all scripts. Of the charsets that a client may have been told, UTF-8 has them all,
 * and those of East Asia have digits of full width.
 */
function beginsWithForeignDigit(octets: Uint8Array): boolean {
  const [first = 0, second = 0] = octets;
  const fullWidth =
    (first === 0x82 && second >= 0x4f && second <= 0x58) || // Shift_JIS
    (first === 0xa3 && second >= 0xb0 && second <= 0xb9) || // GBK, EUC-JP, EUC-KR
    (first === 0xa2 && second >= 0xaf && second <= 0xb8); // Big5
  return fullWidth || NUMBER.test(new TextDecoder().decode(octets.subarray(0, 4)));
}
