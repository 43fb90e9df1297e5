import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PortPool } from '../../../src/datapath/port-pool.ts';

function takeAll(pool: PortPool): number[] {
  const ports: number[] = [];
  for (let port = pool.take(1); port !== undefined; port = pool.take(1)) ports.push(port);
  return ports;
}

const upward = (a: number, b: number) => a - b;

describe('PortPool', () => {
  it('gives out every port of its spans once, both ends included, and then none', () => {
    const pool = new PortPool([
      { from: 50_000, to: 50_003 },
      { from: 50_010, to: 50_010 },
    ]);
    assert.equal(pool.size, 5);
    assert.deepEqual(takeAll(pool).toSorted(upward), [50_000, 50_001, 50_002, 50_003, 50_010]);
    assert.equal(pool.take(1), undefined);
    assert.equal(pool.inUse, 5);
  });

  it('gives out again what was returned, and nothing else', () => {
    const pool = new PortPool([{ from: 50_000, to: 50_009 }]);
    const ports = takeAll(pool);
    pool.giveBack(ports[3]!);
    pool.giveBack(ports[7]!);
    assert.equal(pool.inUse, 8);
    assert.deepEqual(takeAll(pool).toSorted(upward), [ports[3]!, ports[7]!].toSorted(upward));
  });

  it('lets a returned port rest until half of the others have been returned after it', () => {
    const pool = new PortPool([{ from: 50_000, to: 50_009 }]);
    const first = pool.take(1)!;
    pool.giveBack(first);
    const since: number[] = [];
    for (let times = 0; times < 5; times++) {
      since.push(pool.take(1)!);
      pool.giveBack(since.at(-1)!);
    }
    assert.ok(!since.includes(first), `${first} among ${since}`);
    assert.equal(new Set(since).size, since.length);
    assert.equal(pool.inUse, 0);
    assert.equal(takeAll(pool).length, 10, 'but rather that one than none');
  });

  it('gives one port again and again where there is no other', () => {
    const pool = new PortPool([{ from: 50_000, to: 50_000 }]);
    for (let times = 0; times < 3; times++) {
      assert.equal(pool.take(1), 50_000);
      assert.equal(pool.take(1), undefined);
      pool.giveBack(50_000);
    }
  });

  it('throws at a port that is returned twice, or was never taken', () => {
    const pool = new PortPool([{ from: 50_000, to: 50_001 }]);
    const port = pool.take(1)!;
    pool.giveBack(port);
    assert.throws(() => pool.giveBack(port), /returned twice/);
    assert.throws(() => pool.giveBack(60_000), /returned twice/);
    assert.equal(pool.inUse, 0);
    assert.equal(takeAll(pool).length, 2);
  });

  it('leaves out the ports that devices on the path take for another protocol', () => {
    const pool = new PortPool([{ from: 5_059, to: 5_062 }]);
    assert.deepEqual(takeAll(pool).toSorted(upward), [5_059, 5_062]);
  });

  it('has shares that do not overlap and leave nothing out', () => {
    const spans = [{ from: 50_000, to: 50_010 }];
    const shares = [0, 1, 2].map((share) => takeAll(new PortPool(spans, share, 3)));
    const expected = Array.from({ length: 11 }, (_, index) => 50_000 + index);
    assert.deepEqual(shares.flat().toSorted(upward), expected);
  });

  // RFC 2577 §8: whoever can guess the next port can be there first. 1,000! orders; two alike would mean that the order
  // is fixed.
  it('gives its ports in an order of its own each time', () => {
    const spans = [{ from: 50_000, to: 50_999 }];
    const order = takeAll(new PortPool(spans));
    assert.notDeepEqual(order, takeAll(new PortPool(spans)));
    assert.notDeepEqual(order, order.toSorted(upward));
  });

  it('gives no holder more than its share, nor the last quarter, and a returned port makes room', () => {
    const pool = new PortPool([{ from: 50_000, to: 50_099 }]);
    pool.divide(30);
    const ports = Array.from({ length: 30 }, () => pool.take(1)!);
    assert.equal(pool.take(1), undefined);
    assert.equal(pool.refusal(1).cause, 'client-share');
    assert.notEqual(pool.take(2), undefined);
    assert.equal(pool.refusal(2).cause, 'no-data-port');
    pool.giveBack(ports[0]!);
    assert.notEqual(pool.take(1), undefined);
    pool.divide(1000);
    while (pool.take(1) !== undefined);
    assert.equal(pool.inUse, 76);
    assert.notEqual(pool.take(3), undefined);
  });
});
