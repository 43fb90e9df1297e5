// `portcullis check`: reads a settings file as `run` would, and does no more.

import { printProblem } from '../policy/problem.ts';
import { loadSettings } from '../settings/load-settings.ts';

export function check(file: string): number {
  const loaded = loadSettings(file);
  if (loaded.ok) return 0;
  for (const problem of loaded.problems) process.stderr.write(`${printProblem(problem)}\n`);
  return 1;
}
