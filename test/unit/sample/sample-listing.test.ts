import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { factLine, ftpTime, listLine, readSampleFolder } from '../../../src/sample/sample-listing.ts';

const time = new Date('2026-03-04T05:06:07Z');
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'listing-'));
  const file = Buffer.from(`${folder}/gr\xfcn`, 'latin1');
  await writeFile(file, 'abc');
  await utimes(file, time, time);
  await mkdir(join(folder, 'in'));
});
after(() => rm(folder, { recursive: true }));

test('names come in order and octet for octet', async () => {
  const entries = await readSampleFolder(Buffer.from(folder));
  assert.deepEqual(
    entries.map(({ name }) => name),
    ['gr\xfcn', 'in'],
  );
});

test('a line of LIST and one of MLSD', async () => {
  const [file, inside] = await readSampleFolder(Buffer.from(folder));
  assert.ok(file && inside);
  assert.equal(listLine(file), '-rw-r--r-- 1 ftp      ftp                 3 Mar  4 05:06 gr\xfcn\r\n');
  assert.equal(factLine(file), 'type=file;size=3;modify=20260304050607; gr\xfcn');
  assert.match(listLine(inside), /^drwxr-xr-x .* in\r\n$/);
  assert.match(factLine(inside), /^type=dir;modify=\d{14}; in$/);
});

test('time-val', () => assert.equal(ftpTime(time), '20260304050607'));
