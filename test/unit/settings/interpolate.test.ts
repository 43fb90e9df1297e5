// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is the syntax under test.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { interpolate } from '../../../src/settings/interpolate.ts';

const environment = { NAME: 'value', EMPTY: '', PORT_2: '21', TRICK: '${NAME}' };

describe('interpolate', () => {
  for (const [text, expected] of [
    ['plain', 'plain'],
    ['', ''],
    ['${NAME}', 'value'],
    ['0.0.0.0:${PORT_2}', '0.0.0.0:21'],
    ['${NAME}-${NAME}', 'value-value'],
    ['${NOT_SET:-fallback}', 'fallback'],
    ['${NOT_SET:-}', ''],
    ['${NOT_SET:-[::]:21}', '[::]:21'],
    ['${NAME:-fallback}', 'value'],
    ['${EMPTY:-fallback}', 'fallback'],
    ['${EMPTY}', ''],
    ['$${NAME}', '${NAME}'],
    ['$$ $NAME $', '$$ $NAME $'],
    ['$$${NAME}', '$${NAME}'],
  ] as const) {
    it(`makes "${expected}" of "${text}"`, () => {
      assert.deepEqual(interpolate(text, environment), { ok: true, value: expected });
    });
  }

  it('does not look again at what it filled in', () => {
    assert.deepEqual(interpolate('${TRICK}', environment), { ok: true, value: '${NAME}' });
    assert.deepEqual(interpolate('${NOT_SET:-$}{NAME}', environment), { ok: true, value: '${NAME}' });
  });

  it('names the variable that is missing', () => {
    const reason = 'the environment variable NOT_SET is not set; set it, or give a fallback';
    assert.deepEqual(interpolate('a${NOT_SET}', environment), { ok: false, reason });
  });

  it('takes nothing from the prototype of the environment', () => {
    assert.equal(interpolate('${toString}', {}).ok, false);
    assert.deepEqual(interpolate('${constructor:-x}', {}), { ok: true, value: 'x' });
  });

  for (const text of ['${}', '${', '${NAME', '${1NAME}', '${NA-ME}', '${NAME:fallback}', '${ NAME }', '${:-x}']) {
    it(`tells that "${text}" is no reference`, () => {
      const result = interpolate(text, environment);
      assert.match(result.ok ? '' : result.reason, /^expected \$\{NAME\}/);
    });
  }
});
