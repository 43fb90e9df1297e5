// How many descriptors may each process of the bench have? A relay spends two on a session, so 10,000 sessions need
// more than most hard limits allow, and only CAP_SYS_RESOURCE raises a hard limit (setrlimit(2)).

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

// 10,000 sessions with a transfer each: 20,000 control and 40,000 data descriptors, and room.
const wanted = 262_144;

function findLimit(): number {
  if (spawnSync('prlimit', [`--nofile=${wanted}:${wanted}`, 'true'], { stdio: 'ignore' }).status === 0) return wanted;
  const hard = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return Number(hard?.[1] ?? 1024);
}

let found: number | undefined;

/** The most that can be had here, found out once. */
export function descriptorsMax(): number {
  found ??= findLimit();
  return found;
}

/** How many sessions fit a relay that has `spare` descriptors for other things than control connections. */
export function sessionsWithin(spare: number): number {
  return Math.floor((descriptorsMax() - spare) / 2);
}
