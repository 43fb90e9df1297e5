// When are changed files told of? However they are changed, once they have settled, and once.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FileWatch } from '../../../src/settings/file-watch.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-watch-'));
});
after(() => rmSync(folder, { recursive: true }));

function watch(...files: string[]) {
  const seen = { told: 0, files };
  const watched = new FileWatch(
    () => seen.files,
    () => {
      seen.told += 1;
    },
  );
  const looks = (count: number): number => {
    seen.told = 0;
    for (let look = 0; look < count; look += 1) watched.look();
    return seen.told;
  };
  // What has been read before may have changed before the first look.
  assert.equal(looks(5), files.length === 0 ? 0 : 1);
  return { seen, looks };
}

const changes: readonly (readonly [title: string, first: (at: string) => void, change: (at: string) => void])[] = [
  ['written anew', (at) => writeFileSync(at, 'a'), (at) => writeFileSync(at, 'bb')],
  [
    'with as many octets',
    (at) => {
      writeFileSync(at, 'a');
      utimesSync(at, 1, 1);
    },
    (at) => writeFileSync(at, 'b'),
  ],
  [
    'replaced by a rename',
    (at) => writeFileSync(at, 'a'),
    (at) => {
      writeFileSync(`${at}.new`, 'b');
      renameSync(`${at}.new`, at);
    },
  ],
  [
    'behind a symbolic link that is changed, as by certbot',
    (at) => {
      writeFileSync(`${at}.1`, 'a');
      symlinkSync(`${at}.1`, at);
    },
    (at) => {
      writeFileSync(`${at}.2`, 'b');
      rmSync(at);
      symlinkSync(`${at}.2`, at);
    },
  ],
  [
    'in a folder behind a symbolic link that is changed, as in a Kubernetes mount',
    (at) => {
      mkdirSync(`${at}.1`);
      writeFileSync(join(`${at}.1`, 'tls.crt'), 'a');
      symlinkSync(`${at}.1`, `${at}.data`);
      symlinkSync(join(`${at}.data`, 'tls.crt'), at);
    },
    (at) => {
      mkdirSync(`${at}.2`);
      writeFileSync(join(`${at}.2`, 'tls.crt'), 'a');
      symlinkSync(`${at}.2`, `${at}.next`);
      renameSync(`${at}.next`, `${at}.data`);
    },
  ],
  ['that has gone', (at) => writeFileSync(at, 'a'), (at) => rmSync(at)],
  ['that has come', () => undefined, (at) => writeFileSync(at, 'a')],
];

describe('a file', () => {
  for (const [index, [title, first, change]] of changes.entries()) {
    it(`${title} is told once, at the look after the one that saw it`, () => {
      const at = join(folder, `file-${index}`);
      first(at);
      const { looks } = watch(at);
      change(at);
      assert.equal(looks(1), 0);
      assert.equal(looks(1), 1);
      assert.equal(looks(3), 0);
    });
  }

  it('that keeps changing is told when it has settled', () => {
    const [certificate, key] = [join(folder, 'settling.crt'), join(folder, 'settling.key')];
    const { looks } = watch(certificate, key);
    writeFileSync(certificate, 'new');
    assert.equal(looks(1), 0);
    writeFileSync(key, 'new');
    assert.equal(looks(1), 0);
    assert.equal(looks(1), 1);
  });

  it('that is watched from now on is told, and none is where none is named', () => {
    const { seen, looks } = watch();
    seen.files = [join(folder, 'later')];
    assert.equal(looks(3), 1);
    seen.files = [];
    assert.equal(looks(3), 0);
  });

  it('with a path that nothing can have is told like one that is not there', () => {
    assert.equal(watch('a\u0000b', '/dev/null/x').looks(3), 0);
  });
});
