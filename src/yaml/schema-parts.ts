// Of which parts is the description of an operator's file made? Sections with known keys, lists, and scalars.
// Must not break: every part says what it expected, in the words of the person who writes the file.

import { z } from 'zod';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { shown } from './problem.ts';

/** A map that has only the keys of the shape. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? notExpected('keys and values', issue.input) : undefined),
  });
}

/** A section, or the word that stands for having none. */
export function sectionOr<Word extends string, Section extends z.ZodType>(word: Word, alternative: Section) {
  return z.union([z.literal(word), alternative], {
    error: (issue) => notExpected(`${word}, or keys and values`, issue.input),
  });
}

/** A section whose keys depend on the word under `key`, which each variant has as `variantWord`. */
export function sectionVariants<const Variants extends readonly [z.ZodObject, ...z.ZodObject[]]>(
  key: string,
  variants: Variants,
) {
  return z.discriminatedUnion(key, variants, {
    // A wrong word does not hide what is wrong beside it; section-variants.ts finds what the variants agree on.
    unionFallback: true,
    error: (issue) => notExpected('keys and values', issue.input),
  });
}

/** The word of one variant; `words` are those of all. */
export function variantWord<const Word extends string>(word: Word, words: readonly string[]) {
  return z.literal(word, { error: (issue) => notExpected(words.join(' or '), issue.input) });
}

/** A list of at least `least` elements. `expected` names the elements: `networks`. */
export function list<Element extends z.ZodType>(element: Element, expected: string, least = 0) {
  return z
    .array(element, { error: (issue) => notExpected(`a list of ${expected}`, issue.input) })
    .min(least, { error: `expected a list of ${expected} with ${least} at least, found an empty one` });
}

/**
 * One value, read by a function of its own. `expected` names what may stand here (`a port from 1 to 65535`); the
 * function's reason begins with `expected …` too, or with what is wrong with a value of the right kind.
 */
export function scalar<T>(expected: string, read: (value: unknown) => Parsed<T>) {
  return z.unknown().transform((value, context): T => {
    const result = value === undefined ? undefined : read(value);
    if (result?.ok) return result.value;
    context.addIssue(result === undefined ? notExpected(expected, value) : `${result.reason}, found ${shown(value)}`);
    return z.NEVER;
  });
}

/** A text, read by a function of its own. */
export function text<T>(expected: string, read: (value: string) => Parsed<T>) {
  return scalar(expected, (value) => (typeof value === 'string' ? read(value) : unreadable(`expected ${expected}`)));
}

/** One of a few words. `unavailable` holds words that are known but cannot be had yet, each with its explanation. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
  unavailable: Readonly<Record<string, string>> = {},
) {
  const expected = words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return scalar<Word>(expected, (value) => {
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return parsed(word);
    const explanation = typeof value === 'string' && Object.hasOwn(unavailable, value) ? unavailable[value] : undefined;
    return unreadable(explanation ?? `expected ${expected}`);
  });
}

/** As text too: that is what an environment variable gives. */
export const trueOrFalse = scalar('true or false', (value): Parsed<boolean> => {
  const word = String(value);
  return word === 'true' || word === 'false' ? parsed(word === 'true') : unreadable('expected true or false');
});

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number, noun = 'a number') {
  const expected = `${noun} from ${least} to ${most}`;
  return scalar(expected, (value) => {
    const number = integer(value);
    return number >= least && number <= most ? parsed(number) : unreadable(`expected ${expected}`);
  });
}

/** A whole number from `least` to `most`, or a word. */
export function wordOrNumber<const Word extends string>(word: Word, least: number, most: number) {
  const expected = `${word}, or a number from ${least} to ${most}`;
  return scalar<Word | number>(expected, (value) => {
    const number = integer(value);
    if (value === word) return parsed(word);
    return number >= least && number <= most ? parsed(number) : unreadable(`expected ${expected}`);
  });
}

// A text of digits is a number too: that is what an environment variable gives.
function integer(value: unknown): number {
  const digits = typeof value === 'string' && /^\d{1,15}$/.test(value);
  return digits || Number.isInteger(value) ? Number(value) : Number.NaN;
}

function notExpected(expected: string, value: unknown): string {
  return value === undefined ? `is missing; expected ${expected}` : `expected ${expected}, found ${shown(value)}`;
}
