import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../src/address/endpoint.ts';
import { LogRate } from '../../../src/witness/log-rate.ts';

const v4 = (text: string): Address => ({ family: 4, text });
const v6 = (text: string): Address => ({ family: 6, text });

/** How many of so many lines are written, all at one time. */
function written(rate: LogRate, address: Address, lines: number, nowMs: number): number {
  return Array.from({ length: lines }, () => rate.take(address, nowMs)).filter((taken) => taken !== undefined).length;
}

test('five hundred lines at once, twenty a second from then on, and each client for itself', () => {
  const rate = new LogRate();
  assert.equal(written(rate, v4('192.0.2.1'), 2000, 1000), 500);
  assert.equal(written(rate, v4('192.0.2.2'), 2000, 1000), 500);
  assert.equal(written(rate, v4('192.0.2.1'), 2000, 4000), 60);
  assert.equal(written(rate, v4('192.0.2.1'), 2000, 4_000_000), 500);
});

test('the next line that is written tells how many were not', () => {
  const rate = new LogRate();
  written(rate, v4('192.0.2.1'), 510, 1000);
  assert.equal(rate.take(v4('192.0.2.1'), 2000), 10);
  assert.equal(rate.take(v4('192.0.2.1'), 2000), 0);
});

test('the addresses of one /64 are one client', () => {
  const rate = new LogRate();
  assert.equal(written(rate, v6('2001:db8::1'), 500, 1000), 500);
  assert.equal(rate.take(v6('2001:db8::2'), 1000), undefined);
  assert.equal(rate.take(v6('2001:db8:0:1::2'), 1000), 0);
});

test('no more than 4,096 clients are remembered', () => {
  const rate = new LogRate();
  assert.equal(written(rate, v4('192.0.2.1'), 501, 1000), 500);
  for (let index = 0; index < 4095; index++) rate.take(v4(`10.0.${index >> 8}.${index & 255}`), 1000);
  assert.equal(rate.take(v4('192.0.2.1'), 1000), undefined);
  rate.take(v4('10.1.0.0'), 1000);
  assert.equal(rate.take(v4('192.0.2.1'), 1000), 0);
});
