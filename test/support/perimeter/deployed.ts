// A settings file of deploy/ as a laboratory can run it: what operators copy is what is tested.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '../../..');

/**
 * The file's text with its addresses exchanged for the laboratory's, which must stand in it, with the packaged rules,
 * and without `admin`, which startGateway adds.
 */
export async function deployed(name: string, exchanged: readonly (readonly [string, string])[]): Promise<string> {
  let text = await readFile(join(repository, 'deploy', name), 'utf8');
  text = exchange(text, 'rules: ../rules/', `rules: ${join(repository, 'rules')}/`);
  text = exchange(text, '\nadmin:\n  listen: 127.0.0.1:9121\n', '\n');
  for (const [there, here] of exchanged) text = exchange(text, there, here);
  return text;
}

function exchange(text: string, there: string, here: string): string {
  assert.ok(text.includes(there), `${there} stands in the settings`);
  return text.replaceAll(there, here);
}
