// How many packets has our table dropped, and why? Its named counters, as nft prints them in JSON (libnftables-json(5)).
// Must not break: reading changes nothing, and a table that is not there is no failure, because an operator may flush it at
// any time.

import { runNft } from '../sys/libnftables.ts';
import { identifier } from './nft-words.ts';

/** Packets by the name of the counter, since the table was loaded. */
export interface DropCounts {
  /** Data connections that no session expects. */
  readonly unexpected: number;
  /** Control connections that would have passed unread. */
  readonly unread: number;
}

export const noDrops: DropCounts = { unexpected: 0, unread: 0 };

/** Undefined where there is no such table, or nobody may look at it. */
export function readDropCounters(table: string): DropCounts | undefined {
  const listed = runNft(`list counters table inet ${identifier(table)}`, { json: true });
  if (!listed.ok) return undefined;
  const packets = new Map(countersIn(JSON.parse(listed.output)));
  return { unexpected: packets.get('unexpected') ?? 0, unread: packets.get('unread') ?? 0 };
}

/** What came between two looks. Less than at the last one: another table stands there now, which began with 0. */
export function dropsSince(before: DropCounts, now: DropCounts): DropCounts {
  const replaced = now.unexpected < before.unexpected || now.unread < before.unread;
  const base = replaced ? noDrops : before;
  return { unexpected: now.unexpected - base.unexpected, unread: now.unread - base.unread };
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
