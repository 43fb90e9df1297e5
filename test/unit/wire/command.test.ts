import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { argumentText, formatCommand, parseCommand } from '../../../src/wire/command.ts';
import { octetsOf, readThreeWays, textOf } from './deliveries.ts';

describe('parseCommand', () => {
  const good: [line: string, verb: string, argument: string][] = [
    ['NOOP', 'NOOP', ''],
    ['NOOP ', 'NOOP', ''],
    ['user anonymous', 'USER', 'anonymous'],
    ['ReTr a b', 'RETR', 'a b'],
    ['p@sw', 'P@SW', ''],
    ['XSHA256 f', 'XSHA256', 'f'],
    // RFC 3659 §2.2: exactly one blank belongs to the syntax, the others to the name.
    ['STOR  two before', 'STOR', ' two before'],
    ['STOR two behind  ', 'STOR', 'two behind  '],
    ['STOR  ', 'STOR', ' '],
    ['STOR caf\xc3\xa9', 'STOR', 'caf\xc3\xa9'],
    ['STOR caf\xe9', 'STOR', 'caf\xe9'],
    ['STOR \xff\xff', 'STOR', '\xff\xff'],
    ['STOR a\tb\x0b\x85', 'STOR', 'a\tb\x0b\x85'],
    ['ABCDEFGHIJKLMNOP x', 'ABCDEFGHIJKLMNOP', 'x'],
    // Folding is of ASCII letters only, and what lies beside them stays.
    ['az@[`{', 'AZ@[`{', ''],
  ];
  for (const [line, verb, argument] of good)
    it(`reads ${JSON.stringify(line)}`, () => {
      const command = readThreeWays(line, parseCommand);
      assert.ok(command.ok);
      assert.deepEqual([command.value.verb, textOf(command.value.argument)], [verb, argument]);
    });

  for (const line of [
    '',
    ' NOOP',
    '\tNOOP',
    'NOOP\t',
    'PORT\t192,0,2,1,4,5',
    'NO\x7fOP',
    'NO\x00OP',
    'NO\rOP',
    '\xa0NOOP',
    'NOOP\xa0',
    // Dotless and long s would become ASCII letters under Unicode case folding.
    '\xc4\xb1\xc5\xbf',
    '\xff\xf4',
    'ABCDEFGHIJKLMNOPQ',
    'A'.repeat(4000),
  ])
    it(`refuses ${JSON.stringify(line.slice(0, 20))}`, () => {
      const command = readThreeWays(line, parseCommand);
      assert.ok(!command.ok);
      assert.match(command.reason, /verb/);
    });
});

describe('formatCommand', () => {
  it('writes a command with CR LF', () => {
    assert.equal(textOf(formatCommand('PASV')), 'PASV\r\n');
    assert.equal(textOf(formatCommand('PORT', '192,0,2,1,4,5')), 'PORT 192,0,2,1,4,5\r\n');
  });

  for (const argument of ['a\r\nDELE b', 'a\rb', 'a\nb', 'a\0b', 'é', '\u0141', '\x7f'])
    it(`throws on ${JSON.stringify(argument)}`, () => {
      assert.throws(() => formatCommand('RETR', argument), RangeError);
      assert.throws(() => formatCommand(argument), RangeError);
    });
});

describe('argumentText', () => {
  const cases: [name: string, argument: string, text: string][] = [
    ['shows ASCII', ' a b ', ' a b '],
    ['shows UTF-8', 'caf\xc3\xa9 \xf0\x9f\x90\x9f', 'café 🐟'],
    ['shows Latin-1 where it is not UTF-8', 'caf\xe9', 'café'],
    ['shows an overlong form as Latin-1', '\xc0\xaf', 'À¯'],
    ['escapes control characters', 'a\r\n\x1b[2J\0\x7f', 'a\\x0d\\x0a\\x1b[2J\\x00\\x7f'],
    ['escapes C1 control characters of either charset', '\x9b\xff|', '\\x9bÿ|'],
    ['escapes C1 control characters in UTF-8', '\xc2\x9b', '\\x9b'],
    ['escapes a bidirectional override', 'gpj\xe2\x80\xae.exe', 'gpj\\u{202e}.exe'],
    ['escapes a line separator', 'a\xe2\x80\xa8b', 'a\\u{2028}b'],
    ['escapes a byte order mark and does not lose it', '\xef\xbb\xbfa', '\\u{feff}a'],
  ];
  for (const [name, argument, text] of cases) it(name, () => assert.equal(argumentText(octetsOf(argument)), text));

  it('ends after 512 characters, before escapes', () => {
    assert.equal(argumentText(octetsOf('x'.repeat(4000))), 'x'.repeat(512));
    assert.equal(argumentText(octetsOf('\xe9'.repeat(200_000))), 'é'.repeat(512));
    assert.equal(argumentText(octetsOf('\x01'.repeat(600))), '\\x01'.repeat(512));
  });
});
