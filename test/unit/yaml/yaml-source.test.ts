import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parsed, unreadable } from '../../../src/address/parsed.ts';
import { type Place, printProblem } from '../../../src/yaml/problem.ts';
import { readYaml, type YamlSource } from '../../../src/yaml/yaml-source.ts';

const text = `# comment
list:
  - a: 1
    b:
  - {c: 2, d: [x, y]}
twice: first
twice: second
`;

describe('places in a file', () => {
  const source = mustRead(text);
  const at = ({ line, column }: Place) => `${line}:${column}`;

  it('are those of values and of keys', () => {
    assert.equal(at(source.placeOf(['list', 0, 'a'])), '3:8');
    assert.equal(at(source.placeOfKey(['list', 0, 'a'])), '3:5');
    assert.equal(at(source.placeOf(['list', 1])), '5:5');
    assert.equal(at(source.placeOf(['list', 1, 'd', 1])), '5:19');
  });

  it('are those of the key where no value stands', () => {
    assert.equal(at(source.placeOf(['list', 0, 'b'])), '4:5');
  });

  it('are those of the enclosing value where nothing stands', () => {
    assert.equal(at(source.placeOf(['list', 1, 'missing'])), '5:5');
    assert.equal(at(source.placeOf(['list', 9])), '3:3');
    assert.equal(at(source.placeOf(['missing', 'deeper'])), '2:1');
    assert.equal(at(source.placeOf([])), '2:1');
  });

  it('are those of the last of two equal keys, whose value counts', () => {
    assert.deepEqual((source.data as { twice: string }).twice, 'second');
    assert.equal(at(source.placeOf(['twice'])), '7:8');
    assert.deepEqual(source.problems.map(printProblem), ['f.yaml:7:1: the key "twice" stands here a second time']);
  });

  it('count columns the same with CR LF line ends', () => {
    assert.equal(at(mustRead('a: 1\r\nb: 2\r\n').placeOf(['b'])), '2:4');
  });
});

describe('readYaml', () => {
  it('gives null for an empty text', () => {
    for (const empty of ['', '# only a comment\n', '---\n', '~']) assert.equal(mustRead(empty).data, null);
  });

  it('reads words of YAML 1.1 as words: off, no, yes', () => {
    assert.deepEqual(mustRead('a: off\nb: no\nc: yes\nd: 1:30\n').data, { a: 'off', b: 'no', c: 'yes', d: '1:30' });
  });

  it('fills in texts that are values, and neither keys nor numbers', () => {
    const read = readYaml('f.yaml', 'key: value\nlist: [value, 1]\n', (value) => parsed(`<${value}>`));
    assert.ok(read.ok);
    assert.deepEqual(read.value.data, { key: '<value>', list: ['<value>', 1] });
  });

  it('never reads what is filled in as YAML', () => {
    const read = readYaml('f.yaml', 'a: x\n', () => parsed('x\nb: 1'));
    assert.ok(read.ok);
    assert.deepEqual(read.value.data, { a: 'x\nb: 1' });
  });

  it('tells what cannot be filled in, with its place', () => {
    const read = readYaml('f.yaml', 'a: x\n', () => unreadable('no such variable'));
    assert.ok(read.ok);
    assert.deepEqual(read.value.problems.map(printProblem), ['f.yaml:1:4: no such variable']);
  });

  it('takes only words as keys, and no references or tags', () => {
    for (const [content, expected] of [
      ['? [a]\n: 1\n', 'f.yaml:1:3: expected a word as a key'],
      ['a: &x 1\nb: *x\n', 'f.yaml:2:4: a reference ("*x") is not read here; write the value out'],
      ['a: !!binary aGk=\n', 'f.yaml:1:13: a tag (!name) is not read here; write the value alone'],
      ['a: !secret 1\n', 'f.yaml:1:4: a tag (!name) is not read here; write the value alone'],
    ] as const) {
      const read = readYaml('f.yaml', content);
      assert.deepEqual(read.ok ? [] : read.reason.map(printProblem), [expected]);
    }
  });

  it('bounds the depth, which the parser does not survive', () => {
    for (const opening of ['[', '{a: ', '- ', '? ']) {
      const read = readYaml('f.yaml', opening.repeat(10_000));
      assert.deepEqual(read.ok ? [] : read.reason.map(printProblem), ['f.yaml:1:1: nests deeper than 64 levels']);
    }
  });

  it('makes of any text data or problems, and never throws', () => {
    const octet = fc.constantFrom(...'[]{}:,-?#&*!|>%@`\'"~<=. \t\r\nab01\u0000\u0085\ufeff');
    fc.assert(
      fc.property(fc.string({ unit: octet, maxLength: 60 }), (any) => {
        for (const fill of [parsed, unreadable]) {
          const read = readYaml('f.yaml', any, fill);
          assert.ok(read.ok || read.reason.length > 0);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

function mustRead(content: string): YamlSource {
  const read = readYaml('f.yaml', content);
  assert.ok(read.ok, read.ok ? '' : read.reason.map(printProblem).join('\n'));
  return read.value;
}
