import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as libc from '../../../src/sys/libc.ts';
import {
  decodeSocketAddress,
  encodeSocketAddress,
  familyOf,
  type SocketAddress,
} from '../../../src/sys/socket-address.ts';
import { dial, listen, loopback4, loopback6, nextAccepted, socketTest, takeConnection, wildcard6 } from './loopback.ts';

const mappedLoopback = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1);

test('IPv4: family in host order, port and address in network order, eight octets of padding', () => {
  assert.deepEqual(
    encodeSocketAddress({ octets: Uint8Array.of(192, 0, 2, 33), port: 0x1234 }),
    Uint8Array.of(2, 0, 0x12, 0x34, 192, 0, 2, 33, 0, 0, 0, 0, 0, 0, 0, 0),
  );
});

test('IPv6: no flow label before the address, no scope after it', () => {
  const octets = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
  const expected = Uint8Array.of(10, 0, 0xff, 0xfe, 0, 0, 0, 0, ...octets, 0, 0, 0, 0);
  assert.deepEqual(encodeSocketAddress({ octets, port: 0xfffe }), expected);
  assert.equal(expected.length, 28);
});

test('what was encoded reads back, also from a buffer larger than the structure', () => {
  const octets = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  const address: fc.Arbitrary<SocketAddress> = fc.record(
    { octets, port: fc.integer({ min: 0, max: 65_535 }) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(address, (given) => {
      const buffer = new Uint8Array(32).fill(0xee);
      buffer.set(encodeSocketAddress(given));
      assert.deepEqual(decodeSocketAddress(buffer), given);
      assert.equal(familyOf(given), given.octets.length === 4 ? libc.AF_INET : libc.AF_INET6);
    }),
  );
});

test('decoded octets are a copy: the next call may use the buffer again', () => {
  const buffer = encodeSocketAddress({ octets: loopback4, port: 21 });
  const decoded = decodeSocketAddress(buffer);
  buffer.fill(0);
  assert.deepEqual(decoded, { octets: loopback4, port: 21 });
});

socketTest('the kernel reads and fills in the same structures: both ends agree on all four numbers', (poller) => {
  for (const octets of [loopback4, loopback6]) {
    const listener = listen(poller, undefined, {}, octets);
    const client = dial(poller, { octets, port: listener.localPort() });
    const server = takeConnection(poller, listener);
    assert.deepEqual(server.localAddress(), { octets, port: listener.localPort() });
    assert.deepEqual(client.localAddress().octets, octets);
    assert.notEqual(client.localAddress().port, listener.localPort());
    for (const end of [client, server, listener]) end.close();
  }
});

socketTest('an IPv4 client of an IPv6 wildcard listener arrives as an IPv4-mapped address', (poller) => {
  const listener = listen(poller, undefined, {}, wildcard6);
  const client = dial(poller, { octets: loopback4, port: listener.localPort() });
  const accepted = nextAccepted(poller, listener);
  assert.deepEqual(accepted.peer, { octets: mappedLoopback, port: client.localAddress().port });
  libc.close(accepted.fd);
  client.close();
  listener.close();
});

socketTest('an IPv4-mapped address can be dialled', (poller) => {
  const listener = listen(poller);
  const client = dial(poller, { octets: mappedLoopback, port: listener.localPort() });
  const server = takeConnection(poller, listener);
  assert.deepEqual(client.localAddress().octets, mappedLoopback);
  assert.deepEqual(server.localAddress().octets, loopback4);
  for (const end of [client, server, listener]) end.close();
});
