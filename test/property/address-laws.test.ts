// Laws of addresses: one address has one text, texts and octets say the same, what other readers refuse is refused, and
// membership in a network is arithmetic.

import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Address,
  addressFromOctets,
  octetsOfAddress,
  parseAddress,
  parseEndpoint,
  printEndpoint,
  sameAddress,
} from '../../src/address/endpoint.ts';
import { contains, parseNetwork } from '../../src/address/network.ts';

const numRuns = 1000;
const octet = fc.oneof(fc.constantFrom(0, 0, 255), fc.integer({ min: 0, max: 255 }));
const octets4 = fc.array(octet, { minLength: 4, maxLength: 4 }).map((octets) => Uint8Array.from(octets));
const octets16 = fc.array(octet, { minLength: 16, maxLength: 16 }).map((octets) => Uint8Array.from(octets));
const mapped = octets4.map((octets) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...octets));
const octets = fc.oneof(octets4, octets16, mapped);
const address: fc.Arbitrary<Address> = octets.map(addressFromOctets);
const nearly = fc.oneof(
  fc.stringMatching(/^[0-9]{1,3}(\.[0-9]{1,3}){2,4}$/),
  fc.stringMatching(/^[0-9a-fA-F]{0,4}(:{1,2}[0-9a-fA-F]{0,4}){1,8}$/),
  fc.stringMatching(/^(:{0,2}[0-9a-f]{1,4}){0,6}:{1,2}[0-9]{1,3}(\.[0-9]{1,3}){3}$/),
  fc.string({ unit: 'binary' }),
);

function numberOf(value: Uint8Array): bigint {
  return value.reduce((number, part) => number * 256n + BigInt(part), 0n);
}

describe('laws of addresses', () => {
  it('octets give a text that gives the same octets, mapped ones made plain', () => {
    fc.assert(
      fc.property(octets, (written) => {
        const made = addressFromOctets(written);
        assert.deepEqual(octetsOfAddress(made), made.family === 4 ? written.slice(-4) : written);
        assert.deepEqual(parseAddress(made.text), { ok: true, value: made });
      }),
      { numRuns },
    );
  });

  it('every spelling of an IPv6 address gives the text of the URL standard, which is that of RFC 5952', () => {
    fc.assert(
      fc.property(octets16, fc.boolean(), fc.boolean(), (written, upper, padded) => {
        const groups = Array.from({ length: 8 }, (_, index) => written[index * 2]! * 256 + written[index * 2 + 1]!);
        const long = groups.map((group) => group.toString(16).padStart(padded ? 4 : 1, '0')).join(':');
        const read = parseAddress(upper ? long.toUpperCase() : long);
        assert.ok(read.ok);
        fc.pre(read.value.family === 6);
        assert.equal(`[${read.value.text}]`, new URL(`http://[${long}]/`).hostname);
        assert.ok(sameAddress(read.value, addressFromOctets(written)));
      }),
      { numRuns },
    );
  });

  it('a text is read exactly where the sockets of the platform would read it', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        fc.pre(!text.includes('%'));
        assert.equal(parseAddress(text).ok, isIPv4(text) || isIPv6(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('an endpoint is read as it was written', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 1, max: 65_535 }), (host, port) => {
        assert.deepEqual(parseEndpoint(printEndpoint({ address: host, port })), {
          ok: true,
          value: { address: host, port },
        });
      }),
      { numRuns },
    );
  });
});

describe('laws of networks', () => {
  it('an address lies in a network exactly when their leading bits are equal', () => {
    fc.assert(
      fc.property(address, octets, fc.nat({ max: 128 }), fc.nat({ max: 128 }), (base, noise, length, shared) => {
        const size = octetsOfAddress(base).length * 8;
        const prefixLength = Math.min(length, size);
        const hostBits = BigInt(size - prefixLength);
        const first = (numberOf(octetsOfAddress(base)) >> hostBits) << hostBits;
        const network = parseNetwork(`${addressOfNumber(first, size).text}/${prefixLength}`);
        // Zeroed host bits can turn an address of one kind into a mapped one, which is another network.
        fc.pre(network.ok && network.value.family === base.family);
        assert.ok(contains(network.value, base));
        // A second address that shares some leading bits with the first.
        const noiseBits = BigInt(Math.max(0, size - shared));
        const other = numberOf(octetsOfAddress(base)) ^ (numberOf(noise) & ((1n << noiseBits) - 1n));
        const candidate = addressOfNumber(other, size);
        fc.pre(candidate.family === base.family);
        assert.equal(contains(network.value, candidate), other >> hostBits === first >> hostBits);
      }),
      { numRuns },
    );
  });

  it('a network with host bits set is refused with the network that holds the address', () => {
    fc.assert(
      fc.property(address, fc.nat({ max: 128 }), (host, length) => {
        const network = parseNetwork(`${host.text}/${length}`);
        if (network.ok || !network.reason.includes('host bits')) return;
        const meant = parseNetwork(network.reason.slice(network.reason.lastIndexOf(' ') + 1));
        assert.ok(meant.ok);
        assert.ok(contains(meant.value, host));
        assert.equal(meant.value.prefixLength, length);
      }),
      { numRuns },
    );
  });

  it('no text makes the reader throw', () => {
    fc.assert(
      fc.property(nearly, fc.oneof(fc.constant(''), fc.stringMatching(/^\/[0-9-]{0,4}$/)), (text, prefix) => {
        assert.equal(typeof parseNetwork(text + prefix).ok, 'boolean');
        assert.equal(typeof parseEndpoint(text + prefix).ok, 'boolean');
      }),
      { numRuns },
    );
  });
});

function addressOfNumber(number: bigint, size: number): Address {
  const hex = number.toString(16).padStart(size / 4, '0');
  return addressFromOctets(Uint8Array.from(Buffer.from(hex, 'hex')));
}
