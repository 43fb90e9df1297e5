// Does this Node's V8 know the flags? It only warns of one that it does not.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { collectorFlags } from '../../../src/engine/collector.ts';

for (const flag of collectorFlags) {
  test(`${flag} is one of V8's`, () => {
    const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
    const name = flag.replace(/^--(no-)?/, '').replace(/=.*$/, '');
    assert.match(options, new RegExp(`^ +--(\\[no-\\])?${name} \\(`, 'm'));
  });
}
