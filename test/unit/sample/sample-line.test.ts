import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleLineReader } from '../../../src/sample/sample-line.ts';

/** The lines read from octets that arrive in pieces of `size`; 'too long' stands for the report. */
function read(text: string, size: number): string[] {
  const lines: string[] = [];
  const take = sampleLineReader(
    (line) => lines.push(line),
    () => lines.push('too long'),
  );
  const octets = Buffer.from(text, 'latin1');
  for (let at = 0; at < octets.length; at += size) take(octets.subarray(at, at + size));
  return lines;
}

const cases: Record<string, [text: string, lines: string[]]> = {
  'two commands': ['USER a\r\nPASS b\r\n', ['USER a', 'PASS b']],
  'a bare LF ends a line too': ['NOOP\nNOOP\n', ['NOOP', 'NOOP']],
  'a remainder is kept': ['NOOP\r\nQUI', ['NOOP']],
  'IAC IP and IAC DM before ABOR': ['\xff\xf4\xff\xf2ABOR\r\n', ['ABOR']],
  'IAC IAC is one 0xFF': ['RETR \xff\xff\r\n', ['RETR \xff']],
  'negotiation takes its option along': ['\xff\xfb\x01NOOP\r\n', ['NOOP']],
  'blanks at either end stay': ['RETR  a \r\n', ['RETR  a ']],
};

for (const [name, [text, lines]] of Object.entries(cases)) {
  test(`${name}, whole`, () => assert.deepEqual(read(text, text.length), lines));
  test(`${name}, one octet at a time`, () => assert.deepEqual(read(text, 1), lines));
}

test('a line without an end is reported while it is still short of twice the bound', () => {
  assert.deepEqual(read('a'.repeat(5000), 5000), ['too long']);
  assert.deepEqual(read('a'.repeat(4096), 1), []);
});
