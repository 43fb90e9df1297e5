// Which processes belong to a program, and how do they end? Its group and all its descendants count, since servers
// give their sessions groups of their own. Nothing is ended by name, only by id.

import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 10;

/**
 * The living processes of a program: its group, and all descendants outside of it, since vsftpd gives each session a
 * group of its own. Zombies that a lazy pid 1 has not collected do not count.
 */
export async function familyOf(pid: number): Promise<number[]> {
  const processes = await livingProcesses();
  const family = new Set(processes.filter((one) => one.group === pid).map((one) => one.pid));
  for (let before = -1; before !== family.size; ) {
    before = family.size;
    for (const one of processes) if (family.has(one.parent)) family.add(one.pid);
  }
  return [...family];
}

/** Whether all of them are gone before so much time has passed. */
export async function areGone(family: readonly number[], waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  while ((await livingProcesses()).some(({ pid }) => family.includes(pid))) {
    if (Date.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
}

/** To single processes, or with a negative id to a group; one that is gone already is no fault. */
export function signalAll(ids: readonly number[], signal: NodeJS.Signals): void {
  for (const id of ids) {
    try {
      process.kill(id, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

async function livingProcesses(): Promise<{ pid: number; parent: number; group: number }[]> {
  const found: { pid: number; parent: number; group: number }[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => '');
    // proc(5): pid (comm) state ppid pgrp …; comm may itself hold blanks and parentheses.
    const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (stat !== '' && state !== 'Z') found.push({ pid: Number(entry), parent: Number(parent), group: Number(group) });
  }
  return found;
}
