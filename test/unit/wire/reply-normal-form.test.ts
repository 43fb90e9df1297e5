import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readReplyLine } from '../../../src/wire/reply.ts';
import { inNormalForm } from '../../../src/wire/reply-normal-form.ts';
import { readersTable, replyReaders } from '../../support/reply-readers.ts';
import { octetsOf, split, textOf } from './deliveries.ts';

/** What leaves for one line of a server, its line end included. */
function sent(line: string, openCode?: number): string {
  const received = split([octetsOf(`${line}\r\n`)]).lines[0]!;
  return textOf(inNormalForm(received, readReplyLine(received.octets, openCode).kind, openCode).wire);
}

function endedBy(line: string, code: string): string[] {
  return replyReaders.filter((reader) => reader.ends(line, code)).flatMap(({ clients }) => clients.split(' '));
}

describe('inner lines', () => {
  const padded = [
    '200x',
    '200\tx',
    '227 Entering Passive Mode (10,0,0,66,78,52)',
    '150 x',
    '150-x',
    '2024-report',
    '1st file',
    '7',
    '\xff\xf1227 x (1,2,3,4,5,6)',
    '\xd9\xa3abc',
    '\xef\xbc\x92abc',
    '\xa3\xb2abc',
    '\x82\x51abc',
    '\xa2\xb1abc',
  ];
  for (const line of padded)
    it(`sets off ${JSON.stringify(line)} with a blank`, () => assert.equal(sent(line, 200), ` ${line}\r\n`));

  for (const line of [' 200 x', '\t200 x', '0200 x', '+200 x', '4294967496 x', '-4294967096 x'])
    it(`makes ${JSON.stringify(line)} go on for a client that skips blanks`, () =>
      assert.equal(sent(line, 200), `200-${line}\r\n`));

  const untouched = [
    '',
    ' ',
    ' 200',
    ' 227 x (1,2,3,4,5,6)',
    ' 201 x',
    '200-x',
    '200-',
    'text',
    ' MDTM',
    ' type=file;size=200; x',
    '-rw-r--r-- 1 0 0 200 Jan 1 2024 x',
    '-200 x',
    '(200 x',
    '\xdcbung',
    '\xc3\x9cbung',
    '\xb2',
  ];
  for (const line of untouched)
    it(`leaves ${JSON.stringify(line)} alone`, () => {
      const received = split([octetsOf(`${line}\r\n`)]).lines[0]!;
      assert.equal(inNormalForm(received, 'inner', 200), received);
    });

  for (const [line, wire] of [
    ['text\xff', 'text\xff \r\n'],
    ['text\xff\xfd', 'text\xff\xfd \r\n'],
    ['1\xff', ' 1\xff \r\n'],
  ] as const)
    it(`does not let ${JSON.stringify(line)} swallow its line end`, () => assert.equal(sent(line, 200), wire));
});

describe('lines that begin or end a reply', () => {
  for (const [line, wire, openCode] of [
    ['200', '200 \r\n', undefined],
    ['200', '200 \r\n', 200],
    ['200 ok\xff', '200 ok\xff \r\n', undefined],
  ] as const)
    it(`makes ${JSON.stringify(wire)} of ${JSON.stringify(line)}`, () => assert.equal(sent(line, openCode), wire));

  for (const [line, openCode] of [
    ['200 ', undefined],
    ['200 ok', undefined],
    ['200-ok', undefined],
    ['200 ', 200],
    ['200 ok', 200],
  ] as const)
    it(`leaves ${JSON.stringify(line)} alone`, () => assert.equal(sent(line, openCode), `${line}\r\n`));
});

describe('the table of how clients read', () => {
  for (const { line, clients } of readersTable()) {
    // Where the gateway itself ends the reply, everybody shall.
    const last = readReplyLine(octetsOf(line), 220).kind === 'last';
    it(`${last ? 'every' : 'no'} client ends the reply at what leaves for ${JSON.stringify(line)}`, () => {
      const wire = sent(line, 220);
      if (last) assert.equal(wire, '220 \r\n');
      else assert.deepEqual(endedBy(wire.slice(0, -2), '220'), []);
      if (clients.length > 0) assert.notEqual(wire, `${line}\r\n`);
    });
    it(`the readers end at ${JSON.stringify(line)} where the clients did`, () => {
      const named = endedBy(line, '220');
      assert.deepEqual(
        clients.filter((client) => !named.includes(client)),
        [],
      );
    });
  }
});

// PHP's ftp:// reads 510 octets at a time and Lynx 256, and each piece is a line of its own to them.
describe('lines longer than a client reads at once', () => {
  const filled = (start: string, at: number, text: string): string =>
    `${start.padEnd(at, 'x')}${text}${'x'.repeat(20)}`;
  const pieces = (wire: string, octets: number): string[] =>
    Array.from({ length: Math.floor(wire.length / octets) }, (_, at) => wire.slice((at + 1) * octets, -2));

  const ofOneLine = [
    ...[510, 1020, 3570].map((at) => filled('200 ', at, '227 Entering Passive Mode (10,0,0,66,78,52)')),
    ...[256, 512].map((at) => filled('257 ', at, '  +227-x')),
    filled('200-', 510, '227 x'),
    `200 ${'227 '.repeat(900)}`,
  ];
  for (const line of ofOneLine)
    it(`no piece of ${line.slice(0, 8)}… with ${line.length} octets is a reply`, () => {
      const wire = sent(line);
      assert.deepEqual(
        pieces(wire, 510).filter((piece) => /^\d{3} /.test(piece)),
        [],
      );
      assert.deepEqual(
        pieces(wire, 256).filter((piece) => /^\s*[+-]?\d/.test(piece)),
        [],
      );
      const withoutBlanks = wire.slice(0, -2).replace(/^(\d{3}.) +/, '$1');
      assert.ok(wire.length < 300 ? line.startsWith(withoutBlanks) : line === withoutBlanks);
    });
  it('no piece of an inner line is the end of the reply', () => {
    for (const line of [filled(' MLST', 510, '227 x'), filled('a', 256, '200 x')]) {
      const wire = sent(line, 200);
      assert.equal(wire.trim(), line.trim());
      assert.deepEqual(
        [...pieces(wire, 510), ...pieces(wire, 256)].filter((piece) => /^\s*2\d\d /.test(piece)),
        [],
      );
    }
  });
  it('leaves a long line alone where no piece looks like a reply', () => {
    for (const line of [filled(' path', 256, '2024-report'), filled('a', 510, '227-x'), 'x'.repeat(4000)])
      assert.equal(sent(line, 200), `${line}\r\n`);
    assert.equal(sent(`257 ${'x'.repeat(4000)}`), `257 ${'x'.repeat(4000)}\r\n`);
  });
});
