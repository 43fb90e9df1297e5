// `portcullis rules`: prints the nftables ruleset that `run` would install, for reading, or for loading by hand
// (`nft -f`) before `run --no-install`.

import { printRuleset } from '../nftables/ruleset.ts';
import { tablePlanOf } from '../perimeter/table-plan-of.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { printProblem } from '../yaml/problem.ts';

export function rules(file: string): number {
  const loaded = loadSettings(file);
  if (!loaded.ok) {
    for (const problem of loaded.reason) process.stderr.write(`${printProblem(problem)}\n`);
    return 1;
  }
  const plan = tablePlanOf(loaded.value);
  process.stdout.write(
    plan === undefined ? '# No listener is transparent: nothing is installed.\n' : printRuleset(plan),
  );
  return 0;
}
