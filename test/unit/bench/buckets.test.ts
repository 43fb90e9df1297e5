// What is proven: that the benchmark reads a histogram as Prometheus does. No namespaces; the text of a scrape is
// written here, or rendered by the gateway's own metrics.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../../src/observe/metrics.ts';
import { Tally } from '../../../src/observe/tally.ts';
import { type Bucket, bucketsSince, countOf, quantile, readBuckets } from '../../bench/buckets.ts';

const infinite = Number.POSITIVE_INFINITY;

/** Cumulative counts from the number of values in each bucket. */
function bucketsOf(...inEach: readonly (readonly [upTo: number, values: number])[]): readonly Bucket[] {
  let count = 0;
  return inEach.map(([upTo, values]) => {
    count += values;
    return { upTo, count };
  });
}

function isNear(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

test('a quantile lies as far within its bucket as its rank does', () => {
  const buckets = bucketsOf([10, 20], [20, 60], [50, 20], [infinite, 0]);
  isNear(quantile(0.5, buckets), 15); // rank 50 is the 30th of 60 between 10 and 20
  isNear(quantile(0.9, buckets), 35); // the 10th of 20 between 20 and 50
  isNear(quantile(1, buckets), 50);
});

test('a rank that ends a bucket is the bound of that bucket, though the next be empty', () => {
  isNear(quantile(0.2, bucketsOf([10, 20], [20, 0], [50, 80], [infinite, 0])), 10);
});

test('the first bucket begins at zero', () => {
  isNear(quantile(0.5, bucketsOf([10, 4], [infinite, 0])), 5);
});

test('empty buckets are passed over, at either end and between', () => {
  const buckets = bucketsOf([5, 0], [10, 50], [20, 0], [50, 50], [infinite, 0]);
  isNear(quantile(0.25, buckets), 7.5);
  isNear(quantile(0.75, buckets), 35);
  isNear(quantile(0, buckets), 5);
});

test('beyond the last finite bound that bound is all that is known', () => {
  const buckets = bucketsOf([10, 1], [20, 0], [infinite, 99]);
  isNear(quantile(0.99, buckets), 20);
  isNear(quantile(0.005, buckets), 5);
});

test('nothing has no quantile', () => {
  assert.equal(quantile(0.5, bucketsOf([10, 0], [infinite, 0])), undefined);
});

test('a stretch of time has only what came in it', () => {
  const before = bucketsOf([10, 1000], [20, 5], [infinite, 1]);
  const after = bucketsOf([10, 1000], [20, 9], [infinite, 1]);
  const between = bucketsSince(before, after);
  assert.deepEqual(between, bucketsOf([10, 0], [20, 4], [infinite, 0]));
  assert.equal(countOf(between), 4);
  isNear(quantile(0.5, between), 15);
});

test('a histogram that fell or has other bounds is refused', () => {
  const some = bucketsOf([10, 3], [infinite, 0]);
  assert.deepEqual(bucketsSince(some, some), bucketsOf([10, 0], [infinite, 0]));
  assert.throws(() => bucketsSince(some, bucketsOf([10, 2], [infinite, 1])), /no longer the same/);
  assert.throws(() => bucketsSince(some, bucketsOf([11, 3], [infinite, 0])), /no longer the same/);
  assert.throws(() => bucketsSince(some, bucketsOf([10, 3], [20, 0], [infinite, 0])), /no longer the same/);
});

test("the gateway's own exposition is read, both planes added up, and no other histogram", async () => {
  const tally = Tally.create(['RETR']);
  const metrics = createMetrics({ own: tally, engines: () => [], certificates: () => [], version: '1.2.3' });
  const read = async () => readBuckets(await metrics.text(), 'portcullis_way_setup_seconds');
  const before = await read();
  tally.observe('way_setup_seconds', 0.00003, 'kernel');
  tally.observe('way_setup_seconds', 0.00003, 'relay');
  tally.observe('way_setup_seconds', 5, 'relay');
  tally.observe('transfer_duration_seconds', 0.00003, 'download');
  const between = bucketsSince(before, await read());

  assert.deepEqual(
    between.map(({ upTo }) => upTo),
    [...tally.layout.bucketsOf('way_setup_seconds'), infinite],
  );
  const upTo = (bound: number) => between.find((bucket) => bucket.upTo === bound)?.count;
  assert.equal(upTo(0.00002), 0);
  assert.equal(upTo(0.000035), 2);
  assert.equal(upTo(1), 2);
  assert.equal(countOf(between), 3);
});

test('a scrape without the histogram is no histogram of zeros', () => {
  const scrape = '# HELP other Something.\n# TYPE other counter\nother 1\n';
  assert.throws(() => readBuckets(scrape, 'portcullis_way_setup_seconds'), /no histogram/);
  assert.throws(() => readBuckets(scrape, 'other'), /no histogram/);
});
