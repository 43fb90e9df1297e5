// How many packets has our table dropped, and why? Its named counters, as nft prints them in JSON
// (libnftables-json(5)). Must not break: reading changes nothing, and a table that is not there is no failure, because
// an operator may flush it at any time.

import { runNft } from '../sys/libnftables.ts';
import { type DropReason, dropReasons } from './drop-reasons.ts';
import { identifier } from './nft-words.ts';

/** Packets by the name of the counter, since the table was loaded. */
export type DropCounts = Readonly<Record<DropReason, number>>;

export const noDrops: DropCounts = countsOf(() => 0);

/** Sums, counter by counter. */
export function bothDrops(one: DropCounts, other: DropCounts): DropCounts {
  return countsOf((reason) => one[reason] + other[reason]);
}

/** Undefined where there is no such table, or nobody may look at it. */
export function readDropCounters(table: string): DropCounts | undefined {
  const listed = runNft(`list counters table inet ${identifier(table)}`, { json: true });
  if (!listed.ok) return undefined;
  const packets = new Map(countersIn(JSON.parse(listed.value)));
  return countsOf((reason) => packets.get(reason) ?? 0);
}

/** What came between two looks. Less than at the last one: another table stands there now, which began with 0. */
export function dropsSince(before: DropCounts, now: DropCounts): DropCounts {
  const base = dropReasons.some((reason) => now[reason] < before[reason]) ? noDrops : before;
  return countsOf((reason) => now[reason] - base[reason]);
}

function countsOf(count: (reason: DropReason) => number): DropCounts {
  return Object.fromEntries(dropReasons.map((reason) => [reason, count(reason)])) as Record<DropReason, number>;
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
