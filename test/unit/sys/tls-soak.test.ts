// OpenSSL through the FFI, for a long time and under everything that can happen to a connection: no crash, no growth,
// no descriptor left, no cut that looks like an end. With memory that is overwritten as soon as it is given back
// (MALLOC_PERTURB_, mallopt(3)), so that what is used after that is not what it was.
//
// A few thousand handshakes here; a hundred thousand, some four minutes, with
//
//   PORTCULLIS_SOAK=100000 node --import tsx --test test/unit/sys/tls-soak.test.ts

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const program = join(import.meta.dirname, 'tls-soak-program.ts');
const handshakes = process.env['PORTCULLIS_SOAK'] ?? '3000';
// A hundredth of what OpenSSL keeps of one connection, for each, would be more.
const octetsMoreMax = 300_000 + Number(handshakes) * 100;

test(`${handshakes} handshakes, with cuts at every step`, { timeout: 3_600_000 }, () => {
  const seed = String(Date.now() % 1_000_000);
  const words = ['--expose-gc', '--import', 'tsx', program, handshakes, seed];
  const env = { ...process.env, MALLOC_PERTURB_: '165' };
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env });
  assert.deepEqual({ status, signal }, { status: 0, signal: null }, `seed ${seed}: ${stderr}`);
  const told = JSON.parse(stdout);
  assert.equal(told.descriptorsMore, 0, `seed ${seed}`);
  assert.ok(told.octetsMore < octetsMoreMax, `seed ${seed}: ${told.octetsMore} octets more`);
  assert.ok(told.resumed > told.sound / 2, `seed ${seed}: ${stdout}`);
  assert.ok(told.cut > 100, stdout);
});
