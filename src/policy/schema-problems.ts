// What in this file does not fit its description? Turns what zod found into problems with places.
// Must not break: every fault of the file is told at once, each where it stands, an unknown key with the likely one.

import { z } from 'zod';
import { nearestWord } from './nearest-word.ts';
import { type Path, type Problem, printPath, shown } from './problem.ts';
import { problemAt, type YamlSource } from './yaml-source.ts';

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The data of the source as the schema reads it, or everything in it that does not fit. */
export function checkSchema<Schema extends z.ZodType>(schema: Schema, source: YamlSource): Checked<z.output<Schema>> {
  const result = schema.safeParse(source.data);
  if (result.success) return { ok: true, value: result.data };
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, [], schema, source));
  // Where a variable is missing there is no value to judge, and that is told already.
  const told = new Set(source.problems.map(({ line, column }) => `${line}:${column}`));
  return { ok: false, problems: problems.filter(({ line, column }) => !told.has(`${line}:${column}`)) };
}

function problemsOf(issue: z.core.$ZodIssue, parent: Path, schema: z.ZodType, source: YamlSource): Problem[] {
  const path: Path = [...parent, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schemaAt(schema, path));
    return issue.keys.map((key) => ({
      file: source.file,
      ...source.placeOfKey([...path, key]),
      message: unknownKey(printPath(path), key, known),
    }));
  }
  if (issue.code === 'invalid_union') {
    // The alternative that failed only further in is the one the writer had in mind.
    const meant = issue.errors.find((issues) => issues.every(isInside));
    if (meant !== undefined) return meant.flatMap((inner) => problemsOf(inner, path, schema, source));
  }
  return [problemAt(source, path, issue.message)];
}

function isInside(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys';
}

function unknownKey(section: string, key: string, known: readonly string[]): string {
  const nearest = nearestWord(key, known);
  const where = section === '' ? '' : ` in ${section}`;
  const hint = nearest === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${nearest}?`;
  return `unknown key ${shown(key)}${where}; ${hint}`;
}

function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  const [part, ...rest] = path;
  const bare = unwrapped(schema);
  if (part === undefined) return bare;
  const next =
    bare instanceof z.ZodArray ? bare.element : bare instanceof z.ZodObject ? bare.shape[String(part)] : undefined;
  return next === undefined ? undefined : schemaAt(next, rest);
}

function knownKeys(schema: z.core.$ZodType | undefined): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

// Optional sections, and the one alternative of a union that has keys.
function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional) return unwrapped(schema.unwrap());
  if (!(schema instanceof z.ZodUnion)) return schema;
  return schema.options.find((option) => option instanceof z.ZodObject) ?? schema;
}
