// How is each thread of a process held to a share of a processor? A control group of its own for each thread, with a
// quota (cgroup v1, controller `cpu`, whose groups may hold single threads; v2 refuses that outside threaded subtrees).

import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotRun } from './cannot-run.ts';
import { onCleanUp } from './clean-up.ts';

const controller = '/sys/fs/cgroup/cpu';
// Short against a window of a second, long against the 4 ms tick at which the scheduler looks at a busy thread's quota.
const periodUs = 20_000;

/**
 * Caps every thread that the process has now at `share` of one processor. Returns what lifts the cap once the process
 * is gone.
 */
export function capThreads(pid: number, share: number): () => void {
  if (!existsSync(join(controller, 'tasks'))) {
    throw new CannotRun(`comparing engines needs the cgroup v1 controller cpu at ${controller}`);
  }
  const parent = join(controller, `pcb-${process.pid}`);
  const groups: string[] = [];
  const lift = () => {
    for (const group of groups.splice(0)) rmdirSync(group);
    if (existsSync(parent)) rmdirSync(parent);
  };
  onCleanUp(lift);
  mkdirSync(parent, { recursive: true });
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const group = join(parent, thread);
    mkdirSync(group);
    groups.push(group);
    writeFileSync(join(group, 'cpu.cfs_period_us'), `${periodUs}`);
    writeFileSync(join(group, 'cpu.cfs_quota_us'), `${Math.round(periodUs * share)}`);
    writeFileSync(join(group, 'tasks'), thread);
  }
  return lift;
}
