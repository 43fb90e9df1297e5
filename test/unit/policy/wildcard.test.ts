import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fitsPath, parsePathPattern } from '../../../src/policy/path-pattern.ts';
import { fitsWildcard } from '../../../src/policy/wildcard.ts';

describe('a wildcard', () => {
  for (const [pattern, text, fits] of [
    ['', '', true],
    ['*', '', true],
    ['*', 'anything', true],
    ['?', '', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*.exe', 'setup.exe', true],
    ['*.exe', 'setup.exe.txt', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['svc-*', 'SVC-backup', false],
    ['a+b', 'aab', false],
    ['[ab]', 'a', false],
  ] as const) {
    it(`${pattern} ${fits ? 'fits' : 'does not fit'} ${text}`, () => {
      assert.equal(fitsWildcard(pattern, text, 'exact'), fits);
    });
  }

  it('may leave the case of letters open', () => {
    assert.equal(fitsWildcard('svc-*', 'SVC-backup', 'any-case'), true);
    assert.equal(fitsWildcard('ÄPFEL', 'äpfel', 'any-case'), true);
  });

  it('fits what an expression of the same meaning fits', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (given, name) => {
        const source = given.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
        assert.equal(fitsWildcard(given, name, 'exact'), new RegExp(`^${source}$`).test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes no longer than the product of the lengths, whatever it is given', () => {
    // A backtracking matcher needs more steps for this than there are atoms.
    assert.equal(fitsWildcard(`${'*a'.repeat(100)}b`, 'a'.repeat(4000), 'exact'), false);
  });
});

describe('a pattern of paths', () => {
  for (const [pattern, path, fits] of [
    ['/incoming/**', '/incoming', true],
    ['/incoming/**', '/incoming/a/b', true],
    ['/incoming/**', '/incoming2', false],
    ['/incoming/**', '/', false],
    ['/**', '/', true],
    ['/', '/', true],
    ['/', '/a', false],
    ['/home/*/keys', '/home/anna/keys', true],
    ['/home/*/keys', '/home/anna/b/keys', false],
    ['/**/keys/**', '/home/anna/keys/id', true],
    ['/**/keys/**', '/home/anna/key', false],
    ['*.exe', '/a/b/setup.exe', true],
    ['*.exe', '/setup.exe/readme', false],
    ['*', '/', false],
  ] as const) {
    it(`${pattern} ${fits ? 'fits' : 'does not fit'} ${path}`, () => {
      const read = parsePathPattern(pattern);
      assert.ok(read.ok);
      const segments = path.split('/').filter((segment) => segment !== '');
      assert.equal(fitsPath(read.value, segments, 'exact'), fits);
    });
  }

  for (const [pattern, reason] of [
    ['', 'expected a path, as /incoming/** or *.exe'],
    ['incoming/**', 'expected a path that begins with /, or a name without any /'],
    ['/a/../b', 'expected a path without . and .., which paths are rid of before they are compared'],
    ['/a**', 'expected ** only as a whole segment of a path, as /incoming/**'],
    ['**.exe', 'expected ** only as a whole segment of a path, as /incoming/**'],
  ] as const) {
    it(`${JSON.stringify(pattern)} is none`, () => {
      assert.deepEqual(parsePathPattern(pattern), { ok: false, reason });
    });
  }
});
