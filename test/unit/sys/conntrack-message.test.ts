import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type FlowEvent,
  type FlowTuple,
  flowAnswersIn,
  flowRequest,
  readFlowAnswer,
  readFlowEvents,
} from '../../../src/sys/conntrack-message.ts';
import { fuzz } from '../../support/fuzz.ts';

const plain = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

// As Linux 6.18 sent them: 2001:db8:1::2 port 48486 to 2001:db8:77::2 port 34517, mark 0xf7b.
const tuples = `
  4c000180 2c000180 14000300 20010db8000100000000000000000002 14000400 20010db8007700000000000000000002
           1c000280 05000100 06000000 06000200 bd660000 06000300 86d50000
  4c000280 2c000180 14000300 20010db8007700000000000000000002 14000400 20010db8000100000000000000000002
           1c000280 05000100 06000000 06000200 86d50000 06000300 bd660000
  08000c00 9c7feb6c`;
const begun = plain(`
  fc000000 0001 0006 00000000 00000000  0a000000 ${tuples} 08000300 00000008 08000700 00000078
  30000480 2c000180 05000100 01000000 05000200 0a000000 05000300 00000000 06000400 03000000 06000500 00000000
  08000800 00000f7b`);
const established = plain(`
  fc000000 0001 0000 00000000 00000000  0a000000 ${tuples} 08000300 0000000e 08000700 00069780
  30000480 2c000180 05000100 03000000 05000200 0a000000 05000300 0a000000 06000400 23000000 06000500 23000000
  08000800 00000f7b`);
const destroyed = plain(`
  14010000 0201 0000 00000000 547615a3  0a000000 ${tuples} 08000300 0000020e 08000700 0006977f
  1c000980 0c000100 0000000000000003 0c000200 00000000000000e0
  1c000a80 0c000100 0000000000000001 0c000200 0000000000000050
  10000480 0c000180 05000100 03000000  08000800 00000f7b`);

const tuple6: FlowTuple = {
  family: 6,
  source: plain('20010db8 00010000 00000000 00000002'),
  destination: plain('20010db8 00770000 00000000 00000002'),
  sourcePort: 48486,
  destinationPort: 34517,
};
const tuple4: FlowTuple = {
  family: 4,
  source: Uint8Array.of(198, 51, 100, 2),
  destination: Uint8Array.of(10, 77, 0, 2),
  sourcePort: 65_535,
  destinationPort: 21,
};

const eventsIn = (octets: Uint8Array) => readFlowEvents(octets, octets.length);

test('the beginning and the end of a flow, as the kernel tells them, and no step between', () => {
  const common = { original: tuple6, mark: 0xf7b, label: undefined, octets: undefined };
  assert.deepEqual(eventsIn(begun), [{ kind: 'new', tcpState: 'syn-sent', ...common }]);
  assert.deepEqual(eventsIn(established), []);
  const octets = { original: 0xe0, reply: 0x50 };
  assert.deepEqual(eventsIn(destroyed), [{ kind: 'destroy', tcpState: 'established', ...common, octets }]);
});

test('several messages in one datagram, and no more of the buffer than was received', () => {
  const both = new Uint8Array([...begun, ...destroyed, ...established]);
  const received = begun.length + destroyed.length;
  assert.deepEqual(
    readFlowEvents(both, received).map(({ kind }) => kind),
    ['new', 'destroy'],
  );
  assert.deepEqual(
    readFlowEvents(both, received - 1).map(({ kind }) => kind),
    ['new'],
  );
});

test('what it says stays when the buffer is used again', () => {
  const buffer = begun.slice();
  const [event] = eventsIn(buffer);
  buffer.fill(0xff);
  assert.deepEqual(event?.original, tuple6);
});

test('without a mark it is 0, without a state or counters there are none', () => {
  const bare = begun.slice(0, 20 + 2 * 0x4c);
  bare[0] = bare.length;
  assert.deepEqual(eventsIn(bare), [
    { kind: 'new', original: tuple6, mark: 0, tcpState: undefined, label: undefined, octets: undefined },
  ]);
});

test('other protocols, other messages and half a tuple are left out', () => {
  const udp = begun.slice();
  udp[Buffer.from(begun).indexOf(plain('0500010006'))! + 4] = 17;
  assert.deepEqual(eventsIn(udp), []);
  const expectation = begun.slice();
  expectation[5] = 2;
  assert.deepEqual(eventsIn(expectation), []);
  const short = begun.slice();
  short[Buffer.from(begun).indexOf(plain('14000400'))!] = 0x13;
  assert.deepEqual(eventsIn(short), []);
});

test('a request names the flow by its original tuple; asked back, it is the same one', () => {
  // ctnetlink reads what it writes alike, so the reader can be asked what the request names.
  for (const tuple of [tuple4, tuple6]) {
    for (const [ask, flags] of [
      ['get', 1],
      ['delete', 5],
    ] as const) {
      const request = flowRequest(ask, tuple, 0x01020304).slice();
      assert.deepEqual([...request.subarray(4, 12)], [ask === 'get' ? 1 : 2, 1, flags, 0, 4, 3, 2, 1]);
      request[4] = 0;
      // NLM_F_CREATE, with which the kernel tells of a new one.
      request[7] = 4;
      assert.deepEqual(eventsIn(request)[0]?.original, tuple);
    }
  }
});

test('a request without whole addresses is a mistake: as a delete it would empty the whole table', () => {
  assert.throws(() => flowRequest('delete', { ...tuple4, source: new Uint8Array(0) }, 1), RangeError);
  assert.throws(() => flowRequest('delete', { ...tuple6, destination: tuple4.destination }, 1), RangeError);
});

test('an answer is the flow, or done, or why not; those to other requests are passed over', () => {
  const answerTo = (octets: Uint8Array, sequence: number) => readFlowAnswer(octets, octets.length, sequence);
  assert.equal(answerTo(established, 1), undefined);
  const answer = established.slice();
  answer[8] = 7;
  const found = answerTo(answer, 7);
  assert.ok(found?.kind === 'flow');
  assert.deepEqual(found.flow.original, tuple6);
  const label = plain('0000000000000000000000000080 0000');
  const labelled = plain(`${Buffer.from(answer).toString('hex')} 14001600 ${Buffer.from(label).toString('hex')}`);
  labelled[0] = labelled.length & 0xff;
  labelled[1] = labelled.length >> 8;
  const read = answerTo(labelled, 7);
  assert.ok(read?.kind === 'flow');
  assert.deepEqual(read.flow.label, label);
  const error = (errno: string) => plain(`14000000 0200 0000 07000000 00000000 ${errno}`);
  assert.deepEqual(answerTo(error('00000000'), 7), { kind: 'done', code: undefined });
  assert.deepEqual(answerTo(error('feffffff'), 7), { kind: 'done', code: 'ENOENT' });
  assert.equal(answerTo(error('feffffff'), 8), undefined);
  assert.equal(answerTo(plain('10000000 0200 0000 07000000 00000000'), 7), undefined);
});

test('a list comes in several answers, and says where it ends', () => {
  const [one, other] = [established.slice(), begun.slice()];
  for (const answer of [one, other]) answer[8] = 7;
  const list = new Uint8Array([...one, ...other, ...plain('14000000 0300 0200 07000000 00000000 00000000')]);
  assert.deepEqual(
    [...flowAnswersIn(list, list.length, 7)].map(({ kind }) => kind),
    ['flow', 'flow', 'end'],
  );
  assert.deepEqual([...flowAnswersIn(list, list.length, 8)], []);
});

test('no octets make it throw, and what it tells has whole addresses', (t) => {
  const change = fc.tuple(fc.nat(300), fc.oneof(fc.constantFrom(0, 1, 3, 4, 5, 0x80, 0xff), fc.nat(255)));
  const damaged = fc
    .tuple(fc.constantFrom(begun, established, destroyed), fc.array(change, { maxLength: 6 }), fc.nat(300))
    .map(([whole, changes, cut]) => {
      const octets = whole.slice();
      for (const [at, octet] of changes) if (at < octets.length) octets[at] = octet;
      return octets.subarray(0, Math.max(20, octets.length - Math.max(0, cut - 100)));
    });
  fuzz(
    t,
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (octets) => {
      readFlowAnswer(octets, octets.length, 0);
      for (const event of eventsIn(octets)) assert.ok(isWhole(event), JSON.stringify(event));
    }),
  );
});

function isWhole({ original, mark, octets }: FlowEvent): boolean {
  const length = original.family === 4 ? 4 : 16;
  return (
    original.source.length === length &&
    original.destination.length === length &&
    [original.sourcePort, original.destinationPort].every((port) => port >= 0 && port <= 65_535) &&
    mark >= 0 &&
    mark <= 0xffff_ffff &&
    [octets?.original ?? 0, octets?.reply ?? 0].every((count) => count >= 0)
  );
}
