// Is our one table in the kernel, may it be, and how does it get there and away again?
// Must not break: a table of our name that does not carry our comment is somebody else's and stays untouched; whatever
// is changed is changed in one transaction.

import { readFileSync } from 'node:fs';
import { done, type Result } from '../result.ts';
import { type NftRun, runNft } from '../sys/libnftables.ts';
import { firstLine, missingFeatures } from './kernel-features.ts';
import { printRemoval, printRuleset } from './ruleset.ts';
import { isOurs, missingParts } from './table-listing.ts';
import type { TablePlan } from './table-plan.ts';

/** Why not, in one sentence for the operator. */
export type TableOutcome = Result<undefined, string>;

/** Loads the table. With `replace`, one of ours that is there already (of a gateway that died) gives way to it. */
export function install(plan: TablePlan, { replace }: { readonly replace: boolean }): TableOutcome {
  const standing = standingOf(plan.table);
  if (standing.kind === 'unknown') return failed(standing.problem);
  if (standing.kind === 'foreign') return failed(foreignSentence(plan.table));
  if (standing.kind === 'ours' && !replace) return failed(`the nftables table inet ${plan.table} is there already`);
  return run(printRuleset(plan));
}

/** Takes the table away; no failure where it is gone already, and one that is not ours stays. */
export function remove(plan: Pick<TablePlan, 'table'>): TableOutcome {
  const standing = standingOf(plan.table);
  if (standing.kind === 'unknown') return failed(standing.problem);
  return standing.kind === 'ours' ? run(printRemoval(plan)) : done;
}

/**
 * For a table that the operator has loaded: whether everything is there that the plan needs, or exactly what is not.
 */
export function check(plan: TablePlan): TableOutcome {
  const standing = standingOf(plan.table);
  const load = 'load what `portcullis rules` prints';
  if (standing.kind === 'unknown') return failed(standing.problem);
  if (standing.kind === 'absent') return failed(`there is no nftables table inet ${plan.table}; ${load}`);
  const missing = missingParts(plan, standing.listing);
  if (missing.length === 0) return done;
  return failed(`the nftables table inet ${plan.table} does not fit the settings: ${missing.join('; ')}; ${load}`);
}

/** Whether install() would work and do what it should; nothing is changed. One sentence for each obstacle. */
export function probe(plan: TablePlan): string[] {
  const standing = standingOf(plan.table);
  if (standing.kind === 'unknown') return [standing.problem];
  const problems = absentInterfaces(plan);
  if (standing.kind === 'foreign') return [...problems, foreignSentence(plan.table)];
  const tried = dryRun(printRuleset(plan));
  if (tried.ok) return problems;
  const missing = missingFeatures(dryRun);
  if (missing.length > 0) return [...problems, ...missing];
  return [...problems, `nftables refuses the table inet ${plan.table}: ${firstLine(tried.reason)}`];
}

type Standing =
  | { readonly kind: 'absent' }
  | { readonly kind: 'ours' | 'foreign'; readonly listing: string }
  | { readonly kind: 'unknown'; readonly problem: string };

function standingOf(table: string): Standing {
  const tables = runNft('list tables inet');
  if (!tables.ok) return { kind: 'unknown', problem: tables.reason };
  if (!tables.value.split('\n').includes(`table inet ${table}`)) return { kind: 'absent' };
  const listed = runNft(`list table inet ${table}`);
  if (!listed.ok) return { kind: 'unknown', problem: listed.reason };
  return { kind: isOurs(listed.value) ? 'ours' : 'foreign', listing: listed.value };
}

function foreignSentence(table: string): string {
  const remedy = 'rename it, or set kernel.table to another name';
  return `there is a nftables table inet ${table} that Portcullis did not make; ${remedy}`;
}

function absentInterfaces({ intercepts }: TablePlan): string[] {
  const present = interfaces();
  return intercepts.flatMap(({ listener, interface: ingress, egress }) =>
    [ingress, egress]
      .filter((name) => name !== undefined && !present.has(name))
      .map((name) => `listener ${listener}: there is no network interface ${name}`),
  );
}

/** In the network namespace of this thread; proc(5): a line each after two of headings, the name before a colon. */
function interfaces(): Set<string> {
  const lines = readFileSync('/proc/thread-self/net/dev', 'latin1').split('\n').slice(2);
  return new Set(lines.map((line) => line.split(':', 1)[0]!.trim()));
}

function dryRun(script: string): NftRun {
  return runNft(script, { check: true });
}

function run(script: string): TableOutcome {
  const result = runNft(script);
  return result.ok ? done : failed(`nftables: ${firstLine(result.reason)}`);
}

function failed(reason: string): TableOutcome {
  return { ok: false, reason };
}
