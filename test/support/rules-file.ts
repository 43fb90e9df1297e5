// Which rules does a test need? The packaged ones with the lines changed that the test is about, as an officer would
// edit them.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from './lab.ts';

const packaged = new URL('../../rules/default.yaml', import.meta.url);

/**
 * Writes them into the lab's folder and returns the path; a text that does not stand in the packaged rules is an error.
 */
export async function changedRules(lab: Lab, name: string, changes: Readonly<Record<string, string>>): Promise<string> {
  let text = await readFile(packaged, 'utf8');
  for (const [before, after] of Object.entries(changes)) {
    if (!text.includes(before)) throw new Error(`the packaged rules have no line ${before}`);
    text = text.replace(before, after);
  }
  const file = join(lab.folder, `${name}.yaml`);
  await writeFile(file, text);
  return file;
}
