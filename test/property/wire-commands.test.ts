// Laws of commands and replies: what was written is read again, arguments keep every octet, a reply of ours is one
// reply to whoever reads it, and no octets make a parser throw.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { argumentText, formatCommand, parseCommand } from '../../src/wire/command.ts';
import { LineSplitter } from '../../src/wire/line-splitter.ts';
import { cleanReplyLine, formatReply, readReplyLine } from '../../src/wire/reply.ts';
import { linesOf } from '../support/lines.ts';

const numRuns = 1000;
const octets = fc.uint8Array({ maxLength: 40 });
const verb = fc.stringMatching(/^[A-Z@0-9]{1,16}$/);
const code = fc.integer({ min: 100, max: 599 });
// Lines that look like replies, so that inner lines come near to ending the reply.
const replyText = fc
  .array(fc.oneof(fc.stringMatching(/^(211|227|220)[ -]?[a-z0-9]{0,3}$/), fc.string({ unit: 'binary' })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((lines) => lines.join('\n'));

describe('laws of commands', () => {
  it('verb, blank and argument are read as they were, in upper case', () => {
    fc.assert(
      fc.property(verb, octets, (name, argument) => {
        const line = Uint8Array.of(...Buffer.from(name.toLowerCase()), 32, ...argument);
        assert.deepEqual(parseCommand(line), { ok: true, value: { verb: name, argument } });
      }),
      { numRuns },
    );
  });

  it('a command of ours is one line, and is read again', () => {
    fc.assert(
      fc.property(verb, fc.stringMatching(/^[ -~]{0,40}$/), (name, argument) => {
        const [line, ...more] = linesOf(new LineSplitter(4096), formatCommand(name, argument));
        assert.equal(more.length, 0);
        const command = parseCommand(line!.octets);
        assert.ok(command.ok);
        assert.equal(command.value.verb, name);
        assert.equal(Buffer.from(command.value.argument).toString('latin1'), argument);
      }),
      { numRuns },
    );
  });

  it('a command of ours with any other character is not written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (argument) => {
        fc.pre(/[^ -~]/.test(argument));
        assert.throws(() => formatCommand('RETR', argument), RangeError);
      }),
      { numRuns },
    );
  });

  it('no octets make the parser throw, and what it reads is what stands there', () => {
    fc.assert(
      fc.property(octets, (line) => {
        const command = parseCommand(line);
        if (!command.ok) return;
        assert.match(command.value.verb, /^[!-`{-~]{1,16}$/);
        const text = Buffer.from(line).toString('latin1');
        const argument = Buffer.from(command.value.argument).toString('latin1');
        const verbText = text.slice(0, command.value.verb.length);
        assert.equal(verbText.toUpperCase(), command.value.verb);
        assert.ok(text === verbText || text === `${verbText} ${argument}`);
      }),
      { numRuns },
    );
  });

  it('an argument as text is bounded and steers no terminal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (argument) => {
        const text = argumentText(argument);
        assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        assert.ok(text.length <= 512 * '\\u{10ffff}'.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe('laws of replies', () => {
  it('a reply of ours is exactly one reply, in printable ASCII', () => {
    fc.assert(
      fc.property(code, replyText, (number, text) => {
        const lines = linesOf(new LineSplitter(1_000_000), formatReply(number, text));
        assert.equal(lines.length, text.split('\n').length);
        assert.doesNotMatch(Buffer.concat(lines.map((line) => line.octets)).toString('latin1'), /[^ -~]/);
        const kinds = lines.map((line, index) => readReplyLine(line.octets, index === 0 ? undefined : number).kind);
        const expected = lines.length === 1 ? ['single'] : ['first', ...kinds.slice(2).map(() => 'inner'), 'last'];
        assert.deepEqual(kinds, expected);
      }),
      { numRuns },
    );
  });

  it('only its own code ends an open reply', () => {
    fc.assert(
      fc.property(octets, code, (line, open) => {
        const read = readReplyLine(line, open);
        const text = Buffer.from(line).toString('latin1');
        assert.deepEqual(
          read,
          text === `${open}` || text.startsWith(`${open} `) ? { kind: 'last', code: open } : { kind: 'inner' },
        );
      }),
      { numRuns },
    );
  });

  it('without one open, what is not malformed begins with its code', () => {
    fc.assert(
      fc.property(fc.oneof(octets, fc.stringMatching(/^[0-9]{1,4}[ -]?/).map(Buffer.from)), (line) => {
        const read = readReplyLine(line, undefined);
        const text = Buffer.from(line).toString('latin1');
        const wellFormed = /^[1-5]\d\d([ -]|$)/.test(text);
        assert.equal(read.kind !== 'malformed', wellFormed);
        if ('code' in read) assert.equal(read.code, Number(text.slice(0, 3)));
      }),
      { numRuns },
    );
  });

  it('a cleaned line is one line without fault, of the same length', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(13, 0, 50, 32, 0xe9), { maxLength: 30 }), (content) => {
        const [line] = linesOf(new LineSplitter(4096), Uint8Array.of(...content, 10));
        const [cleaned, ...more] = linesOf(new LineSplitter(4096), cleanReplyLine(line!));
        assert.equal(more.length, 0);
        assert.equal(cleaned!.fault, undefined);
        assert.equal(cleaned!.octets.length, line!.octets.length);
      }),
      { numRuns },
    );
  });
});
