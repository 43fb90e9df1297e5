import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commonPorts, printRange } from '../../../src/settings/port-ranges.ts';

const range = (from: number, to: number) => ({ from, to });

describe('commonPorts', () => {
  it('finds where two lists meet, be it in one port at an end', () => {
    assert.deepEqual(commonPorts([range(1, 10)], [range(10, 20)]), range(10, 10));
    assert.deepEqual(commonPorts([range(1, 10)], [range(3, 4)]), range(3, 4));
    assert.deepEqual(commonPorts([range(1, 2), range(30, 40)], [range(10, 20), range(35, 50)]), range(35, 40));
  });

  it('finds nothing where they only touch, or are empty', () => {
    assert.equal(commonPorts([range(1, 10)], [range(11, 20)]), undefined);
    assert.equal(commonPorts([], [range(1, 65_535)]), undefined);
  });
});

describe('printRange', () => {
  it('writes a range as the file has it', () => {
    assert.equal(printRange(range(50_000, 50_999)), '50000-50999');
    assert.equal(printRange(range(52_000, 52_000)), '52000');
  });
});
