// Laws of addresses on the wire: reading what was written gives it back, what is read is exactly what stood there, and
// no octets make a parser throw.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressFromOctets, type Endpoint } from '../../src/address/endpoint.ts';
import { findExtendedPort, parseEprt, parseEpsvArgument, printEprt } from '../../src/wire/extended-address.ts';
import { findHostPort, parseHostPort, printHostPort } from '../../src/wire/host-port.ts';

const numRuns = 1000;
const port = fc.integer({ min: 1, max: 65_535 });
const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(addressFromOctets);
const ipv6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map(addressFromOctets)
  .filter((address) => address.family === 6);
const plain = { noNullPrototype: true };
const endpoint4: fc.Arbitrary<Endpoint> = fc.record({ address: ipv4, port }, plain);
const endpoint: fc.Arbitrary<Endpoint> = fc.record({ address: fc.oneof(ipv4, ipv6), port }, plain);
const delimiter = fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code));
const words = fc.stringMatching(/^[A-Za-z ,.=\xe9-]{0,20}$/);
// What nearly is an address text: the parsers get close to accepting it, and sometimes do.
const nearly = fc.oneof(
  fc.stringMatching(/^ ?[0-9,]{9,23} ?$/),
  fc.stringMatching(/^(0?[0-9]{1,3},){5}[0-9]{1,3}[ ,.)]?$/),
  fc.stringMatching(/^\|?[012]?\|[0-9a-f.:]{2,15}\|[0-9]{1,6}\|?$/),
  fc.stringMatching(/^\(?[|!]{2,4}[0-9]{1,6}[|!]\)?$/),
  fc.string({ unit: 'binary' }),
);

function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

describe('laws of host-ports', () => {
  it('are read as they were written, in PORT and inside a 227 of any wording', () => {
    fc.assert(
      fc.property(endpoint4, words, words, (written, before, after) => {
        const numbers = printHostPort(written);
        assert.deepEqual(parseHostPort(octetsOf(` ${numbers} `)), { ok: true, value: written });
        assert.deepEqual(findHostPort(octetsOf(` ${before}(${numbers})${after}`)), { ok: true, value: written });
      }),
      { numRuns },
    );
  });

  it('have one spelling: what PORT accepts is what would be written', () => {
    fc.assert(
      fc.property(nearly, (argument) => {
        const read = parseHostPort(octetsOf(argument));
        if (read.ok) assert.equal(printHostPort(read.value), argument.replace(/^ +| +$/g, ''));
      }),
      { numRuns },
    );
  });

  it('are found in a 227 only where they stand', () => {
    fc.assert(
      fc.property(nearly, words, (numbers, before) => {
        const text = before + numbers;
        const found = findHostPort(octetsOf(text));
        const there = text.match(/[0-9][0-9, ]*[0-9]/)?.[0].split(/ *, */);
        if (found.ok) assert.equal(there?.map(Number).join(), printHostPort(found.value));
      }),
      { numRuns },
    );
  });
});

describe('laws of extended addresses', () => {
  it('an EPRT is read as it was written, with every delimiter that is in no field', () => {
    fc.assert(
      fc.property(endpoint, delimiter, (written, mark) => {
        const eprt = printEprt(written);
        assert.deepEqual(parseEprt(octetsOf(eprt)), { ok: true, value: written });
        fc.pre(!eprt.replaceAll('|', '').includes(mark));
        assert.deepEqual(parseEprt(octetsOf(eprt.replaceAll('|', mark))), { ok: true, value: written });
      }),
      { numRuns },
    );
  });

  it('an IPv4 EPRT has one spelling for each delimiter', () => {
    fc.assert(
      fc.property(nearly, (argument) => {
        const read = parseEprt(octetsOf(argument));
        if (!read.ok || read.value.address.family !== 4) return;
        const text = argument.replace(/^ +| +$/g, '');
        assert.equal(text, printEprt(read.value).replaceAll('|', text.charAt(0)));
      }),
      { numRuns },
    );
  });

  it('a 229 gives the port, with every delimiter that is not in it, with parentheses and without', () => {
    fc.assert(
      fc.property(port, delimiter, (number, mark) => {
        fc.pre(!String(number).includes(mark));
        const text = `${mark}${mark}${mark}${number}${mark}`;
        assert.deepEqual(findExtendedPort(octetsOf(` Mode (${text})`)), { ok: true, value: number });
        if (/[^\w(]|_/.test(mark))
          assert.deepEqual(findExtendedPort(octetsOf(` Mode ${text}`)), { ok: true, value: number });
      }),
      { numRuns },
    );
  });

  it('a 229 gives only a port that stands between delimiters', () => {
    fc.assert(
      fc.property(nearly, (text) => {
        const found = findExtendedPort(octetsOf(text));
        if (found.ok) assert.match(text, new RegExp(`([!-~])\\1\\1(?:${found.value})\\1`));
      }),
      { numRuns },
    );
  });
});

describe('no octets', () => {
  it('make a parser of addresses throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), nearly.map(octetsOf)), (octets) => {
        for (const parse of [parseHostPort, findHostPort, parseEprt, findExtendedPort])
          assert.equal(typeof parse(octets).ok, 'boolean');
        assert.equal(typeof parseEpsvArgument(octets).kind, 'string');
      }),
      { numRuns },
    );
  });

  it('are too many', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), (octet) => {
        const flood = new Uint8Array(200_000).fill(octet);
        for (const parse of [parseHostPort, findHostPort, parseEprt]) assert.equal(parse(flood).ok, false);
      }),
      { numRuns: 20 },
    );
  });
});
