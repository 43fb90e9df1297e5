import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWayFilter } from '../../../src/observe/way-filter.ts';
import { wayEntry } from './way-entries.ts';

const entries = [
  wayEntry({ client: '192.0.2.7:40000', state: 'open' }),
  wayEntry({ client: '192.0.2.70:40000', state: 'open' }),
  wayEntry({ client: '[2001:db8::7]:40000', state: 'used' }),
];

function found(query: string): number[] {
  const filter = readWayFilter(new URLSearchParams(query));
  assert.ok(filter.ok);
  return entries.flatMap((entry, index) => (filter.value(entry) ? [index] : []));
}

function reason(query: string): string {
  const filter = readWayFilter(new URLSearchParams(query));
  assert.ok(!filter.ok);
  return filter.reason;
}

test('all, by state, by client, by both', () => {
  assert.deepEqual(found(''), [0, 1, 2]);
  assert.deepEqual(found('state=open'), [0, 1]);
  assert.deepEqual(found('client=192.0.2.7'), [0]);
  assert.deepEqual(found('client=2001:DB8:0::7'), [2]);
  assert.deepEqual(found('client=::ffff:192.0.2.7'), [0]);
  assert.deepEqual(found('client=192.0.2.7&state=used'), []);
});

test('what cannot be read is refused', () => {
  assert.match(reason('state=live'), /^state is one of open, used, /);
  assert.match(reason('client=192.0.2'), /^client: expected an IPv4 address/);
  assert.match(reason('clients=192.0.2.7'), /^only /);
});
