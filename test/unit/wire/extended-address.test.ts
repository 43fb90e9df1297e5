import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printEndpoint } from '../../../src/address/endpoint.ts';
import {
  type EpsvArgument,
  findExtendedPort,
  type ParsedEprt,
  parseEprt,
  parseEpsvArgument,
  printEprt,
} from '../../../src/wire/extended-address.ts';
import { readThreeWays } from './deliveries.ts';

function shown(eprt: ParsedEprt): string {
  if (eprt.ok) return printEndpoint(eprt.value);
  return eprt.reason.cause;
}

describe('parseEprt', () => {
  const cases: [argument: string, expected: string][] = [
    ['|1|192.0.2.1|5000|', '192.0.2.1:5000'],
    ['|2|2001:db8::1|5000|', '[2001:db8::1]:5000'],
    ['|2|2001:0DB8:0:0:0:0:0:1|65535|', '[2001:db8::1]:65535'],
    ['|2|::|1|', '[::]:1'],
    ['|1|0.0.0.0|1|', '0.0.0.0:1'],
    ['  |1|192.0.2.1|5000|  ', '192.0.2.1:5000'],
    // RFC 2428 §2: any delimiter from 33 to 126, as long as no field has it.
    ['!1!192.0.2.1!5000!', '192.0.2.1:5000'],
    ['~2~2001:db8::1~5000~', '[2001:db8::1]:5000'],
    [',1,192.0.2.1,5000,', '192.0.2.1:5000'],
    [':1:192.0.2.1:5000:', '192.0.2.1:5000'],
    ['x1x192.0.2.1x5000x', '192.0.2.1:5000'],
    ['|3|192.0.2.1|5000|', 'unknown-family'],
    ['|0|192.0.2.1|5000|', 'unknown-family'],
    ['|65535|whatever|x|', 'unknown-family'],
  ];
  for (const [argument, expected] of cases)
    it(`reads ${JSON.stringify(argument)}`, () => assert.equal(shown(readThreeWays(argument, parseEprt)), expected));

  for (const argument of [
    '',
    '|',
    '||||',
    '|1|192.0.2.1|5000',
    '1|192.0.2.1|5000|',
    '|1|192.0.2.1|5000|x',
    '|1|192.0.2.1|5000||',
    '|1|192.0.2.1|5000|1|',
    '||192.0.2.1|5000|',
    '|1||5000|',
    '|1|192.0.2.1||',
    '|01|192.0.2.1|5000|',
    '|+1|192.0.2.1|5000|',
    '| 1|192.0.2.1|5000|',
    '|x|192.0.2.1|5000|',
    '|123456|192.0.2.1|5000|',
    '|1|192.0.2.1|0|',
    '|1|192.0.2.1|65536|',
    '|1|192.0.2.1|70536|',
    '|1|192.0.2.1|05000|',
    '|1|192.0.2.1|+5000|',
    '|1|192.0.2.1|-1|',
    '|1|192.0.2.1| 5000|',
    '|1|192.0.2.1|0x1388|',
    '|1|192.0.2.010|5000|',
    '|1|192.0.2|5000|',
    '|1|3221225985|5000|',
    '|1|0xc0.0.2.1|5000|',
    '|1| 192.0.2.1|5000|',
    '|1|192.0.2.1\t|5000|',
    '|1|localhost|5000|',
    '|1|2001:db8::1|5000|',
    '|1|::ffff:192.0.2.1|5000|',
    '|2|192.0.2.1|5000|',
    '|2|::ffff:192.0.2.1|5000|',
    '|2|::ffff:c000:201|5000|',
    '|2|0:0:0:0:0:FFFF:c000:0201|5000|',
    '|2|fe80::1%eth0|5000|',
    '|2|[2001:db8::1]|5000|',
    '|2|2001:db8::1/64|5000|',
    ' 1 192.0.2.1 5000 ',
    '\t1\t192.0.2.1\t5000\t',
    '\x7f1\x7f192.0.2.1\x7f5000\x7f',
    '\xa61\xa6192.0.2.1\xa65000\xa6',
    '.1.192.0.2.1.5000.',
    ':2:2001:db8::1:5000:',
    '192,0,2,1,4,5',
    `|1|${'0'.repeat(3000)}|5000|`,
  ])
    it(`refuses ${JSON.stringify(argument.slice(0, 40))}`, () =>
      assert.equal(shown(readThreeWays(argument, parseEprt)), 'malformed'));
});

describe('printEprt', () => {
  it('writes both families', () => {
    assert.equal(printEprt({ address: { family: 4, text: '192.0.2.1' }, port: 5000 }), '|1|192.0.2.1|5000|');
    assert.equal(printEprt({ address: { family: 6, text: '2001:db8::1' }, port: 5000 }), '|2|2001:db8::1|5000|');
  });
});

describe('parseEpsvArgument', () => {
  const cases: [argument: string, expected: EpsvArgument][] = [
    ['', { kind: 'none' }],
    ['  ', { kind: 'none' }],
    ['1', { kind: 'family', family: 4 }],
    ['2', { kind: 'family', family: 6 }],
    [' 2 ', { kind: 'family', family: 6 }],
    ['ALL', { kind: 'all' }],
    [' all', { kind: 'all' }],
    ['3', { kind: 'unknown-family' }],
    ['0', { kind: 'unknown-family' }],
    ['01', { kind: 'malformed' }],
    ['+1', { kind: 'malformed' }],
    ['1 2', { kind: 'malformed' }],
    ['ALLE', { kind: 'malformed' }],
    ['\tALL', { kind: 'malformed' }],
    ['A\0LL', { kind: 'malformed' }],
    ['123456', { kind: 'malformed' }],
    ['\xb9', { kind: 'malformed' }],
  ];
  for (const [argument, expected] of cases)
    it(`reads ${JSON.stringify(argument)}`, () =>
      assert.deepEqual(readThreeWays(argument, parseEpsvArgument), expected));
});

describe('findExtendedPort', () => {
  for (const text of [
    ' Entering Extended Passive Mode (|||5000|)',
    ' Entering Extended Passive Mode (||| 5000 |)',
    ' Entering Extended Passive Mode (|||5000|).',
    ' Entering Extended Passive Mode (!!!5000!)',
    ' Entering (extended) passive mode (|||5000|) now',
    ' Entering Extended Passive Mode |||5000|',
    ' Entering Extended Passive Mode |||5000|.',
    ' Please wait... |||5000|',
    ' Extended passive =!!!5000! ok',
    '(|||5000|)',
    ' ((((5000()',
    ' (1115000' + '1)',
    ' (xxx5000x)',
    ' caf\xe9 (|||5000|)',
  ])
    it(`finds the port in ${JSON.stringify(text)}`, () =>
      assert.deepEqual(readThreeWays(text, findExtendedPort), { ok: true, value: 5000 }));

  for (const text of [
    '',
    ' Entering Extended Passive Mode',
    ' (|||5000)',
    ' (||5000|)',
    ' (||||5000|)',
    ' ||||5000|',
    ' (|||5000||)',
    ' (|||5000|6|)',
    ' |||5000|6|',
    ' (||!5000|)',
    ' (|||5000!)',
    // Address fields are empty: RFC 2428 §3. One that names a host is not followed.
    ' (|1|198.51.100.1|5000|)',
    ' (|||0|)',
    ' (|||65536|)',
    ' (|||05000|)',
    ' (|||+5000|)',
    ' (|||-5000|)',
    ' (   5000 )',
    ' (\t\t\t5000\t)',
    ' (\xa6\xa6\xa65000\xa6)',
    ' (|||5000|x',
    ' (11150151)',
    ' xxx5000x',
    ' 1115000' + '1',
    ' Entering (extended) passive mode |||5000|',
    ' Entering Passive Mode (192,0,2,1,4,5)',
  ])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(readThreeWays(text, findExtendedPort).ok, false));
});
