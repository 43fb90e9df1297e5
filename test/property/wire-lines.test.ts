// Laws of lines: how TCP cuts the octets changes nothing, nothing is lost or added, memory stays bounded, and Telnet
// commands are taken from the start of a line alone.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from '../../src/wire/line-splitter.ts';
import { takeTelnet } from '../../src/wire/telnet.ts';
import { linesOf } from '../support/lines.ts';

const numRuns = 1000;
const LINE_OCTETS_MAX = 12;

// Line ends, NULs and Telnet octets are what lines break at, so they come often.
const octet = fc.oneof(fc.constantFrom(10, 13, 0, 32, 65, 0xff, 0xf4, 0xf2), fc.integer({ min: 0, max: 255 }));
const stream = fc.array(octet, { maxLength: 80 }).map((octets) => Uint8Array.from(octets));
const cuts = fc.array(fc.nat({ max: 80 }), { maxLength: 12 });

function pieces(octets: Uint8Array, places: readonly number[]): Uint8Array[] {
  const borders = [0, ...places.filter((place) => place <= octets.length).sort((a, b) => a - b), octets.length];
  return borders.slice(1).map((border, index) => octets.slice(borders[index], border));
}

/** The same by another way: the octets as a string of Latin-1, cut at each LF. */
function linesByString(octets: Uint8Array): { contents: (string | undefined)[]; rest: string } {
  const parts = Buffer.from(octets).toString('latin1').split('\n');
  const rest = parts.pop() ?? '';
  const contents = parts.map((part) => (part.length + 1 > LINE_OCTETS_MAX ? undefined : part.replace(/\r$/, '')));
  return { contents, rest };
}

describe('laws of lines', () => {
  it('any cutting gives the same lines', () => {
    fc.assert(
      fc.property(stream, cuts, (octets, places) => {
        const whole = new LineSplitter(LINE_OCTETS_MAX);
        const cut = new LineSplitter(LINE_OCTETS_MAX);
        assert.deepEqual(
          pieces(octets, places).flatMap((piece) => linesOf(cut, piece)),
          linesOf(whole, octets),
        );
        assert.equal(cut.pendingOctets, whole.pendingOctets);
      }),
      { numRuns },
    );
  });

  it('the lines are those of a cut at each LF', () => {
    fc.assert(
      fc.property(stream, (octets) => {
        const { contents, rest } = linesByString(octets);
        const lines = linesOf(new LineSplitter(LINE_OCTETS_MAX), octets);
        const expected = rest.length >= LINE_OCTETS_MAX ? [...contents, undefined] : contents;
        assert.deepEqual(
          lines.map((line) => (line.fault === 'overlong' ? undefined : Buffer.from(line.octets).toString('latin1'))),
          expected,
        );
      }),
      { numRuns },
    );
  });

  it('what is sent on is the content with CR LF, and reads as the same one line', () => {
    fc.assert(
      fc.property(stream, (octets) => {
        for (const line of linesOf(new LineSplitter(4096), octets)) {
          assert.deepEqual(line.wire, Uint8Array.of(...line.octets, 13, 10));
          assert.deepEqual(linesOf(new LineSplitter(4096), line.wire), [line]);
        }
      }),
      { numRuns },
    );
  });

  it('a line without fault holds neither CR nor LF nor NUL, and one with a fault does', () => {
    fc.assert(
      fc.property(stream, (octets) => {
        for (const { octets: content, fault } of linesOf(new LineSplitter(4096), octets)) {
          assert.equal(content.includes(10), false);
          assert.equal(content.includes(13) || content.includes(0), fault !== undefined);
          if (fault !== undefined) assert.ok(content.includes(fault === 'nul' ? 0 : 13));
        }
      }),
      { numRuns },
    );
  });

  it('octets held stay below the bound', () => {
    fc.assert(
      fc.property(fc.array(stream, { maxLength: 10 }), (chunks) => {
        const splitter = new LineSplitter(LINE_OCTETS_MAX);
        for (const chunk of chunks) {
          linesOf(splitter, chunk);
          assert.ok(splitter.pendingOctets < LINE_OCTETS_MAX);
        }
      }),
      { numRuns },
    );
  });
});

const option = fc.integer({ min: 0, max: 255 });
const telnetCommand = fc.oneof(
  fc.constantFrom([0xff, 0xf4], [0xff, 0xf2], [0xf2], [0xff, 0xf1]),
  fc.tuple(fc.constant(0xff), fc.integer({ min: 0xfb, max: 0xfe }), option),
);
const lineFromVerb = fc.tuple(fc.integer({ min: 33, max: 126 }), stream).map(([verb, rest]) => [verb, ...rest]);

describe('laws of Telnet', () => {
  it('commands before a verb are taken, whatever they are, and the rest is left octet for octet', () => {
    fc.assert(
      fc.property(fc.array(telnetCommand, { maxLength: 6 }), lineFromVerb, (commands, line) => {
        const taken = takeTelnet(Uint8Array.from([...commands.flat(), ...line]));
        assert.deepEqual(taken.octets, Uint8Array.from(line));
        const interrupts = commands.some(([first, second]) => first === 0xf2 || second === 0xf4 || second === 0xf2);
        assert.equal(taken.interrupt, interrupts);
        const asked = commands.filter(([, second]) => second === 0xfb || second === 0xfd).length;
        assert.equal(taken.answer.length, asked * 3);
      }),
      { numRuns },
    );
  });

  it('of any octets an end remains, from which nothing more is taken', () => {
    fc.assert(
      fc.property(stream, (octets) => {
        const taken = takeTelnet(octets);
        assert.deepEqual(taken.octets, octets.slice(octets.length - taken.octets.length));
        assert.deepEqual(takeTelnet(taken.octets).octets, taken.octets);
        assert.ok(taken.answer.length <= octets.length - taken.octets.length);
      }),
      { numRuns },
    );
  });

  it('an answer asks for no answer', () => {
    fc.assert(
      fc.property(stream, (octets) => assert.equal(takeTelnet(takeTelnet(octets).answer).answer.length, 0)),
      { numRuns },
    );
  });
});
