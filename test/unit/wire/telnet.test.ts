import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { takeTelnet } from '../../../src/wire/telnet.ts';
import { readThreeWays, textOf } from './deliveries.ts';

describe('takeTelnet', () => {
  const cases: [name: string, line: string, rest: string, interrupt?: boolean, answer?: string][] = [
    ['leaves a plain command', 'ABOR', 'ABOR'],
    ['leaves an empty line', '', ''],
    ['takes IAC IP IAC DM', '\xff\xf4\xff\xf2ABOR', 'ABOR', true],
    ['takes IAC IP DM, the urgent IAC missing', '\xff\xf4\xf2ABOR', 'ABOR', true],
    ['takes a DM alone, all urgent octets missing', '\xf2ABOR', 'ABOR', true],
    ['takes IAC DM alone', '\xff\xf2ABOR', 'ABOR', true],
    ['takes IAC IP alone', '\xff\xf4STAT', 'STAT', true],
    ['refuses WILL with DONT', '\xff\xfb\x01USER a', 'USER a', false, '\xff\xfe\x01'],
    ['refuses DO with WONT', '\xff\xfd\x03USER a', 'USER a', false, '\xff\xfc\x03'],
    [
      'refuses each in order, options of any number',
      '\xff\xfd\xff\xff\xfb\xf2NOOP',
      'NOOP',
      false,
      '\xff\xfc\xff\xff\xfe\xf2',
    ],
    ['does not answer WONT and DONT', '\xff\xfc\x01\xff\xfe\x03NOOP', 'NOOP'],
    ['swallows a complete sub-negotiation', '\xff\xfa\x18\x00xterm\xff\xf0NOOP', 'NOOP'],
    ['knows FF FF inside a sub-negotiation', '\xff\xfa\x18\xff\xff\xf0xterm\xff\xf0NOOP', 'NOOP'],
    ['leaves an incomplete sub-negotiation', '\xff\xfa\x18xtermNOOP', '\xff\xfa\x18xtermNOOP'],
    ['leaves a sub-negotiation with another command inside', '\xff\xfa\x18\xff\xf4NOOP', '\xff\xfa\x18\xff\xf4NOOP'],
    ['swallows NOP, BRK, AO, AYT, EC, EL, GA', '\xff\xf1\xff\xf3\xff\xf5\xff\xf6\xff\xf7\xff\xf8\xff\xf9NOOP', 'NOOP'],
    ['leaves WILL without an option', '\xff\xfb', '\xff\xfb'],
    ['leaves IAC before an octet of data', '\xffABOR', '\xffABOR'],
    ['leaves IAC at the end', '\xff', '\xff'],
    ['leaves FF FF at the start, which is data', '\xff\xff\xf4ABOR', '\xff\xff\xf4ABOR'],
    ['leaves IP without IAC', '\xf4ABOR', '\xf4ABOR'],
    ['stops at the verb', '\xff\xf4STOR \xff\xf4\xf2', 'STOR \xff\xf4\xf2', true],
    ['leaves an argument alone, FF FF included', 'STOR \xff\xff\xff\xf4a', 'STOR \xff\xff\xff\xf4a'],
    ['leaves nothing where nothing else was', '\xff\xf4\xff\xf2', '', true],
  ];
  for (const [name, line, rest, interrupt = false, answer = ''] of cases)
    it(name, () => {
      const taken = readThreeWays(line, takeTelnet);
      assert.equal(textOf(taken.octets), rest);
      assert.equal(taken.interrupt, interrupt);
      assert.equal(textOf(taken.answer), answer);
    });

  it('gives back the very octets where there is nothing to take', () => {
    const octets = Uint8Array.of(78, 79, 79, 80);
    assert.equal(takeTelnet(octets).octets, octets);
  });
});
