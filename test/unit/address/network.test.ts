import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../../src/address/endpoint.ts';
import { contains, containsAny, type Network, parseNetwork } from '../../../src/address/network.ts';

function networkOf(text: string): Network {
  const network = parseNetwork(text);
  assert.ok(network.ok, network.ok ? '' : `${text}: ${network.reason}`);
  return network.value;
}

function addressOf(text: string) {
  const address = parseAddress(text);
  assert.ok(address.ok);
  return address.value;
}

describe('parseNetwork', () => {
  const good: [written: string, canonical: string][] = [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['192.0.2.6/31', '192.0.2.6/31'],
    ['2001:DB8:0::/32', '2001:db8::/32'],
    ['::/0', '::/0'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:192.0.2.1', '192.0.2.1/32'],
  ];
  for (const [written, text] of good)
    it(`makes ${text} of ${written}`, () => assert.equal(networkOf(written).text, text));

  const hostBits: [written: string, meant: string][] = [
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['192.0.2.129/25', '192.0.2.128/25'],
    ['0.0.0.1/0', '0.0.0.0/0'],
    ['2001:db8::1/32', '2001:db8::/32'],
    ['2001:db8::ffff/127', '2001:db8::fffe/127'],
    ['::ffff:10.0.0.1/104', '10.0.0.0/8'],
  ];
  for (const [written, meant] of hostBits)
    it(`refuses ${written} and proposes ${meant}`, () =>
      assert.deepEqual(parseNetwork(written), { ok: false, reason: `host bits are set; the network is ${meant}` }));

  for (const text of [
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0.0 /8',
    '10/8',
    '2001:db8::/129',
    '::ffff:0.0.0.0/95',
    '::ffff:0.0.0.0/129',
    'fe80::%eth0/64',
    'any',
  ])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseNetwork(text).ok, false));

  it('gives plain data that survives the way to another thread', () => {
    const network = structuredClone(networkOf('192.0.2.0/24'));
    assert.deepEqual(network, networkOf('192.0.2.0/24'));
    assert.ok(contains(network, addressOf('192.0.2.200')));
  });
});

describe('contains', () => {
  const cases: [network: string, inside: string[], outside: string[]][] = [
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.1.1'], ['9.255.255.255', '11.0.0.0', '::a00:1']],
    ['192.0.2.128/25', ['192.0.2.128', '192.0.2.255'], ['192.0.2.127', '192.0.3.128']],
    ['192.0.2.8/30', ['192.0.2.8', '192.0.2.11'], ['192.0.2.7', '192.0.2.12']],
    ['192.0.2.7', ['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::', '::1']],
    ['2001:db8::/33', ['2001:db8::1', '2001:db8:7fff::'], ['2001:db8:8000::', '2001:db9::']],
    ['2001:db8::1', ['2001:db8::1'], ['2001:db8::', '2001:db8::2']],
    ['::/0', ['::', 'ffff::'], ['0.0.0.0', '192.0.2.1']],
  ];
  for (const [network, inside, outside] of cases)
    it(`knows what ${network} holds`, () => {
      for (const text of inside) assert.ok(contains(networkOf(network), addressOf(text)), `${text} inside`);
      for (const text of outside) assert.ok(!contains(networkOf(network), addressOf(text)), `${text} outside`);
    });
});

describe('containsAny', () => {
  it('needs one of them, and nothing is in none', () => {
    const networks = [networkOf('10.0.0.0/8'), networkOf('2001:db8::/32')];
    assert.ok(containsAny(networks, addressOf('2001:db8::1')));
    assert.ok(!containsAny(networks, addressOf('192.0.2.1')));
    assert.ok(!containsAny([], addressOf('192.0.2.1')));
  });
});
