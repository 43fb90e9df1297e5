import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ControlLine, LineSplitter } from '../../../src/wire/line-splitter.ts';
import { linesOf } from '../../support/lines.ts';
import { octetsOf, oneByOne, split, textOf } from './deliveries.ts';

type Shown = [content: string, wire: string, fault?: ControlLine['fault']];

function shown(lines: readonly ControlLine[]): Shown[] {
  return lines.map(({ octets, wire, fault }) =>
    fault === undefined ? [textOf(octets), textOf(wire)] : [textOf(octets), textOf(wire), fault],
  );
}

describe('LineSplitter', () => {
  const cases: [name: string, received: string, lines: Shown[], rest?: number][] = [
    ['takes a line', 'NOOP\r\n', [['NOOP', 'NOOP\r\n']]],
    ['takes an empty line', '\r\n', [['', '\r\n']]],
    [
      'takes two lines of one segment and leaves the third',
      'USER a\r\nPASS b\r\nSY',
      [
        ['USER a', 'USER a\r\n'],
        ['PASS b', 'PASS b\r\n'],
      ],
      2,
    ],
    ['ends a line at a bare LF and sends CR LF on', 'NOOP\n', [['NOOP', 'NOOP\r\n']]],
    ['takes a bare LF alone', '\n', [['', '\r\n']]],
    ['keeps blanks at both ends', '  a  \r\n', [['  a  ', '  a  \r\n']]],
    ['does not end a line at a CR', 'NOOP\r', [], 5],
    ['marks a CR inside', 'NOOP\rDELE x\r\n', [['NOOP\rDELE x', 'NOOP\rDELE x\r\n', 'bare-cr']]],
    ['marks a CR before CR LF', 'NOOP\r\r\n', [['NOOP\r', 'NOOP\r\r\n', 'bare-cr']]],
    ['marks a CR in a line that ends in a bare LF', 'A\rB\n', [['A\rB', 'A\rB\r\n', 'bare-cr']]],
    ['marks a NUL', 'NOOP\0x\r\n', [['NOOP\0x', 'NOOP\0x\r\n', 'nul']]],
    ['marks CR NUL, the bare CR of Telnet', 'A\r\0B\r\n', [['A\r\0B', 'A\r\0B\r\n', 'bare-cr']]],
    [
      'takes no other octet for a line end: VT, FF, NEL, LS in UTF-8',
      'A\x0b\x0c\x85\xe2\x80\xa8B\r\n',
      [['A\x0b\x0c\x85\xe2\x80\xa8B', 'A\x0b\x0c\x85\xe2\x80\xa8B\r\n']],
    ],
    ['keeps FF FF', 'STOR \xff\xff\r\n', [['STOR \xff\xff', 'STOR \xff\xff\r\n']]],
    ['holds an unfinished line', 'STOR fil', [], 8],
  ];
  for (const [name, received, lines, rest = 0] of cases)
    it(name, () => {
      const octets = octetsOf(received);
      for (const pieces of [[octets], oneByOne(octets)]) {
        const result = split(pieces);
        assert.deepEqual(shown(result.lines), lines);
        assert.equal(result.rest, rest);
      }
    });

  it('finds a line at every cut in two', () => {
    const octets = octetsOf('PORT 192,0,2,1,4,5\r\nRETR a\r\n');
    for (let cut = 0; cut <= octets.length; cut += 1)
      assert.deepEqual(shown(split([octets.subarray(0, cut), octets.subarray(cut)]).lines), [
        ['PORT 192,0,2,1,4,5', 'PORT 192,0,2,1,4,5\r\n'],
        ['RETR a', 'RETR a\r\n'],
      ]);
  });

  it('gives views of the octets received, not copies', () => {
    const chunk = octetsOf('NOOP\r\nSYST\r\n');
    for (const { octets, wire } of linesOf(new LineSplitter(4096), chunk)) {
      assert.equal(octets.buffer, chunk.buffer);
      assert.equal(wire.buffer, chunk.buffer);
    }
  });

  it('does not keep the chunk for the sake of its unfinished end', () => {
    const chunk = octetsOf('NOOP\r\nSY');
    const splitter = new LineSplitter(4096);
    linesOf(splitter, chunk);
    chunk.fill(0);
    assert.deepEqual(shown(linesOf(splitter, octetsOf('ST\r\n'))), [['SYST', 'SYST\r\n']]);
  });
});

describe('a line beyond the bound', () => {
  const overlong: Shown = ['', '', 'overlong'];
  const endless: Shown = ['', '', 'endless'];
  const next: Shown = ['NOOP', 'NOOP\r\n'];

  it('is not one of exactly the bound', () => {
    assert.deepEqual(shown(split([octetsOf('12345678\r\n')], 10).lines), [['12345678', '12345678\r\n']]);
  });

  it('is one of an octet more, however it is cut and ended', () => {
    for (const line of ['123456789\r\n', '1234567890\n', '12345678901234567890\r\n']) {
      const octets = octetsOf(`${line}NOOP\r\n`);
      for (const pieces of [[octets], oneByOne(octets)])
        assert.deepEqual(shown(split(pieces, 10).lines), [overlong, next]);
      for (let cut = 0; cut <= octets.length; cut += 1)
        assert.deepEqual(shown(split([octets.subarray(0, cut), octets.subarray(cut)], 10).lines), [overlong, next]);
    }
  });

  it('is told as soon as it cannot end within the bound, once, and its tail is no command', () => {
    const splitter = new LineSplitter(10);
    assert.deepEqual(shown(linesOf(splitter, octetsOf('123456789'))), []);
    assert.deepEqual(shown(linesOf(splitter, octetsOf('0'))), [overlong]);
    assert.deepEqual(shown(linesOf(splitter, octetsOf('DELE x'))), []);
    assert.deepEqual(shown(linesOf(splitter, octetsOf('DELE y\r\nNOOP\r\n'))), [next]);
  });

  it('costs no memory while its flood lasts', () => {
    const splitter = new LineSplitter(4096);
    const flood = new Uint8Array(65_536).fill(65);
    const faults = Array.from({ length: 100 }, () => linesOf(splitter, flood)).flat();
    assert.deepEqual(shown(faults), [overlong, endless]);
    assert.equal(splitter.pendingOctets, 0);
  });

  it('is called endless once, when sixteen times the bound have come, however they are cut', () => {
    const flood = octetsOf(`${'x'.repeat(161)}\r\nNOOP\r\n`);
    for (const size of [1, 7, 160, 170]) {
      const chunks = Array.from({ length: Math.ceil(flood.length / size) }, (_, i) =>
        flood.subarray(i * size, (i + 1) * size),
      );
      assert.deepEqual(shown(split(chunks, 10).lines), [
        overlong,
        endless,
        ...shown(split([octetsOf('NOOP\r\n')], 10).lines),
      ]);
    }
  });

  it('may come many times in one chunk', () => {
    const octets = octetsOf(`${'x'.repeat(20)}\r\n`.repeat(3));
    assert.deepEqual(shown(split([octets], 10).lines), [overlong, overlong, overlong]);
  });

  it('never lets the octets held reach the bound', () => {
    const splitter = new LineSplitter(100);
    for (let count = 0; count < 1000; count += 1) {
      linesOf(splitter, octetsOf('abc'));
      assert.ok(splitter.pendingOctets < 100);
    }
  });
});
