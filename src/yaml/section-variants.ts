// A section whose keys depend on one word in it (`mode: reverse`): which variant is meant, and what is wrong by any?
// Must not break: where the word itself is wrong, the other keys are judged all the same, as far as the variants agree.

import { z } from 'zod';
import { nearestWord } from './nearest-word.ts';
import { shown } from './problem.ts';

type Variants = z.ZodDiscriminatedUnion<readonly z.ZodObject[], string>;

export function isVariants(schema: z.core.$ZodType): schema is Variants {
  return schema instanceof z.ZodDiscriminatedUnion;
}

/** The variant that the word in the data selects; undefined where the word is missing or wrong. */
export function meantVariant({ def, options }: Variants, data: unknown): z.ZodObject | undefined {
  const word = valueUnder(data, def.discriminator);
  return options.find(({ shape }) => (shape[def.discriminator] as z.ZodType).safeParse(word).success);
}

/** Where the key has one meaning, or the first of several. */
export function variantWithKey({ options }: Variants, key: string): z.ZodObject | undefined {
  return options.find(({ shape }) => Object.hasOwn(shape, key));
}

/** Where no variant is meant: what is wrong by every variant that has the key, `errors` being the issues by variant. */
export function commonIssues(
  { options }: Variants,
  errors: readonly (readonly z.core.$ZodIssue[])[],
  data: unknown,
): z.core.$ZodIssue[] {
  const isCommon = (issue: z.core.$ZodIssue): boolean => {
    const key = String(issue.path[0]);
    const having = errors.filter((_, index) => Object.hasOwn(options[index]!.shape, key));
    if (valueUnder(data, key) === undefined && having.length < options.length) return false;
    return having.every((issues) => issues.some((other) => same(issue, other)));
  };
  const common = errors.flat().flatMap((issue): z.core.$ZodIssue[] => {
    if (issue.path.length > 0) return isCommon(issue) ? [issue] : [];
    if (issue.code !== 'unrecognized_keys') return [issue];
    const keys = issue.keys.filter((key) => options.every(({ shape }) => !Object.hasOwn(shape, key)));
    return keys.length === 0 ? [] : [{ ...issue, keys, message: `unknown: ${keys.join(', ')}` }];
  });
  return common.filter((issue, index) => common.findIndex((other) => same(issue, other)) === index);
}

/** What to say of a key that the variant does not have: it may be a slip of the pen, or belong to another variant. */
export function unknownKey(name: string, key: string, schema: z.core.$ZodType | undefined, data: unknown): string {
  const unknown = `unknown key ${shown(key)}${name === '' ? '' : ` in ${name}`}`;
  const other = schema !== undefined && isVariants(schema) ? variantWithKey(schema, key) : undefined;
  if (schema !== undefined && isVariants(schema) && other !== undefined) {
    const word = other.shape[schema.def.discriminator];
    return `${unknown}; only ${schema.def.discriminator} ${word instanceof z.ZodLiteral ? word.value : ''} has it`;
  }
  const known = knownKeys(schema, data);
  const nearest = nearestWord(key, known);
  return `${unknown}; ${nearest === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${nearest}?`}`;
}

function knownKeys(schema: z.core.$ZodType | undefined, data: unknown): string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema === undefined || !isVariants(schema)) return [];
  const meant = meantVariant(schema, data);
  return [...new Set((meant === undefined ? schema.options : [meant]).flatMap(({ shape }) => Object.keys(shape)))];
}

function same(a: z.core.$ZodIssue, b: z.core.$ZodIssue): boolean {
  return a.message === b.message && a.path.join('.') === b.path.join('.');
}

function valueUnder(data: unknown, key: string): unknown {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[key] : undefined;
}
