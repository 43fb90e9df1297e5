// Which processes belong to a program, and how do they end? Its group and all its descendants count, since servers
// give their sessions groups of their own. Nothing is ended by name, only by id.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 10;

/**
 * The living processes of a program: its group, and all descendants outside of it, since vsftpd gives each session a
 * group of its own. Zombies that a lazy pid 1 has not collected do not count.
 */
export function familyOf(pid: number): number[] {
  const processes = livingProcesses();
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
  while (family.some((pid) => livingProcess(pid) !== undefined)) {
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

interface Living {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** Read at once and not through promises: /proc is memory, and the tests ask for it some thousand times. */
function livingProcesses(): Living[] {
  const ids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return ids.map((id) => livingProcess(Number(id))).filter((one) => one !== undefined);
}

function livingProcess(pid: number): Living | undefined {
  const stat = statLineOf(pid);
  // proc(5): pid (comm) state ppid pgrp …; comm may itself hold blanks and parentheses.
  const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' || state === 'Z' ? undefined : { pid, parent: Number(parent), group: Number(group) };
}

/** Empty for a process that is gone. */
function statLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return '';
    throw error;
  }
}
