import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type FileEnd, runTestFile } from '../../run/test-file.ts';
import { areGone } from '../../support/family.ts';
import { patienceMs } from '../../support/watch.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-run-'));
});
after(() => rm(folder, { recursive: true }));

/** No file of these tests is silent for as long, but one that hangs. */
const silenceMs = 20_000;

/** Runs a file of this text, which has node:test's functions and the folder. */
async function run(
  name: string,
  text: string,
  manner: { skipsFail?: boolean; graceMs?: number } = {},
): Promise<FileEnd> {
  const file = join(folder, `${name}.ts`);
  const head = [
    "import { writeFileSync } from 'node:fs';",
    "import { after, describe, test } from 'node:test';",
    `import { startProgram } from ${JSON.stringify(import.meta.resolve('../../support/process.ts'))};`,
    `import { openLab } from ${JSON.stringify(import.meta.resolve('../../support/lab.ts'))};`,
    `const note = (text) => writeFileSync(${JSON.stringify(join(folder, `${name}.note`))}, text);`,
  ];
  await writeFile(file, `${head.join('\n')}\n${text}\n`);
  return runTestFile(file, {
    log: join(folder, `${name}.log`),
    silenceMs,
    graceMs: 60_000,
    skipsFail: false,
    ...manner,
  });
}

const note = (name: string): Promise<string> => readFile(join(folder, `${name}.note`), 'utf8');

describe('runTestFile', { concurrency: 4 }, () => {
  test('a file that passes: its tests are counted, without its suites', async () => {
    const { result, tests, skipped, complaint } = await run(
      'passes',
      "describe('a suite', () => { test('one', () => {}); test('two', (t) => t.test('three', () => {})); });",
    );
    assert.deepEqual({ result, tests, skipped, complaint }, { result: 'passed', tests: 3, skipped: [], complaint: '' });
  });

  test('a file that fails: what failed, and why', async () => {
    const { result, tests, complaint } = await run(
      'fails',
      "test('good', () => {}); test('bad', () => { throw new Error('for a reason'); });",
    );
    assert.deepEqual({ result, tests }, { result: 'FAILED', tests: 2 });
    assert.match(complaint, /✖ bad .*\n.*for a reason/);
    assert.match(complaint, /fails\.log$/);
  });

  test('a hook that fails is a failure', async () => {
    const { result, complaint } = await run(
      'hook',
      "describe('a suite', () => { after(() => { throw new Error('not tidy'); }); test('one', () => {}); });",
    );
    assert.equal(result, 'FAILED');
    assert.match(complaint, /not tidy/);
  });

  test('what is skipped is told, and is a failure where nothing may be skipped', async () => {
    const text = "test('one', () => {}); test('two', { skip: 'no root' }, () => {});";
    const lenient = await run('skips', text);
    assert.deepEqual([lenient.result, lenient.tests, lenient.skipped], ['passed', 1, ['two']]);
    const strict = await run('skips-strictly', text, { skipsFail: true });
    assert.equal(strict.result, 'FAILED');
    assert.match(strict.complaint, /skipped: two\n/);
  });

  test('a file that breaks off, one that cannot be read, one without tests', async () => {
    const broken = await run('breaks-off', "test('one', () => process.exit(0));");
    assert.deepEqual([broken.result, broken.tests], ['FAILED', 0]);
    const unreadable = await run('unreadable', 'const const = 1;');
    assert.equal(unreadable.result, 'FAILED');
    assert.match(unreadable.complaint, /exit code 1\n(.*\n)*.*unreadable\.ts/);
    assert.match((await run('empty', '')).complaint, /has no tests/);
  });

  test('a test that hangs is named, and leaves neither folder nor program', async () => {
    const { result, complaint } = await run(
      'hangs',
      `describe('a suite', () => {
        test('quick', () => {});
        test('endless', async () => {
          const lab = await openLab();
          const program = await lab.start('sleep', ['3600']);
          note([lab.folder, program.pid].join(' '));
          await new Promise((resolve) => setTimeout(resolve, 3_600_000));
        });
      });`,
    );
    assert.equal(result, 'FAILED');
    assert.match(complaint, /^Nothing has happened for 20 s in: a suite, endless\n/);
    const [lab, pid] = (await note('hangs')).split(' ');
    assert.equal(existsSync(lab!), false, lab);
    assert.ok(await areGone([Number(pid)], patienceMs), pid);
  });

  test('nor does one that hears no signal leave a program', async () => {
    const { result, complaint } = await run(
      'is-deaf',
      `test('busy', async () => {
        const program = await startProgram('sleep', ['3600']);
        note(String(program.pid));
        for (;;);
      });`,
      { graceMs: 1_000 },
    );
    assert.equal(result, 'FAILED');
    assert.match(complaint, /^Nothing has happened for 20 s in: /);
    const pid = await note('is-deaf');
    assert.ok(await areGone([Number(pid)], patienceMs), pid);
  });
});
