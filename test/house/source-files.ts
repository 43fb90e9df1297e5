// The source texts of src/, as the checks of the house read them.

import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../src/', import.meta.url);

/** Every source text below src/, by its path from there. */
export function sourceFiles(): Map<string, string> {
  const paths = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll('//', '/').slice(root.pathname.length));
  return new Map(paths.sort().map((path) => [path, readFileSync(new URL(path, root), 'utf8')]));
}
