// `portcullis check`: reads a settings file as `run` would, and does no more. What may be and is risky is told as a
// warning; it does not change the exit code, because `run` would start.

import { loadSettings } from '../settings/load-settings.ts';
import { printProblem, printWarning } from '../yaml/problem.ts';

export function check(file: string): number {
  const loaded = loadSettings(file);
  if (loaded.ok) {
    for (const warning of loaded.value.warnings) process.stderr.write(`${printWarning(warning)}\n`);
    return 0;
  }
  for (const problem of loaded.reason) process.stderr.write(`${printProblem(problem)}\n`);
  return 1;
}
