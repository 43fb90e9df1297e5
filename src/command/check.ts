// `portcullis check`: reads a settings file as `run` would, and does no more.

import { loadSettings } from '../settings/load-settings.ts';
import { printProblem } from '../yaml/problem.ts';

export function check(file: string): number {
  const loaded = loadSettings(file);
  if (loaded.ok) return 0;
  for (const problem of loaded.reason) process.stderr.write(`${printProblem(problem)}\n`);
  return 1;
}
