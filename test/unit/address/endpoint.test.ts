import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addressFromOctets,
  isUnspecified,
  octetsOfAddress,
  parseAddress,
  parseEndpoint,
  parsePort,
  printEndpoint,
  sameAddress,
  sameEndpoint,
} from '../../../src/address/endpoint.ts';

function addressOf(text: string) {
  const address = parseAddress(text);
  assert.ok(address.ok, `${text} should be an address`);
  return address.value;
}

describe('parseAddress', () => {
  for (const text of ['0.0.0.0', '192.0.2.1', '255.255.255.255', '10.20.30.40'])
    it(`takes ${text} as it is`, () => assert.deepEqual(addressOf(text), { family: 4, text }));

  const canonical: [written: string, canonical: string][] = [
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    // RFC 5952 §4.2.2 and §4.2.3: one group is not shortened; the first of the longest runs is.
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:192.0.2.33', '1:2:3:4:5:6:c000:221'],
    // Deprecated IPv4-compatible addresses are IPv6 addresses like any other.
    ['::192.0.2.33', '::c000:221'],
  ];
  for (const [written, text] of canonical)
    it(`makes ${text} of ${written}`, () => assert.deepEqual(addressOf(written), { family: 6, text }));

  for (const mapped of ['::ffff:192.0.2.1', '::FFFF:C000:201', '0:0:0:0:0:ffff:192.0.2.1'])
    it(`makes ${mapped} plain IPv4`, () => assert.deepEqual(addressOf(mapped), { family: 4, text: '192.0.2.1' }));

  const bad = [
    '',
    '192.0.2',
    '192.0.2.1.',
    '192.0.2.1.1',
    '192.0.2.256',
    // Octal, hexadecimal, wrapped and signed forms that inet_aton and lenient servers accept.
    '192.0.2.010',
    '0xc0.0.2.1',
    '3221225985',
    '192.0.513',
    '+192.0.2.1',
    '192.0.2.-1',
    ' 192.0.2.1',
    '192.0.2.1 ',
    '192.0.2.1\n',
    '192.0.2.1/32',
    '１９２.0.2.1',
    'localhost',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::1',
    'g::1',
    'fe80::1%eth0',
    'fe80::1%1',
    '2001:db8::/32',
    '::ffff:192.0.2.010',
    '::192.0.2.1:1',
    '[::1]',
    ' ::1',
    '::1\n',
  ];
  for (const text of bad)
    it(`refuses ${JSON.stringify(text)} with a reason`, () => {
      const address = parseAddress(text);
      assert.ok(!address.ok);
      assert.match(address.reason, /^expected /);
    });
});

describe('parseEndpoint', () => {
  for (const text of ['192.0.2.1:21', '[2001:db8::1]:21', '[::]:1', '0.0.0.0:65535'])
    it(`reads ${text}, and printEndpoint writes it again`, () => {
      const endpoint = parseEndpoint(text);
      assert.ok(endpoint.ok);
      assert.equal(printEndpoint(endpoint.value), text);
    });

  it('makes a mapped address plain', () => {
    const endpoint = parseEndpoint('[::ffff:192.0.2.1]:21');
    assert.deepEqual(endpoint, { ok: true, value: { address: { family: 4, text: '192.0.2.1' }, port: 21 } });
  });

  for (const text of [
    '',
    '192.0.2.1',
    ':21',
    '192.0.2.1:',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2.1:021',
    '192.0.2.1:+21',
    '192.0.2.1:21 ',
    '192.0.2.1:1e3',
    '2001:db8::1:21',
    '[192.0.2.1]:21',
    '[2001:db8::1]',
    '[2001:db8::1]21',
    '[2001:db8::1:21',
    '[]:21',
  ])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseEndpoint(text).ok, false));
});

describe('parsePort', () => {
  it('takes 1 and 65535', () => {
    assert.deepEqual(parsePort('1'), { ok: true, value: 1 });
    assert.deepEqual(parsePort('65535'), { ok: true, value: 65_535 });
  });
  for (const text of ['', '0', '-1', '+1', '01', '65536', '99999', '100000', ' 1', '1.0', '0x15'])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parsePort(text).ok, false));
});

describe('addressFromOctets and octetsOfAddress', () => {
  const pairs: [text: string, octets: number[]][] = [
    ['192.0.2.1', [192, 0, 2, 1]],
    ['2001:db8::ff01', [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 1]],
    ['::', Array.from({ length: 16 }, () => 0)],
  ];
  for (const [text, octets] of pairs)
    it(`know ${text}`, () => {
      assert.equal(addressFromOctets(Uint8Array.from(octets)).text, text);
      assert.deepEqual(octetsOfAddress(addressOf(text)), Uint8Array.from(octets));
    });

  it('make mapped octets plain IPv4', () => {
    const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 255);
    assert.deepEqual(addressFromOctets(mapped), { family: 4, text: '192.0.2.255' });
  });

  it('know no address of five octets', () => assert.throws(() => addressFromOctets(new Uint8Array(5)), RangeError));
});

describe('comparisons', () => {
  it('see through other spellings', () => {
    assert.ok(sameAddress(addressOf('2001:DB8:0::1'), addressOf('2001:db8::1')));
    assert.ok(sameAddress(addressOf('::ffff:192.0.2.1'), addressOf('192.0.2.1')));
    assert.ok(!sameAddress(addressOf('192.0.2.1'), addressOf('192.0.2.2')));
  });

  it('take the port into account', () => {
    const address = addressOf('192.0.2.1');
    assert.ok(sameEndpoint({ address, port: 21 }, { address: { family: 4, text: '192.0.2.1' }, port: 21 }));
    assert.ok(!sameEndpoint({ address, port: 21 }, { address, port: 20 }));
    assert.ok(!sameEndpoint({ address, port: 21 }, { address: addressOf('192.0.2.2'), port: 21 }));
  });

  it('know the unspecified addresses in every spelling', () => {
    for (const text of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'])
      assert.ok(isUnspecified(addressOf(text)), text);
    for (const text of ['0.0.0.1', '::1']) assert.ok(!isUnspecified(addressOf(text)), text);
  });
});
