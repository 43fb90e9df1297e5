// What is wrong in a file that an operator wrote, and where? One shape for rules and settings, so that `check` prints
// all of them alike. Must not break: what is quoted from the file cannot steer the terminal that shows it.

import type { Result } from '../result.ts';

/** Both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** From the root of a file to one of its values. */
export type Path = readonly (string | number)[];

/** A fault in an operator's file. A fault of the file as a whole (missing, empty) stands at line 1, column 1. */
export interface Problem extends Place {
  /** The path as the operator gave it. */
  readonly file: string;
  /** One sentence: which key, what was expected, what was found. */
  readonly message: string;
}

/** What a file says, or all that is wrong with it: one problem at least. */
export type Checked<T> = Result<T, readonly Problem[]>;

/** `file:line:column: message`, the form in which editors and CI systems find places. */
export function printProblem(problem: Problem): string {
  return `${printPlace(problem)}: ${problem.message}`;
}

/** `file:line:column` */
export function printPlace({ file, line, column }: Problem): string {
  return `${file}:${line}:${column}`;
}

/** As a problem, and told from one. */
export function printWarning({ message, ...place }: Problem): string {
  return printProblem({ ...place, message: `warning: ${message}` });
}

/** The fault of a file as a whole. */
export function wholeFileProblem(file: string, message: string): Problem {
  return { file, line: 1, column: 1, message };
}

/** In the order of reading within each file, the files in the order of their first problem. */
export function inReadingOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))];
  return [...problems].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** A value as a message shows it: control characters escaped, long texts cut. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys and values';
  if (typeof value !== 'string') return String(value);
  // JSON escapes only C0; DEL and C1 hold control sequences too (CSI is U+009B).
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

/** `listeners[0].dataPorts` */
export function printPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}
