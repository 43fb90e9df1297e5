import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realSamplePath, resolveSamplePath } from '../../../src/sample/sample-path.ts';

const cases: [folder: string, path: string, expected: string][] = [
  ['/', 'a', '/a'],
  ['/in', 'a', '/in/a'],
  ['/in', '/a', '/a'],
  ['/in', '..', '/'],
  ['/in', '../../../etc/passwd', '/etc/passwd'],
  ['/', '/..', '/'],
  ['/', 'a/./b//c/', '/a/b/c'],
  ['/', ' blank ', '/ blank '],
  ['/', '', '/'],
];

for (const [folder, path, expected] of cases) {
  test(`'${path}' seen from ${folder}`, () => assert.equal(resolveSamplePath(folder, path), expected));
}

test('a real path keeps every octet', () => {
  assert.deepEqual(realSamplePath('/root', '/\xfcber'), Buffer.from('/root/\xfcber', 'latin1'));
});
