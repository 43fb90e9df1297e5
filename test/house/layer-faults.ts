// Does every file keep to its row of the table of layers? Each import that does not is one fault, told with its place;
// and so is each entry of the table that nothing uses, because a door that nobody needs is only there to be misused.

import { posix } from 'node:path';
import type { Layer } from './layers.ts';
import type { NamedModule } from './named-modules.ts';

type Layers = Readonly<Record<string, Layer>>;

/** What the table does not allow, and what it allows for nothing. `files`: by path below src/, what each imports. */
export function layerFaults(layers: Layers, files: ReadonlyMap<string, readonly NamedModule[]>): string[] {
  const faults: string[] = [];
  const used = new Set<string>();
  for (const [file, imports] of files) {
    const part = partOf(file);
    const layer = layers[part];
    if (layer === undefined) {
      faults.push(`${file}: ${part} has no row in the table of layers`);
      continue;
    }
    for (const { name, line } of imports) {
      const { entry, fault } = judge(layer, file, name, files);
      if (entry !== undefined) used.add(`${part} allows ${entry}`);
      if (fault !== undefined) faults.push(`${file}:${line}: ${fault}`);
    }
  }
  const allowed = Object.entries(layers).flatMap(([part, { parts, outside }]) => [
    ...parts.map((entry) => `${part} allows src/${entry}`),
    ...outside.map((entry) => `${part} allows ${entry}`),
  ]);
  const unused = allowed.filter((entry) => !used.has(entry));
  return [...faults, ...unused.map((entry) => `the row of ${entry}, which nothing in it imports`)];
}

interface Judgement {
  /** What in the table allows this import. */
  readonly entry?: string;
  readonly fault?: string;
}

function judge(
  { parts, outside }: Layer,
  file: string,
  name: string | undefined,
  files: ReadonlyMap<string, unknown>,
): Judgement {
  if (name === undefined) return { fault: 'which module this loads cannot be read' };
  const part = partOf(file);
  if (!name.startsWith('.')) {
    const entry = packageOf(name);
    return outside.includes(entry) ? { entry } : { fault: `${part} may not import ${name}` };
  }
  const target = posix.join(posix.dirname(file), name);
  if (!files.has(target)) return { fault: `${name} is no file of src/` };
  if (partOf(target) === part) return {};
  const entry = [target, partOf(target)].find((one) => parts.includes(one));
  return entry === undefined ? { fault: `${part} may not import ${target}` } : { entry: `src/${entry}` };
}

/** The rows that name a part before its own row: the arrow would point up. */
export function upwardRows(layers: Layers): string[] {
  const above = new Set<string>();
  const faults: string[] = [];
  for (const [part, { parts }] of Object.entries(layers)) {
    for (const entry of parts) {
      if (!above.has(entry) && !above.has(partOf(entry))) faults.push(`${part} names ${entry}, which is not above it`);
    }
    above.add(part);
  }
  return faults;
}

/** The folder of a file; a file that stands in src/ itself is a part of its own. */
function partOf(file: string): string {
  const folder = posix.dirname(file);
  return folder === '.' ? file : folder;
}

/** `zod/v4` belongs to `zod`; a module of Node is allowed by its whole name. */
function packageOf(name: string): string {
  if (name.startsWith('node:')) return name;
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
