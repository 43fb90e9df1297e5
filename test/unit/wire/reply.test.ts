import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cleanReplyLine, formatReply, type ReplyLine, readReplyLine } from '../../../src/wire/reply.ts';
import { octetsOf, readThreeWays, split, textOf } from './deliveries.ts';

function read(line: string, openCode?: number): ReplyLine {
  return readThreeWays(line, (octets) => readReplyLine(octets, openCode));
}

describe('readReplyLine, no reply being open', () => {
  const cases: [line: string, expected: Partial<ReplyLine>][] = [
    ['220 Ready', { kind: 'single', code: 220 }],
    ['220 ', { kind: 'single', code: 220 }],
    ['220', { kind: 'single', code: 220 }],
    ['100 x', { kind: 'single', code: 100 }],
    ['599 x', { kind: 'single', code: 599 }],
    ['211-Features:', { kind: 'first', code: 211 }],
    ['211-', { kind: 'first', code: 211 }],
    ['220 caf\xe9', { kind: 'single', code: 220 }],
  ];
  for (const [line, expected] of cases)
    it(`reads ${JSON.stringify(line)}`, () => assert.deepEqual(read(line), expected));

  for (const line of [
    '',
    '2',
    '22',
    '22 ',
    ' 220 x',
    '220x',
    '2200',
    '220\t',
    '220\rx',
    '099 x',
    '000 x',
    '600 x',
    '631 x',
    '999 x',
    '-20 x',
    '2x0 x',
    '22\xb2 x',
    'USER x',
    'HTTP/1.1 200 OK',
    'SSH-2.0-x',
  ])
    it(`calls ${JSON.stringify(line)} malformed`, () => assert.equal(read(line).kind, 'malformed'));
});

describe('readReplyLine, 211 being open', () => {
  for (const line of ['211 End', '211 ', '211'])
    it(`ends at ${JSON.stringify(line)}`, () => assert.deepEqual(read(line, 211), { kind: 'last', code: 211 }));

  for (const line of [
    ' MDTM',
    'MDTM',
    '',
    '211-again',
    ' 211 set off',
    '2110',
    '211x',
    '212 other',
    '227 Entering Passive Mode (192,0,2,1,4,5)',
    '229 Entering Extended Passive Mode (|||5000|)',
    '600 x',
    '21',
  ])
    it(`goes on at ${JSON.stringify(line)}`, () => assert.deepEqual(read(line, 211), { kind: 'inner' }));
});

describe('formatReply', () => {
  const cases: [code: number, text: string, wire: string][] = [
    [220, 'Ready', '220 Ready\r\n'],
    [200, '', '200 \r\n'],
    [211, 'Features:\n UTF8\n SIZE\nEnd', '211-Features:\r\n UTF8\r\n SIZE\r\n211 End\r\n'],
    [214, 'a\n214 b\n9\n227 c\nd', '214-a\r\n 214 b\r\n 9\r\n 227 c\r\n214 d\r\n'],
    [220, 'a\n\nb', '220-a\r\n\r\n220 b\r\n'],
    [550, 'a\r\n226 b\0\x1b\x7fé', '550-a?\r\n550 226 b????\r\n'],
  ];
  for (const [code, text, wire] of cases)
    it(`writes ${JSON.stringify(text)}`, () => assert.equal(textOf(formatReply(code, text)), wire));

  for (const code of [99, 600, 0, -200, 220.5, Number.NaN])
    it(`throws on the code ${code}`, () => assert.throws(() => formatReply(code, 'x'), RangeError));
});

describe('cleanReplyLine', () => {
  const cases: [received: string, wire: string][] = [
    ['220 a\rb\r\n', '220 a b\r\n'],
    ['220 a\0b\n', '220 a b\r\n'],
    ['220 a\r\r\n', '220 a \r\n'],
    ['\r\0\r\n', '  \r\n'],
    ['220 caf\xe9\0\r\n', '220 caf\xe9 \r\n'],
  ];
  for (const [received, wire] of cases)
    it(`makes ${JSON.stringify(wire)} of ${JSON.stringify(received)}`, () => {
      const { lines } = split([octetsOf(received)]);
      const cleaned = cleanReplyLine(lines[0]!);
      assert.equal(textOf(cleaned), wire);
      assert.equal(split([cleaned]).lines[0]?.fault, undefined);
    });

  it('leaves the line received as it was', () => {
    const chunk = octetsOf('220 a\0b\r\n');
    cleanReplyLine(split([chunk]).lines[0]!);
    assert.equal(textOf(chunk), '220 a\0b\r\n');
  });
});
