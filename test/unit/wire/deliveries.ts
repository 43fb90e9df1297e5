// Every case of a parser is read three ways, for TCP cuts anywhere: the line whole, one octet at a time, and with the
// octets of later lines behind it, which must be left alone.

import assert from 'node:assert/strict';
import { type ControlLine, LineSplitter } from '../../../src/wire/line-splitter.ts';
import { linesOf } from '../../support/lines.ts';

/** One octet for each character, so that a case can hold any octet as \xNN. */
export function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function textOf(octets: Uint8Array): string {
  return Array.from(octets, (octet) => String.fromCharCode(octet)).join('');
}

/** The lines that come of these pieces, and the splitter afterwards. */
export function split(pieces: Iterable<Uint8Array>, lineOctetsMax = 4096): { lines: ControlLine[]; rest: number } {
  const splitter = new LineSplitter(lineOctetsMax);
  const lines = Array.from(pieces, (piece) => linesOf(splitter, piece)).flat();
  return { lines, rest: splitter.pendingOctets };
}

export function* oneByOne(octets: Uint8Array): Generator<Uint8Array> {
  for (const octet of octets) yield Uint8Array.of(octet);
}

/** Reads a line, given without its end, three ways; the readings must be equal. */
export function readThreeWays<T>(line: string, read: (octets: Uint8Array) => T): T {
  const sent = octetsOf(`${line}\r\n`);
  const whole = split([sent]);
  const single = split(oneByOne(sent));
  const trailed = split([octetsOf(`${line}\r\nNOOP\r\nHAL`)]);
  assert.equal(whole.lines.length, 1);
  assert.deepEqual(whole.lines[0]!.wire, sent);
  assert.deepEqual(single, whole);
  assert.deepEqual(trailed.lines.map(textsOfLine), [whole.lines[0]!, { ...noop, fault: undefined }].map(textsOfLine));
  assert.equal(trailed.rest, 3);
  const [fromWhole, fromSingle, fromTrailed] = [whole, single, trailed].map(({ lines }) => read(lines[0]!.octets));
  assert.deepEqual(fromSingle, fromWhole);
  assert.deepEqual(fromTrailed, fromWhole);
  return fromWhole!;
}

const noop = { octets: octetsOf('NOOP'), wire: octetsOf('NOOP\r\n') };

function textsOfLine(line: ControlLine): [string, string, string | undefined] {
  return [textOf(line.octets), textOf(line.wire), line.fault];
}
