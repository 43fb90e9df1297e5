// Named pipes opened without blocking: full, slow and deserted readers can then be had at will, without a process.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openLogOutput } from '../../../src/observe/log-output.ts';

const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = constants;
const moduleUrl = new URL('../../../src/observe/log-output.ts', import.meta.url).href;
const root = new URL('../../..', import.meta.url);

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'log-output-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function fifo(t: TestContext): string {
  const path = join(folder(t), 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}

function output(t: TestContext, fd: number, pretty = false) {
  let dropped = 0;
  const opened = openLogOutput({ fd, pretty, onDropped: (lines) => (dropped += lines) });
  t.after(() => opened.close());
  return { output: opened, dropped: () => dropped };
}

/** What is in a pipe now. */
function readAll(fd: number): string {
  const octets = Buffer.alloc(1 << 20);
  try {
    return octets.toString('utf8', 0, readSync(fd, octets));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return '';
    throw error;
  }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `{"n":${i},"filling":"${'x'.repeat(100)}"}\n`);
}

test('what is written is there when write returns', (t) => {
  const path = join(folder(t), 'log');
  const fd = openSync(path, 'w');
  t.after(() => closeSync(fd));
  const { output: out } = output(t, fd);
  out.write('{"msg":"one"}\n');
  assert.equal(readFileSync(path, 'utf8'), '{"msg":"one"}\n');
  out.write('{"msg":"two"}\n{"msg":"drei für 3 €"}\n');
  assert.equal(readFileSync(path, 'utf8'), '{"msg":"one"}\n{"msg":"two"}\n{"msg":"drei für 3 €"}\n');
});

test('a slow reader of a full pipe gets every line, in order (EAGAIN)', async (t) => {
  const fd = openSync(fifo(t), O_RDWR | O_NONBLOCK);
  t.after(() => closeSync(fd));
  const { output: out, dropped } = output(t, fd);
  const lines = numbered(5000);
  // Singly, which a pipe takes whole or not at all, and in batches, which it also takes in part.
  for (const line of lines.slice(0, 1000)) out.write(line);
  for (let i = 1000; i < 5000; i += 800) out.write(lines.slice(i, i + 800).join(''));
  const expected = lines.join('');
  let got = '';
  while (got.length < expected.length) {
    got += readAll(fd);
    await setImmediate();
  }
  assert.equal(got, expected);
  assert.equal(dropped(), 0);
});

test('a reader that never reads costs lines, counted, and bounded memory', (t) => {
  const fd = openSync(fifo(t), O_RDWR | O_NONBLOCK);
  t.after(() => closeSync(fd));
  const { output: out, dropped } = output(t, fd);
  const mebibyte = `${'x'.repeat(1023)}\n`.repeat(1024);
  for (let i = 0; i < 7; i += 1) out.write(mebibyte);
  assert.equal(dropped(), 0);
  for (let i = 0; i < 3; i += 1) out.write(mebibyte);
  assert.equal(dropped(), 2 * 1024);
  out.flush();
  // Of the eight accepted, the pipe holds 64 KiB; the rest is given up at the end of the flush.
  assert.equal(dropped(), 10 * 1024 - 64);
  assert.equal(readAll(fd).length, 65_536);
});

test('a reader that has gone ends the output quietly (EPIPE)', (t) => {
  const path = fifo(t);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const fd = openSync(path, O_WRONLY | O_NONBLOCK);
  t.after(() => closeSync(fd));
  closeSync(reader);
  const { output: out, dropped } = output(t, fd);
  out.write('{"msg":"one"}\n');
  out.write('{"msg":"two"}\n{"msg":"three"}\n');
  assert.equal(dropped(), 3);
});

test('a full disk costs lines, not the process (ENOSPC)', (t) => {
  const fd = openSync('/dev/full', O_WRONLY);
  t.after(() => closeSync(fd));
  const { output: out, dropped } = output(t, fd);
  out.write('{"msg":"one"}\n');
  assert.equal(dropped(), 1);
});

for (const [end, statement] of [
  ['process.exit', 'process.exit(7)'],
  ['an uncaught error', 'throw new Error("the end")'],
  ['running out of work', ''],
] as const) {
  test(`nothing is lost when the process ends by ${end}`, async (t) => {
    const path = fifo(t);
    const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
    // The pipe does not block, and holds a tenth of what is written: most of it waits when the end comes.
    const source = `
      import { openSync } from 'node:fs';
      import { openLogOutput } from ${JSON.stringify(moduleUrl)};
      const fd = openSync(${JSON.stringify(path)}, ${O_RDWR | O_NONBLOCK});
      const output = openLogOutput({ fd, onDropped: (lines) => console.log('dropped', lines) });
      for (let i = 0; i < 5000; i += 1) output.write(JSON.stringify({ n: i, filling: 'x'.repeat(100) }) + '\\n');
      ${statement}`;
    const writer = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [got, said] = await Promise.all([text(reader.stdout), text(writer.stdout), once(writer, 'close')]);
    assert.equal(said, '');
    assert.equal(got, numbered(5000).join(''));
  });
}

test('people read a line each with its level, text and fields', (t) => {
  const path = join(folder(t), 'log');
  const fd = openSync(path, 'w');
  t.after(() => closeSync(fd));
  const { output: out } = output(t, fd, true);
  const line = { level: 'warn', time: '2026-01-02T03:04:05.678Z', session: 'a1', msg: 'refused' };
  out.write(`${JSON.stringify(line)}\n${JSON.stringify({ ...line, level: 'info', msg: 'ready' })}\n`);
  const shown = readFileSync(path, 'utf8').split('\n');
  assert.equal(shown.length, 3);
  assert.match(shown[0] ?? '', /^\[\d\d:\d\d:\d\d\.678\].*WARN.*refused.*a1/);
  assert.match(shown[1] ?? '', /INFO.*ready/);
});

test('no octets of a peer give orders to the terminal of who reads', (t) => {
  const path = join(folder(t), 'log');
  const fd = openSync(path, 'w');
  t.after(() => closeSync(fd));
  const { output: out } = output(t, fd, true);
  const nasty = '\u007f\u009b2J\u001b]0;title\u0007\r\nready';
  out.write(`${JSON.stringify({ level: 'info', time: 0, path: nasty, msg: 'transfer' })}\n`);
  const shown = readFileSync(path, 'utf8').trimEnd();
  assert.ok(shown.includes('title'));
  // Colours are ours; anything else that a terminal obeys is not.
  const withoutColours = shown.replaceAll(/\u001b\[\d+m/g, '');
  assert.ok(!/[\u0000-\u001f\u007f-\u009f]/.test(withoutColours), JSON.stringify(shown));
});
