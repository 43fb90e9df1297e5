import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Discards } from '../../../src/control/discards.ts';

/** How many reads are allowed in a row. */
function allowed(discards: Discards, nowMs: number): number {
  let count = 0;
  while (count < 100_000 && discards.take(nowMs)) count += 1;
  return count;
}

test('a line of 20 MB is read at once, whoever floods is not read without end, and time gives more', () => {
  const discards = new Discards(5_000);
  const atOnce = allowed(discards, 5_000);
  assert.ok(atOnce * 16_384 > 20_000_000, `${atOnce} reads`);
  assert.ok(atOnce < 10_000, `${atOnce} reads`);
  assert.equal(allowed(discards, 5_000), 0);
  const afterAWhile = allowed(discards, 5_100);
  assert.ok(afterAWhile > 0 && afterAWhile < atOnce, `${afterAWhile} reads`);
  assert.equal(allowed(discards, 1_000_000_000), atOnce, 'what was not used does not add up');
});
