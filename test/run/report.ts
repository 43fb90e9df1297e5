// What do people read of a run? A line for each file as it ends, with what it complains of, and at the end how many
// there were of everything and which took longest.

import type { FileEnd } from './test-file.ts';

const slowestMax = 5;

/** One line, and the complaint of a file that failed below it. */
export function printEnd(end: FileEnd, ended: number, files: number): string {
  const progress = `[${String(ended).padStart(String(files).length)}/${files}]`;
  const counts = [counted(end.tests, 'test'), ...(end.skipped.length > 0 ? [`${end.skipped.length} skipped`] : [])];
  const line = `${progress} ${end.result} ${end.seconds.toFixed(1).padStart(6)} s  ${end.file} (${counts.join(', ')})`;
  return end.complaint === '' ? line : `${line}\n${indented(end.complaint)}`;
}

/** One line. */
export function printSummary(ends: readonly FileEnd[], seconds: number): string {
  const failed = ends.filter(({ result }) => result === 'FAILED');
  const sum = (of: (end: FileEnd) => number): number => ends.reduce((total, end) => total + of(end), 0);
  const tests = sum((end) => end.tests);
  const skipped = sum((end) => end.skipped.length);
  const counts = [counted(ends.length, 'file'), counted(tests, 'test'), `${skipped} skipped`];
  const slowest = ends
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, slowestMax)
    .map((end) => `${end.file} ${Math.round(end.seconds)} s`);
  const parts = [
    `${failed.length === 0 ? 'passed' : 'FAILED'} ${String(Math.round(seconds)).padStart(5)} s   ${counts.join(', ')}`,
    ...(failed.length > 0 ? [`failed: ${failed.map(({ file }) => file).join(', ')}`] : []),
    `slowest: ${slowest.join(', ')}`,
  ];
  return parts.join('; ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^(?=.)/gm, '    ');
}
