import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printEnd, printSummary } from '../../run/report.ts';
import type { FileEnd } from '../../run/test-file.ts';

const passed: FileEnd = {
  file: 'test/e2e/modes.test.ts',
  result: 'passed',
  seconds: 38.21,
  tests: 36,
  skipped: [],
  complaint: '',
};
const failed: FileEnd = {
  file: 'test/e2e/names.test.ts',
  result: 'FAILED',
  seconds: 3,
  tests: 1,
  skipped: ['one', 'two'],
  complaint: '✖ one\n  why\n\nAll of it: a.log\n',
};

test('a file that has ended: how far it all is, result, time, file and tests', () => {
  assert.equal(printEnd(passed, 7, 47), '[ 7/47] passed   38.2 s  test/e2e/modes.test.ts (36 tests)');
});

test('one that failed: its complaint below it', () => {
  const lines = ['[8/8] FAILED    3.0 s  test/e2e/names.test.ts (1 test, 2 skipped)', '    ✖ one', '      why', ''];
  assert.equal(printEnd(failed, 8, 8), [...lines, '    All of it: a.log'].join('\n'));
});

test('the summary: all counts, and the slowest first', () => {
  const slowest = 'slowest: test/e2e/modes.test.ts 38 s, test/e2e/names.test.ts 3 s';
  assert.equal(
    printSummary([failed, passed], 39.6),
    `FAILED    40 s   2 files, 37 tests, 2 skipped; failed: test/e2e/names.test.ts; ${slowest}`,
  );
  const many = Array.from({ length: 9 }, (_, index) => ({ ...passed, file: `f${index}`, seconds: index }));
  assert.equal(
    printSummary(many, 9),
    'passed     9 s   9 files, 324 tests, 0 skipped; slowest: f8 8 s, f7 7 s, f6 6 s, f5 5 s, f4 4 s',
  );
});
