import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf, exposedName, metricNames } from '../../../src/observe/metric-table.ts';

test('every name has the form that Prometheus asks for', () => {
  for (const metric of metricNames) {
    const { type } = definitionOf(metric);
    assert.match(exposedName(metric), /^portcullis_[a-z]+(?:_[a-z]+)*$/);
    assert.equal(metric.endsWith('_total'), type === 'counter', `${metric}: counters and only they end in _total`);
    if (type === 'histogram') assert.match(metric, /_seconds$/);
  }
});

test('every label is a closed list of plain words, each once', () => {
  for (const metric of metricNames) {
    for (const [label, values] of definitionOf(metric).labels) {
      assert.match(label, /^[a-z]+$/, metric);
      assert.equal(new Set(values).size, values.length, `${metric}: ${label}`);
      for (const value of values) assert.match(value, /^[a-z0-9]+(?:-[a-z0-9]+)*$/, `${metric}: ${label}`);
    }
  }
});

test('buckets ascend, and only histograms have them', () => {
  for (const metric of metricNames) {
    const { type, buckets } = definitionOf(metric);
    assert.equal(buckets !== undefined, type === 'histogram', metric);
    const ascending = [...(buckets ?? [])].sort((a, b) => a - b);
    assert.deepEqual(buckets ?? [], ascending, metric);
    assert.equal(new Set(ascending).size, ascending.length, metric);
  }
});

test('whether a way opened within 50 µs, or within 1 ms, is counted and not interpolated', () => {
  const bounds = definitionOf('way_setup_seconds').buckets ?? [];
  for (const seconds of [0.00005, 0.001]) assert.ok(bounds.includes(seconds), `${seconds}`);
});

test('every metric says what it counts', () => {
  for (const metric of metricNames) assert.match(definitionOf(metric).help, /^\S.{10,}\.$/, metric);
});
