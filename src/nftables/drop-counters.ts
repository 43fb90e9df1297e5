// How many packets has our table dropped, and why? Its named counters, as nft prints them in JSON (libnftables-json(5)).
// Must not break: reading changes nothing, and a table that is not there is no failure, because an operator may flush it at
// any time.

import { runNft } from '../sys/libnftables.ts';
import { identifier } from './nft-words.ts';

/** Packets since the table was loaded, by the name of the counter. */
export interface DropCounts {
  /** Data connections that no session expects. */
  readonly unexpected: number;
  /** Control connections that would have passed unread. */
  readonly unread: number;
  /** Packets that belong to no connection. */
  readonly stray: number;
  /** Of connections begun at a pinhole: more than its peer can need, or than one. */
  readonly attempts: number;
}

export const noDrops: DropCounts = { unexpected: 0, unread: 0, stray: 0, attempts: 0 };

/** Sums, counter by counter. */
export function bothDrops(one: DropCounts, other: DropCounts): DropCounts {
  return eachDrop((name) => one[name] + other[name]);
}

function eachDrop(count: (name: keyof DropCounts) => number): DropCounts {
  return {
    unexpected: count('unexpected'),
    unread: count('unread'),
    stray: count('stray'),
    attempts: count('attempts'),
  };
}

/** Undefined where there is no such table, or nobody may look at it. */
export function readDropCounters(table: string): DropCounts | undefined {
  const listed = runNft(`list counters table inet ${identifier(table)}`, { json: true });
  if (!listed.ok) return undefined;
  const packets = new Map(countersIn(JSON.parse(listed.output)));
  return eachDrop((name) => packets.get(name) ?? 0);
}

/** What came between two looks. Less than at the last one: another table stands there now, which began with 0. */
export function dropsSince(before: DropCounts, now: DropCounts): DropCounts {
  const names = Object.keys(noDrops) as (keyof DropCounts)[];
  const base = names.some((name) => now[name] < before[name]) ? noDrops : before;
  return eachDrop((name) => now[name] - base[name]);
}

function countersIn(listing: unknown): [name: string, packets: number][] {
  const { nftables } = asRecord(listing);
  if (!Array.isArray(nftables)) return [];
  return nftables.flatMap((each): [string, number][] => {
    const { name, packets } = asRecord(asRecord(each)['counter']);
    return typeof name === 'string' && typeof packets === 'number' ? [[name, packets]] : [];
  });
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
