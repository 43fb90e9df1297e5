import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { areGone } from '../../support/family.ts';
import { type Lab, openLab } from '../../support/lab.ts';
import type { RunningProgram } from '../../support/process.ts';
import { becomes, patienceMs } from '../../support/watch.ts';

const main = new URL('../../run/main.ts', import.meta.url).pathname;

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab.close());

/** The runner in a folder with these files below `tests/`, one at a time. */
async function runner(
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<{ folder: string; program: RunningProgram }> {
  const folder = await lab.makeFolder(name);
  await mkdir(join(folder, 'tests'));
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(folder, 'tests', file), `import { test } from 'node:test';\n${text}\n`);
  }
  const words = ['--import', import.meta.resolve('tsx'), main, 'some', '1', 'tests'];
  return { folder, program: await lab.start(process.execPath, words, { cwd: folder }) };
}

test('each file is told as it ends, then the whole; one that failed fails the run', async () => {
  const { folder, program } = await runner('two', {
    'a.test.ts': "test('good', () => {});",
    'b.test.ts': "test('bad', () => { throw new Error('for a reason'); });",
    'no-test.ts': 'not even TypeScript',
  });
  const { exitCode, output } = await program.finished;
  assert.equal(exitCode, 1, output);
  const text = Buffer.from(output, 'latin1').toString('utf8');
  assert.match(
    text,
    /^\[1\/2\] passed .* tests\/a\.test\.ts \(1 test\)\n\[2\/2\] FAILED .* tests\/b\.test\.ts \(1 test\)\n/,
  );
  assert.match(text, /for a reason(.*\n)*FAILED .* 2 files, 2 tests, 0 skipped; failed: tests\/b\.test\.ts; slowest: /);
  const logs = join(folder, '.cache/test-logs');
  assert.ok(text.endsWith(await readFile(join(logs, 'some.summary'), 'utf8')), text);
  assert.match(await readFile(join(logs, 'tests/a.log'), 'utf8'), /good/);
});

test('a run of good files alone is good', async () => {
  const { program } = await runner('one', { 'a.test.ts': "test('good', () => {});" });
  const { exitCode, output } = await program.finished;
  assert.equal(exitCode, 0, output);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a runner that ends by ${signal}: its file ends with it, and no other begins`, async () => {
    const { folder, program } = await runner(signal, {
      'a.test.ts': [
        "test('long', async () => {",
        "  console.log('here', process.pid, '.');",
        '  await new Promise((resolve) => setTimeout(resolve, 3_600_000));',
        '});',
      ].join('\n'),
      'b.test.ts': "test('never', () => {});",
    });
    const log = join(folder, '.cache/test-logs/tests/a.log');
    let pid = 0;
    await becomes(async () => {
      pid = Number(/here (\d+) \./.exec(await readFile(log, 'utf8').catch(() => ''))?.[1] ?? 0);
      return pid > 0;
    }, true);
    program.signal(signal);
    const { exitCode, output } = await program.finished;
    assert.notEqual(exitCode, 0, output);
    assert.doesNotMatch(output, /b\.test\.ts/);
    assert.ok(await areGone([pid], patienceMs));
  });
}
