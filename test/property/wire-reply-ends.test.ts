// Law of replies that pass: whatever a server puts into a reply, every client of test/support/reply-readers.ts ends it
// where the gateway does, and nothing but blanks and `ddd-` was put in front or behind for it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from '../../src/wire/line-splitter.ts';
import { readReplyLine } from '../../src/wire/reply.ts';
import { inNormalForm } from '../../src/wire/reply-normal-form.ts';
import { linesOf } from '../support/lines.ts';
import { replyReaders } from '../support/reply-readers.ts';

const numRuns = 5000;

// Short lines of what readers look at, so that every reader's end comes up often.
const piece = fc.constantFrom(
  ...['2', '20', '200', '227', '0', '9', ' ', '-', '+', '\t', 'x', '.', '(', '4294967496'],
  ...['\xff', '\xf1', '\xfb', '\x80', '\xd9\xa3', '\xef\xbc\x92', '\xa3\xb2', '\xc2\xb2', '\xf0\x9d\x9f\x90', '\xdc'],
);
const anyOctet = fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet));
const line = fc
  .array(fc.oneof({ weight: 9, arbitrary: piece }, { weight: 1, arbitrary: anyOctet }), { maxLength: 8 })
  .map((parts) => parts.join('').replaceAll(/[\r\n\0]/g, ''));

function leaves(text: string, code: number): { received: string; sent: string; kind: string } {
  const [received] = linesOf(new LineSplitter(4096), Buffer.from(`${text}\r\n`, 'latin1'));
  assert.ok(received);
  const { kind } = readReplyLine(received.octets, code);
  const sent = Buffer.from(inNormalForm(received, kind, code).wire).toString('latin1');
  return { received: text, sent: sent.slice(0, -2), kind };
}

describe('laws of the ends of replies', () => {
  it('no client ends a reply at an inner line', () => {
    fc.assert(
      fc.property(line, (text) => {
        const { sent, kind } = leaves(text, 200);
        fc.pre(kind === 'inner');
        const ended = replyReaders.filter((reader) => reader.ends(sent, '200')).map(({ clients }) => clients);
        assert.deepEqual(ended, []);
      }),
      { numRuns },
    );
  });

  it('the gateway reads what it sends as it has read what came', () => {
    fc.assert(
      fc.property(line, (text) => {
        const { sent, kind } = leaves(text, 200);
        assert.equal(leaves(sent, 200).kind, kind);
        assert.equal(leaves(sent, 200).sent, sent);
      }),
      { numRuns },
    );
  });

  it('a line of which no client could say so leaves as it came, and the others keep all their octets', () => {
    fc.assert(
      fc.property(line, (text) => {
        const { received, sent } = leaves(text, 200);
        if (/^[a-z(.]/i.test(received) && !received.includes('\xff')) assert.equal(sent, received);
        assert.ok([received, ` ${received}`, `200-${received}`].some((wanted) => sent.trimEnd() === wanted.trimEnd()));
      }),
      { numRuns },
    );
  });
});
