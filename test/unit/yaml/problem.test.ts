import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inReadingOrder, type Problem, printPath, printProblem, shown } from '../../../src/yaml/problem.ts';

const problem = (file: string, line: number, column: number): Problem => ({ file, line, column, message: 'wrong' });

describe('a problem', () => {
  it('prints as file:line:column: message', () => {
    assert.equal(printProblem(problem('a.yaml', 3, 5)), 'a.yaml:3:5: wrong');
  });

  it('stands in reading order, the first file first', () => {
    const problems = [problem('s', 9, 1), problem('r', 1, 1), problem('s', 2, 7), problem('s', 2, 3)];
    assert.deepEqual(inReadingOrder(problems).map(printProblem), [
      's:2:3: wrong',
      's:2:7: wrong',
      's:9:1: wrong',
      'r:1:1: wrong',
    ]);
  });
});

describe('a path', () => {
  it('prints as one writes it in code', () => {
    assert.equal(printPath(['listeners', 0, 'dataPorts', 2]), 'listeners[0].dataPorts[2]');
    assert.equal(printPath([]), '');
  });
});

describe('a value from the file', () => {
  it('is shown so that its kind can be seen', () => {
    assert.deepEqual(['21', 21, true, null, undefined, [1], { a: 1 }].map(shown), [
      '"21"',
      '21',
      'true',
      'nothing',
      'nothing',
      'a list',
      'keys and values',
    ]);
  });

  it('cannot steer a terminal, neither through C0 nor through C1', () => {
    assert.equal(shown('\u001b[2J\u009b2J\u007f'), '"\\u001b[2J\\u009b2J\\u007f"');
  });

  it('is cut where it is long', () => {
    assert.equal(shown('x'.repeat(100)), `"${'x'.repeat(60)}…"`);
  });
});
