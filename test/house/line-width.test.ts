// No line of what people read and write here is wider than 120 columns, comments and texts included: the formatter
// wraps code only, and does not look at the other languages of this repository. A row of a table in a .txt is data.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const columnsMax = 120;

/** `file:line: columns` of every wider line. A character counts as one column, however many octets it takes. */
function widerLines(file: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const columns = [...line].length;
    if (file.endsWith('.txt') && !line.startsWith('#')) return [];
    return columns > columnsMax ? [`${file}:${index + 1}: ${columns} columns`] : [];
  });
}

test('no line is wider than 120 columns', () => {
  const wider = ['src', 'test', 'rules', 'deploy', '.ci'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .flatMap((path) => widerLines(relative(root, path), readFileSync(path, 'utf8'))),
  );
  assert.deepEqual(wider, []);
});

test('a comment, a text and a line of any language are told with their place', () => {
  const wide = 'é'.repeat(columnsMax);
  assert.deepEqual(widerLines('a.yaml', `${wide}\n# ${wide}\n`), ['a.yaml:2: 122 columns']);
  assert.deepEqual(widerLines('a.txt', `${wide} ${wide}\n# ${wide}\n`), ['a.txt:2: 122 columns']);
});
