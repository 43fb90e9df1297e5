import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Timer, TimerWheel } from '../../../src/sys/timer-wheel.ts';

// The wheel's coarseness, and the time in which it comes round once.
const slotMs = 100;
const roundMs = 51_200;

test('fires at its time or up to a slot later, never before', () => {
  const wheel = new TimerWheel(0);
  const fired: number[] = [];
  let now = 0;
  for (const atMs of [1, 99, 100, 101, 250, 999.5, 60_000, 3_600_000]) {
    wheel.set(atMs, () => {
      assert.ok(now >= atMs && now < atMs + slotMs, `${atMs} at ${now}`);
      fired.push(atMs);
    });
  }
  for (; now <= 3_700_000; now += 25) wheel.expire(now, fail);
  assert.deepEqual(fired, [1, 99, 100, 101, 250, 999.5, 60_000, 3_600_000]);
});

test('a time that is past already fires at the next slot', () => {
  const wheel = new TimerWheel(5000);
  let fired = 0;
  wheel.set(-1, () => fired++);
  wheel.set(1234, () => fired++);
  wheel.expire(5099, fail);
  assert.equal(fired, 0);
  wheel.expire(5100, fail);
  assert.equal(fired, 2);
  wheel.expire(5200, fail);
  assert.equal(fired, 2);
});

test('a cancelled one never fires; cancelling again, or after it fired, changes nothing', () => {
  const wheel = new TimerWheel(0);
  const cancelled = wheel.set(100, () => assert.fail('cancelled'));
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  let fired = 0;
  const other = wheel.set(100, () => fired++);
  wheel.expire(500, fail);
  wheel.cancel(other);
  assert.equal(fired, 1);
  wheel.set(700, () => fired++);
  assert.equal(wheel.waitMs(500), 200, 'the count of what is set is still right');
  wheel.expire(700, fail);
  assert.equal(fired, 2);
  assert.equal(wheel.waitMs(700), 1000);
});

test('after a long suspension everything due fires once, and nothing else', () => {
  const wheel = new TimerWheel(0);
  const fired: number[] = [];
  const times = [50, 40_000, roundMs, roundMs + 50, 3 * roundMs, 86_400_000, 86_400_001, 86_400_000 + roundMs];
  for (const atMs of times) wheel.set(atMs, () => fired.push(atMs));
  wheel.expire(86_400_000, fail);
  assert.deepEqual(
    fired.toSorted((a, b) => a - b),
    times.filter((atMs) => atMs <= 86_400_000),
  );
  wheel.expire(86_400_100, fail);
  wheel.expire(86_400_000 + 2 * roundMs, fail);
  assert.equal(fired.length, times.length);
});

test('a task may set: what it sets fires in its turn', () => {
  const wheel = new TimerWheel(0);
  const fired: number[] = [];
  let now = 0;
  const again = (): void => {
    fired.push(now);
    if (fired.length < 4) wheel.set(now + 300, again);
  };
  wheel.set(300, again);
  for (now = 0; now <= 5000; now += 100) wheel.expire(now, fail);
  assert.deepEqual(fired, [300, 600, 900, 1200]);
});

test('a task that sets itself for now, again and again, does not hold the loop', () => {
  for (const now of [150, roundMs - 50, roundMs + 50, 10 * roundMs + 50]) {
    const wheel = new TimerWheel(0);
    let fired = 0;
    const again = (): void => {
      assert.ok(++fired <= roundMs / slotMs, `${fired} times in one turn`);
      wheel.set(now, again);
    };
    // One in the slot that a long catch-up visits first.
    for (let slot = 1; slot <= roundMs / slotMs; slot += 511) wheel.set(slot * slotMs, again);
    const first = wheel.set(Math.floor(now / slotMs - 511) * slotMs, () => again());
    wheel.expire(now, fail);
    wheel.cancel(first);
    assert.ok(fired > 0);
  }
});

test('a task may cancel: its neighbour in the same slot, one in a later slot, itself', () => {
  const wheel = new TimerWheel(0);
  let fired = 0;
  const doomed: Timer[] = [];
  const self = wheel.set(100, () => {
    fired++;
    for (const timer of doomed) wheel.cancel(timer);
    wheel.cancel(self);
  });
  for (const atMs of [100, 101, 900]) doomed.push(wheel.set(atMs, () => assert.fail(`${atMs} was cancelled`)));
  wheel.expire(2000, fail);
  assert.equal(fired, 1);
  assert.equal(wheel.waitMs(2000), 1000);
});

test('10,000 timers: each fires once, at its time', () => {
  const wheel = new TimerWheel(12_345);
  const pending = new Set<number>();
  let now = 12_345;
  for (let index = 0; index < 10_000; index++) {
    // Scattered over an hour, all different: 7,919 is a prime.
    const atMs = now + 1 + ((index * 7919) % 3_600_000);
    pending.add(atMs);
    wheel.set(atMs, () => {
      assert.ok(now >= atMs && now < atMs + slotMs, `${atMs} at ${now}`);
      assert.ok(pending.delete(atMs), `${atMs} twice`);
    });
  }
  assert.equal(pending.size, 10_000);
  while (pending.size > 0 && now < 12_345 + 3_700_000) {
    now += wheel.waitMs(now);
    wheel.expire(now, fail);
  }
  assert.equal(pending.size, 0);
});

// What may be done to a wheel: set one, some time from now (negative: past), cancel one that was set, let time pass.
const step = fc.oneof(
  fc.record({ set: fc.integer({ min: -500, max: 3 * roundMs }) }),
  fc.record({ set: fc.integer({ min: 0, max: 1500 }) }),
  fc.record({ cancel: fc.nat() }),
  fc.record({ pass: fc.integer({ min: 0, max: 300 }) }),
  fc.record({ pass: fc.integer({ min: 0, max: 5 * roundMs }) }),
  fc.constant({ sleep: true }),
);

test('law: whatever is set, cancelled and slept, each fires once, not early and at most a slot late', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.array(step, { maxLength: 60 }), (start, steps) => {
      const watched = new WatchedWheel(start);
      for (const each of steps) {
        if ('pass' in each) watched.pass(each.pass);
        else if ('sleep' in each) watched.sleep();
        else if ('set' in each) watched.set(each.set);
        else watched.cancel(each.cancel);
      }
      watched.pass(10 * roundMs);
      watched.hasNothingLeft();
    }),
    { numRuns: 500 },
  );
});

/** A wheel, and what each of its timers should have done by now. */
class WatchedWheel {
  private readonly wheel: TimerWheel;
  private readonly timers: { readonly timer: Timer; readonly dueMs: number; state: 'set' | 'cancelled' | 'fired' }[] =
    [];
  private now: number;

  constructor(start: number) {
    this.wheel = new TimerWheel(start);
    this.now = start;
  }

  pass(ms: number): void {
    this.now += ms;
    this.wheel.expire(this.now, fail);
    for (const { dueMs } of this.waiting()) assert.ok(this.now < dueMs + slotMs, 'late');
  }

  sleep(): void {
    const wait = this.wheel.waitMs(this.now);
    assert.ok(wait > 0 && wait <= 1000, `a wait of ${wait}`);
    for (const { dueMs } of this.waiting()) assert.ok(this.now + wait < dueMs + slotMs + 1, 'slept past');
    this.pass(wait);
  }

  set(afterMs: number): void {
    const atMs = this.now + afterMs;
    const timer = this.wheel.set(atMs, () => {
      assert.equal(entry.state, 'set');
      assert.ok(this.now >= atMs, 'early');
      entry.state = 'fired';
    });
    const entry = { timer, dueMs: Math.max(atMs, this.now), state: 'set' as 'set' | 'cancelled' | 'fired' };
    this.timers.push(entry);
  }

  /** One of all timers so far, whatever has become of it. */
  cancel(index: number): void {
    const entry = this.timers[index % this.timers.length];
    if (entry === undefined) return;
    this.wheel.cancel(entry.timer);
    if (entry.state === 'set') entry.state = 'cancelled';
  }

  hasNothingLeft(): void {
    assert.deepEqual(this.waiting(), []);
    assert.equal(this.wheel.waitMs(this.now), 1000, 'nothing is left');
  }

  private waiting(): readonly { readonly dueMs: number }[] {
    return this.timers.filter(({ state }) => state === 'set');
  }
}

function fail(error: unknown): never {
  throw error;
}
