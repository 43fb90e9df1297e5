import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, LogBatch, type LogParts } from '../../../src/observe/log.ts';

function captured(parts: Partial<LogParts> = {}) {
  const lines: string[] = [];
  return { lines, log: createLog({ level: 'info', write: (line) => lines.push(line), ...parts }) };
}

test('a line is one JSON object with time, level and msg, and one LF', () => {
  const { lines, log } = captured({ bindings: { engine: 3 } });
  log.warn({ session: 'a1' }, 'refused');
  assert.equal(lines.length, 1);
  const line = lines[0] ?? '';
  assert.equal(line.indexOf('\n'), line.length - 1);
  const { time, ...rest } = JSON.parse(line);
  assert.deepEqual(rest, { level: 'warn', engine: 3, session: 'a1', msg: 'refused' });
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('the time of a line is that of its writing', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_767_323_045_678 });
  const { lines, log } = captured();
  log.info('one');
  log.info('two');
  t.mock.timers.tick(1);
  log.info('three');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).time),
    ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.679Z'],
  );
});

test('what is below the level is not written', () => {
  const { lines, log } = captured({ level: 'warn' });
  log.info('not this');
  log.error('this');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['this'],
  );
});

test('no octets of a peer can forge a line', () => {
  const { lines, log } = captured();
  log.info({ path: 'a\r\n{"level":"info","msg":"ready"}\n\u0000' }, 'transfer');
  assert.equal(lines.join('').split('\n').length, 2, 'one line and its end');
  assert.equal(JSON.parse(lines.join('')).path, 'a\r\n{"level":"info","msg":"ready"}\n\u0000');
});

test('a command, a line or an argument is withheld, in children and bindings too', () => {
  const secret = 'hunter2';
  const { lines, log } = captured({ bindings: { password: secret } });
  log.info({ command: { verb: 'PASS', argument: secret } }, 'command');
  log.info({ verb: 'PASS', argument: secret }, 'command');
  log.child({ line: `PASS ${secret}` }).info({ octets: secret, account: secret }, 'line');
  assert.equal(lines.length, 3);
  for (const line of lines) {
    assert.ok(!line.includes(secret), line);
    assert.ok(line.includes('[withheld]'), line);
  }
  assert.equal(JSON.parse(lines[1] ?? '').verb, 'PASS');
});

test('an error is written with its stack', () => {
  const { lines, log } = captured();
  log.error({ err: new RangeError('no such thing') }, 'internal error');
  const { err } = JSON.parse(lines.join(''));
  assert.equal(err.type, 'RangeError');
  assert.equal(err.message, 'no such thing');
  assert.match(err.stack, /log\.test/);
});

test('a batch gives back its lines in order, once', () => {
  const batch = new LogBatch();
  assert.ok(batch.isEmpty);
  assert.equal(text(batch.take()), '');
  batch.write('one\n');
  batch.write('two\n');
  assert.ok(!batch.isEmpty);
  assert.equal(text(batch.take()), 'one\ntwo\n');
  assert.ok(batch.isEmpty);
  assert.equal(text(batch.take()), '');
});

test('a full batch keeps its lines, drops whole ones, and counts them', () => {
  const batch = new LogBatch(10);
  batch.write('1234\n');
  batch.write('too long\n');
  batch.write('5678\n');
  batch.write('9\n');
  assert.equal(text(batch.take()), '1234\n5678\n');
  assert.equal(batch.takeDropped(), 2);
  assert.equal(batch.takeDropped(), 0);
  batch.write('again\n');
  assert.equal(text(batch.take()), 'again\n');
});

test('a batch grows for many lines, keeps every character, and gives each taking a store of its own', () => {
  const batch = new LogBatch();
  const line = `${'ä€'.repeat(500)}\n`;
  for (let count = 0; count < 1000; count += 1) batch.write(line);
  const taken = batch.take();
  assert.equal(text(taken), line.repeat(1000));
  batch.write('other\n');
  assert.equal(text(taken).slice(0, 6), line.slice(0, 6));
  assert.equal(text(batch.take()), 'other\n');
  assert.equal(taken.buffer.byteLength, taken.length);
});

function text(octets: Uint8Array): string {
  return Buffer.from(octets).toString();
}
