import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { areGone } from '../../support/family.ts';
import { openLab } from '../../support/lab.ts';
import { patienceMs } from '../../support/watch.ts';

test('a lab that cannot be closed as it should says so, and is gone nevertheless', async () => {
  const lab = await openLab();
  const program = await lab.start('sleep', ['3600']);
  let closed = 0;
  lab.onClose(() => {
    closed += 1;
  });
  lab.onClose(() => {
    throw new Error('stuck');
  });
  await assert.rejects(lab.close(), /stuck/);
  assert.equal(closed, 1, 'the other closer was called');
  assert.ok(await areGone([program.pid], patienceMs));
  assert.equal(existsSync(lab.folder), false);
});

test('opening a lab removes those of processes that are gone, and no others', async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'portcullis-labs-'));
  t.after(() => rm(base, { recursive: true }));
  // No process has an id above the largest that Linux can have (proc(5): pid_max).
  const [abandoned, living, other] = [
    `portcullis-lab-4194305-a`,
    `portcullis-lab-${process.ppid}-b`,
    'portcullis-lab-c',
  ];
  for (const name of [abandoned, living, other]) await mkdir(join(base, name));
  const lab = await openLab(base);
  assert.deepEqual(
    [abandoned, living, other].map((name) => existsSync(join(base, name))),
    [false, true, true],
  );
  await lab.close();
});
