// What in this file does not fit its description? Turns what zod found into problems with places.
// Must not break: every fault of the file is told at once, each where it stands, an unknown key with the likely one.

import { z } from 'zod';
import { type Checked, type Path, type Problem, printPath } from './problem.ts';
import { commonIssues, isVariants, meantVariant, unknownKey, variantWithKey } from './section-variants.ts';
import { problemAt, type YamlSource } from './yaml-source.ts';

/** The data of the source as the schema reads it, or everything in it that does not fit. */
export function checkSchema<Schema extends z.ZodType>(schema: Schema, source: YamlSource): Checked<z.output<Schema>> {
  const result = schema.safeParse(source.data);
  if (result.success) return { ok: true, value: result.data };
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, [], schema, source));
  // Where a variable is missing there is no value to judge, and that is told already.
  const told = new Set(source.problems.map(({ line, column }) => `${line}:${column}`));
  return { ok: false, reason: problems.filter(({ line, column }) => !told.has(`${line}:${column}`)) };
}

function problemsOf(issue: z.core.$ZodIssue, parent: Path, schema: z.ZodType, source: YamlSource): Problem[] {
  const path: Path = [...parent, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'unrecognized_keys') {
    const found = find(schema, path, source.data);
    return issue.keys.map((key) => ({
      file: source.file,
      ...source.placeOfKey([...path, key]),
      message: unknownKey(printPath(path), key, found?.schema, found?.data),
    }));
  }
  if (issue.code === 'invalid_union') {
    const found = find(schema, path, source.data);
    // The alternative that failed only further in is the one the writer had in mind.
    const meant =
      found !== undefined && isVariants(found.schema)
        ? commonIssues(found.schema, issue.errors, found.data)
        : issue.errors.find((issues) => issues.every(isInside));
    if (meant !== undefined) return meant.flatMap((inner) => problemsOf(inner, path, schema, source));
  }
  return [problemAt(source, path, issue.message)];
}

function isInside(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys';
}

interface Found {
  readonly schema: z.core.$ZodType;
  readonly data: unknown;
}

function find(schema: z.core.$ZodType, path: Path, data: unknown): Found | undefined {
  const [part, ...rest] = path;
  const bare = unwrapped(schema);
  if (part === undefined) return { schema: bare, data };
  const next = bare instanceof z.ZodArray ? bare.element : sectionOf(bare, String(part), data)?.shape[String(part)];
  return next === undefined ? undefined : find(next, rest, (data as Record<string | number, unknown>)[part]);
}

function sectionOf(schema: z.core.$ZodType, key: string, data: unknown): z.ZodObject | undefined {
  if (isVariants(schema)) return meantVariant(schema, data) ?? variantWithKey(schema, key);
  return schema instanceof z.ZodObject ? schema : undefined;
}

// Optional sections, and the one alternative of a union that has keys.
function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional) return unwrapped(schema.unwrap());
  if (!(schema instanceof z.ZodUnion) || isVariants(schema)) return schema;
  return schema.options.find((option) => option instanceof z.ZodObject) ?? schema;
}
