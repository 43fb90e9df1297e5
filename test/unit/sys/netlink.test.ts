import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MessageWriter, messagesIn } from '../../../src/sys/netlink.ts';
import { attributesIn } from './netlink-attributes.ts';

/** Writes hexadecimal digits, spaces for the reader. */
function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

function written(writer: MessageWriter): string {
  return hex(writer.octets.subarray(0, writer.length));
}

const plain = (text: string) => text.replaceAll(' ', '');

test('a message is its header, what was written, and a length that counts both', () => {
  const writer = new MessageWriter(100);
  writer.beginMessage(0x0a0c, 0x605, 0x01020304);
  writer.netfilterHeader(1, 10);
  writer.endMessage();
  assert.equal(written(writer), plain('14000000 0c0a 0506 04030201 00000000  01 00 000a'));
  assert.equal(writer.full, false);
});

test('an attribute counts its octets but not the padding, which is zero whatever was there', () => {
  const writer = new MessageWriter(100);
  writer.octets.fill(0xff);
  writer.attribute(3, Uint8Array.of(0x61, 0x62, 0x63, 0x64, 0));
  writer.attribute(4, new Uint8Array(0));
  writer.attribute(5, Uint8Array.of(1, 2, 3, 4));
  assert.equal(written(writer), plain('0900 0300 6162636400 000000  0400 0400  0800 0500 01020304'));
});

test('nested attributes carry the flag and the length of what they hold', () => {
  const writer = new MessageWriter(100);
  const outer = writer.beginNest(3);
  const inner = writer.beginNest(1);
  writer.attribute(1, Uint8Array.of(7));
  writer.endNest(inner);
  writer.endNest(outer);
  assert.equal(written(writer), plain('1000 0380  0c00 0180  0500 0100 07 000000'));
});

test('large numbers go out whole, in network order', () => {
  const writer = new MessageWriter(100);
  writer.attributeUint64(4, 30_000);
  writer.attributeUint64(4, 2 ** 53 - 1);
  assert.equal(written(writer), plain('0c00 0400 0000000000007530  0c00 0400 001fffffffffffff'));
});

test('what does not fit marks the buffer full, ends the writing and touches nothing', () => {
  const parts: ((writer: MessageWriter) => void)[] = [
    (writer) => {
      writer.beginMessage(1, 1, 1);
      writer.endMessage();
    },
    (writer) => writer.netfilterHeader(1, 0),
    (writer) => writer.attribute(1, new Uint8Array(1)),
    (writer) => writer.attributeUint64(1, 1),
    (writer) => writer.endNest(writer.beginNest(1)),
  ];
  for (const [index, part] of parts.entries()) {
    const enough = new MessageWriter(100);
    part(enough);
    const exact = new MessageWriter(enough.length);
    part(exact);
    assert.deepEqual([exact.full, exact.length], [false, enough.length], `part ${index}`);
    const short = new MessageWriter(enough.length - 1);
    part(short);
    assert.deepEqual([short.full, written(short)], [true, ''], `part ${index}`);
    // Not even what would fit: a message with a hole in it would be another message.
    if (short.octets.length >= 4) short.netfilterHeader(1, 0);
    assert.equal(short.length, 0);
    short.reset();
    assert.deepEqual([short.full, short.length], [false, 0]);
  }
});

test('messages and attributes are read as they were written', () => {
  const writer = new MessageWriter(200);
  for (const sequence of [7, 0xffffffff]) {
    writer.beginMessage(2, 0, sequence);
    writer.attribute(1, Uint8Array.of(sequence & 0xff, 1, 2));
    const nest = writer.beginNest(9);
    writer.attribute(2, Uint8Array.of(5));
    writer.endNest(nest);
    writer.endMessage();
  }
  const read = [...messagesIn(writer.octets, writer.length)].map(({ type, sequence, from, to }) => {
    const [first, nest] = attributesIn(writer.octets, from, to);
    const [inner] = attributesIn(writer.octets, nest!.from, nest!.to);
    const texts = [first!, inner!].map((span) => `${span.type}:${hex(writer.octets.subarray(span.from, span.to))}`);
    return [type, sequence, nest!.type, ...texts];
  });
  assert.deepEqual(read, [
    [2, 7, 9, '1:070102', '2:05'],
    [2, 0xffffffff, 9, '1:ff0102', '2:05'],
  ]);
});

test('whatever the octets, reading ends, throws nothing and stays inside them', () => {
  const lengths = fc.oneof(fc.integer({ min: 0, max: 80 }), fc.constantFrom(0, 3, 4, 15, 16, 17, 0xffff));
  // Octets of which many are small even numbers, as lengths are.
  const octets = fc
    .array(fc.oneof(fc.constant(0), lengths), { maxLength: 80 })
    .map((numbers) => Uint8Array.from(numbers));
  fc.assert(
    fc.property(octets, (buffer) => {
      for (const message of messagesIn(buffer, buffer.length)) {
        assert.ok(message.from >= 16 && message.from <= message.to && message.to <= buffer.length);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a length that points outside, or nowhere, ends the reading there', () => {
  const message = Uint8Array.of(20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9);
  assert.equal([...messagesIn(message, 20)].length, 1);
  assert.equal([...messagesIn(message, 19)].length, 0);
  for (const length of [0, 15, 21]) {
    message[0] = length;
    assert.deepEqual([...messagesIn(message, 20)], [], `length ${length}`);
  }
});
