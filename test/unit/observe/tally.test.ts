import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tally } from '../../../src/observe/tally.ts';

const verbs = ['USER', 'RETR'];

test('counts stand where they were made, in every view of the buffer', () => {
  const tally = Tally.create(verbs);
  tally.count('rewrites_total', 'port');
  tally.count('rewrites_total', 'port');
  tally.count('ways_total', 'relay', 'opened');
  tally.count('strangers_total');
  tally.increase('data_octets_total', 1_048_576, 'to-server');

  const seen = Tally.over(tally.buffer, verbs);
  assert.equal(seen.read('rewrites_total', 'port'), 2);
  assert.equal(seen.read('rewrites_total', 'eprt'), 0);
  assert.equal(seen.read('ways_total', 'relay', 'opened'), 1);
  assert.equal(seen.read('ways_total', 'kernel', 'opened'), 0);
  assert.equal(seen.read('ways_total', 'relay', 'used'), 0);
  assert.equal(seen.read('strangers_total'), 1);
  assert.equal(seen.read('data_octets_total', 'to-server'), 1_048_576);
});

test('a slot is the same place as its labels', () => {
  const tally = Tally.create(verbs);
  const slot = tally.slot('replies_total', '2', 'gateway');
  tally.add(slot, 3);
  tally.count('replies_total', '2', 'gateway');
  assert.equal(tally.read('replies_total', '2', 'gateway'), 4);
  assert.equal(tally.read('replies_total', '2', 'server'), 0);
});

test('gauges rise and fall, or are set', () => {
  const tally = Tally.create(verbs);
  tally.raise('ways_active', 2, 'relay');
  tally.raise('ways_active', -1, 'relay');
  tally.set('sessions_limit', 10_000);
  tally.set('sessions_limit', 5000);
  assert.equal(tally.read('ways_active', 'relay'), 1);
  assert.equal(tally.read('sessions_limit'), 5000);
});

test('octets are counted exactly beyond 4 GiB', () => {
  const tally = Tally.create(verbs);
  tally.increase('data_octets_total', 2 ** 52, 'to-client');
  tally.increase('data_octets_total', 1, 'to-client');
  assert.equal(tally.read('data_octets_total', 'to-client'), 2 ** 52 + 1);
});

test('a value falls into the first bucket whose bound it does not exceed', () => {
  const tally = Tally.create(verbs);
  const { layout } = tally;
  const bounds = layout.bucketsOf('way_setup_seconds');
  const first = layout.cellOf('way_setup_seconds', 'relay');
  const bucketOf = (seconds: number) => {
    const before = bounds.concat(0).map((_, i) => tally.readCell(first + i));
    tally.observe('way_setup_seconds', seconds, 'relay');
    return before.findIndex((count, i) => tally.readCell(first + i) === count + 1);
  };
  assert.equal(bucketOf(0), 0);
  assert.equal(bucketOf(0.000005), 0);
  assert.equal(bucketOf(0.000006), 1);
  assert.equal(bucketOf(1), bounds.length - 1);
  assert.equal(bucketOf(2), bounds.length, '+Inf');
  assert.equal(tally.readCell(first + bounds.length + 1), 0.000005 + 0.000006 + 1 + 2, 'the sum');
  assert.equal(tally.readCell(layout.cellOf('way_setup_seconds', 'kernel')), 0);
});

test('a buffer of other verbs is refused, not misread', () => {
  const { buffer } = Tally.create(verbs);
  assert.throws(() => Tally.over(buffer, ['USER']), RangeError);
});

test('what the table does not have does not compile', () => {
  const tally = Tally.create(verbs);
  // @ts-expect-error a label is missing
  assert.throws(() => tally.count('ways_total', 'relay'), RangeError);
  // @ts-expect-error a label is misspelt
  assert.throws(() => tally.count('rewrites_total', 'prot'), RangeError);
  // @ts-expect-error a label too many
  assert.throws(() => tally.count('strangers_total', 'relay'), RangeError);
  // @ts-expect-error no such metric
  assert.throws(() => tally.count('haiku_total'), RangeError);
  // @ts-expect-error a counter never falls
  tally.raise('strangers_total', 1);
  // @ts-expect-error a gauge is not counted
  tally.count('sessions_active');
});
