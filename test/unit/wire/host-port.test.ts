import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Endpoint, printEndpoint } from '../../../src/address/endpoint.ts';
import type { Parsed } from '../../../src/address/parsed.ts';
import { findHostPort, parseHostPort, printHostPort } from '../../../src/wire/host-port.ts';
import { readThreeWays } from './deliveries.ts';

function shown(endpoint: Parsed<Endpoint>): string {
  return endpoint.ok ? printEndpoint(endpoint.value) : 'unreadable';
}

// What is wrong with six numbers is wrong in PORT and in 227.
const badNumbers = [
  '192,0,2,1,4',
  '192,0,2,1,4,5,6',
  '192,0,2,1,4,5,',
  ',192,0,2,1,4,5,',
  '192,0,2,,4,5',
  '192,0,2,1,4,',
  '192,0,2,256,4,5',
  '192,0,2,1,256,5',
  '192,0,2,1,4,256',
  '192,0,2,1,4,999',
  '192,0,2,1,4,65541',
  '192,0,2,1,0,0',
  // Octal, hexadecimal, wrapped, signed, spaced and otherwise lenient readings.
  '192,0,2,010,4,5',
  '192,0,2,01,4,5',
  '192,00,2,1,4,5',
  '192,0,2,0001,4,5',
  '192,0,2,0x1,4,5',
  '4294967296,0,2,1,4,5',
  '-192,0,2,1,4,5',
  '+192,0,2,1,4,5',
  '192,0,2,-1,4,5',
  '192,0,2,1,+4,5',
  '192, 0,2,1,4,5',
  '192,0 ,2,1,4,5',
  '192\t,0,2,1,4,5',
  '192.0.2.1,4,5',
  '192,0,2,1:1029',
  '192,0,2,1,4,5 6',
  '',
  ' ',
];

describe('parseHostPort', () => {
  const good: [argument: string, endpoint: string][] = [
    ['192,0,2,1,4,5', '192.0.2.1:1029'],
    ['  192,0,2,1,4,5', '192.0.2.1:1029'],
    ['192,0,2,1,4,5  ', '192.0.2.1:1029'],
    ['255,255,255,255,255,255', '255.255.255.255:65535'],
    ['0,0,0,0,0,1', '0.0.0.0:1'],
    ['10,0,100,9,1,0', '10.0.100.9:256'],
  ];
  for (const [argument, endpoint] of good)
    it(`reads ${JSON.stringify(argument)}`, () =>
      assert.equal(shown(readThreeWays(argument, parseHostPort)), endpoint));

  for (const argument of [
    ...badNumbers,
    '(192,0,2,1,4,5)',
    '192,0,2,1,4,5.',
    '192,0,2,1,4,5x',
    '192,0,2,1,4,5\0',
    '192,0,2,1,4,5\t',
    '192,0,2,1,4,5\xa0',
    '=192,0,2,1,4,5',
    '\xa0192,0,2,1,4,5',
    '\t192,0,2,1,4,5',
    '|1|192.0.2.1|1029|',
    '::1',
  ])
    it(`refuses ${JSON.stringify(argument)}`, () =>
      assert.equal(shown(readThreeWays(argument, parseHostPort)), 'unreadable'));
});

describe('the reason of a refusal', () => {
  for (const [argument, reason] of [
    ['192,0,2,010,4,5', 'a number has a leading zero'],
    ['192,0,2,01,4,5', 'a number has a leading zero'],
    ['192,0,2,256,4,5', 'a number is larger than 255'],
    ['192,0,2,1,4,', 'a number is missing'],
    ['192,0,2,1,4', 'there are not six numbers with commas between them'],
    ['192,0,2,1,4,5,6', 'something follows the six numbers'],
    ['192,0,2,1,0,0', 'the port is 0'],
  ] as const)
    it(`of ${argument} is that ${reason}`, () =>
      assert.deepEqual(readThreeWays(argument, parseHostPort), { ok: false, reason }));
});

/** Refused in a PORT, which servers read in ways of their own; in a 227 they are for the gateway alone. */
const sameForEveryReader: ReadonlySet<string> = new Set([
  ...['192,0,2,01,4,5', '192,00,2,1,4,5', '192,0,2,0001,4,5', '192, 0,2,1,4,5', '192,0 ,2,1,4,5'],
]);

describe('findHostPort', () => {
  for (const text of [
    ' Entering Passive Mode (192,0,2,1,4,5)',
    ' Entering Passive Mode (192,0,2,1,4,5).',
    ' Entering Passive Mode 192,0,2,1,4,5',
    ' Entering Passive Mode, 192,0,2,1,4,5.',
    ' =192,0,2,1,4,5',
    ' 192,0,2,1,4,5',
    '192,0,2,1,4,5',
    ' Entering Passive Mode (192,0,2,1,4,5) - caf\xe9, go ahead',
    '-Mode passif (192,0,2,1,4,5)',
    // Right in value, however they are read: three digits each, blanks around commas.
    ' Entering Passive Mode (192,000,002,001,004,005)',
    ' Entering Passive Mode (192, 0, 2, 1, 4, 5)',
    ' Entering Passive Mode (192 ,0 ,2 ,1 ,4 ,5)',
  ])
    it(`finds the numbers in ${JSON.stringify(text)}`, () =>
      assert.equal(shown(readThreeWays(text, findHostPort)), '192.0.2.1:1029'));

  for (const numbers of badNumbers.filter((each) => !sameForEveryReader.has(each)))
    it(`refuses (${numbers})`, () =>
      assert.equal(shown(readThreeWays(` Entering Passive Mode (${numbers})`, findHostPort)), 'unreadable'));

  for (const text of [
    ' Entering Passive Mode',
    ' Passive mode 2 (192,0,2,1,4,5)',
    ' (192,0,2,1,4,5) or (198,51,100,1,4,5)',
    ' (192,0,2,1,4,5), 7',
    ' -192,0,2,1,4,5',
    ' (|||5000|)',
    ' \xb9\xb9\xb9,0,2,1,4,5',
  ])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(shown(readThreeWays(text, findHostPort)), 'unreadable'));
});

describe('printHostPort', () => {
  it('writes the six numbers', () => {
    assert.equal(printHostPort({ address: { family: 4, text: '192.0.2.1' }, port: 1029 }), '192,0,2,1,4,5');
    assert.equal(printHostPort({ address: { family: 4, text: '10.0.0.255' }, port: 65_535 }), '10,0,0,255,255,255');
  });

  it('throws for IPv6', () =>
    assert.throws(() => printHostPort({ address: { family: 6, text: '::1' }, port: 1029 }), RangeError));
});
