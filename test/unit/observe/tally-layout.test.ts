import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf, metricNames } from '../../../src/observe/metric-table.ts';
import { TallyLayout } from '../../../src/observe/tally-layout.ts';

test('no two series share a cell, and no cell is left over', () => {
  const layout = new TallyLayout(['USER', 'RETR']);
  const taken = new Set<number>();
  for (const metric of metricNames) {
    const cells = definitionOf(metric).type === 'histogram' ? layout.bucketsOf(metric).length + 2 : 1;
    for (const { cell } of layout.seriesOf(metric)) {
      for (let i = cell; i < cell + cells; i += 1) {
        assert.ok(!taken.has(i), `${metric} shares cell ${i}`);
        assert.ok(i < layout.cells, `${metric} ends behind the last cell`);
        taken.add(i);
      }
    }
  }
  assert.equal(taken.size, layout.cells);
});

test('a cell is found by the labels under which its series is listed', () => {
  const layout = new TallyLayout(['USER', 'RETR']);
  for (const metric of metricNames) {
    for (const { labels, cell } of layout.seriesOf(metric)) {
      assert.equal(layout.cellOf(metric, ...Object.values(labels)), cell, `${metric} ${JSON.stringify(labels)}`);
    }
  }
});

test('a verb that was not given is `other`', () => {
  const layout = new TallyLayout(['USER', 'RETR']);
  assert.deepEqual(
    layout.seriesOf('commands_total').map(({ labels }) => labels),
    [{ verb: 'USER' }, { verb: 'RETR' }, { verb: 'other' }],
  );
  assert.equal(layout.cellOf('commands_total', 'XYZZY'), layout.cellOf('commands_total', 'other'));
  assert.notEqual(layout.cellOf('commands_total', 'USER'), layout.cellOf('commands_total', 'other'));
});

test('a value of no other list is our mistake', () => {
  const layout = new TallyLayout([]);
  assert.throws(() => layout.cellOf('rewrites_total', 'haiku'), RangeError);
  assert.throws(() => layout.cellOf('rewrites_total'), RangeError);
  assert.throws(() => layout.cellOf('ways_total', 'relay'), RangeError);
  assert.throws(() => layout.cellOf('strangers_total', 'relay'), RangeError);
});
