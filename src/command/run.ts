// `portcullis run`: the gateway until SIGTERM.

import type { TableKeeping } from '../perimeter/perimeter.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { printProblem } from '../yaml/problem.ts';
import { serve } from './service.ts';

export async function run(file: string, keeping: TableKeeping): Promise<number> {
  const loaded = loadSettings(file);
  if (!loaded.ok) {
    for (const problem of loaded.reason) process.stderr.write(`${printProblem(problem)}\n`);
    return 1;
  }
  return serve({ settings: loaded.value, reload: () => loadSettings(file), keeping });
}
