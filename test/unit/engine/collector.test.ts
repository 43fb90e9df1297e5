// Does this Node's V8 know the flags? It only complains about one that it does not know, and goes on.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const collector = new URL('../../../src/engine/collector.ts', import.meta.url).href;

test('V8 knows all flags of the collector', () => {
  const program = `const { tuneCollector } = await import(${JSON.stringify(collector)}); tuneCollector();`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--eval', program], {
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});
