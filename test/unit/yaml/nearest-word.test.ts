import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearestWord } from '../../../src/yaml/nearest-word.ts';

const keys = ['listen', 'upstream', 'dataPorts', 'dataPath', 'name'];

describe('nearestWord', () => {
  for (const [word, expected] of [
    ['lisen', 'listen'],
    ['listten', 'listen'],
    ['litsen', 'listen'],
    ['Upstream', 'upstream'],
    ['data-ports', 'dataPorts'],
    ['data_path', 'dataPath'],
    ['nmae', 'name'],
  ] as const) {
    it(`takes ${word} for ${expected}`, () => assert.equal(nearestWord(word, keys), expected));
  }

  for (const word of ['banner', 'x', '', 'tls', 'certificate']) {
    it(`has no hint for "${word}"`, () => assert.equal(nearestWord(word, keys), undefined));
  }

  it('takes the nearest of several near ones', () => {
    assert.equal(nearestWord('dataPort', ['dataPath', 'dataPorts']), 'dataPorts');
  });

  it('bounds its work for a word of a megabyte', () => {
    assert.equal(nearestWord('x'.repeat(1_000_000), keys), undefined);
  });
});
