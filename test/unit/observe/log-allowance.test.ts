import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogAllowance } from '../../../src/observe/log-allowance.ts';

test('so many at once, then one in a while, and what was left out is told by the next', () => {
  const allowance = new LogAllowance(2, 1000);
  const at = (nowMs: number) => allowance.take(nowMs);
  assert.deepEqual([at(10), at(10), at(10), at(20)], [0, 0, undefined, undefined]);
  assert.deepEqual([at(1000), at(1001), at(1999), at(2000)], [2, undefined, undefined, 2]);
});

test('quiet times do not add up beyond the first so many', () => {
  const allowance = new LogAllowance(2, 1000);
  for (let line = 0; line < 3; line++) allowance.take(0);
  const much = 1_000_000_500;
  assert.deepEqual(
    [1, 2, 3].map(() => allowance.take(much)),
    [1, 0, undefined],
  );
  assert.equal(allowance.take(much + 499), undefined);
  assert.equal(allowance.take(much + 500), 2);
});
