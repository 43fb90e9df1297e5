import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogBudget } from '../../../src/witness/log-budget.ts';

test('fifty lines for each cause of each source; the rest is counted and told once', () => {
  const budget = new LogBudget<object>();
  const [one, other] = [{}, {}];
  const written = Array.from({ length: 1000 }, () => budget.allows(one, 'verb-unknown')).filter(Boolean);
  assert.equal(written.length, 50);
  assert.equal(budget.allows(one, 'third-party'), true);
  assert.equal(budget.allows(other, 'verb-unknown'), true);
  assert.deepEqual(budget.settle(one), [{ cause: 'verb-unknown', lines: 950 }]);
  assert.deepEqual(budget.settle(one), []);
  assert.deepEqual(budget.settle(other), []);
  assert.equal(budget.allows(one, 'verb-unknown'), true);
});
