// A table like that of the perimeter for the tests of nfnetlink.ts, and what is in its sets as nft lists them.

import assert from 'node:assert/strict';
import { runNft } from '../../../src/sys/libnftables.ts';
import type { Committed, ElementChange } from '../../../src/sys/nfnetlink.ts';
import { patienceMs } from '../../support/watch.ts';

const table = `
table inet walls {
  set pinholes4 { type ipv4_addr . ipv4_addr . inet_service; flags dynamic,timeout; timeout 30s; size 65536; }
  set pinholes6 { type ipv6_addr . ipv6_addr . inet_service; flags dynamic,timeout; timeout 30s; size 65536; }
  map redirects4 { type ipv4_addr . ipv4_addr . inet_service : ipv4_addr . inet_service; flags timeout; size 65536; }
  map redirects6 { type ipv6_addr . ipv6_addr . inet_service : ipv6_addr . inet_service; flags timeout; size 65536; }
  map sources4 { type ipv4_addr . ipv4_addr . inet_service : ipv4_addr; flags timeout; size 65536; }
}
`;

/** The table anew and empty. */
export function freshTable(): void {
  nft(`add table inet walls; delete table inet walls\n${table}`);
}

export function nft(script: string): string {
  const run = runNft(script);
  if (!run.ok) throw new Error(run.reason);
  return run.value;
}

/** The elements of a set or map as nft prints them, in no order, without how long they still have. */
export function elementsOf(set: string): string[] {
  const kind = set.startsWith('pinholes') ? 'set' : 'map';
  const list = /elements = \{([^}]*)\}/.exec(nft(`list ${kind} inet walls ${set}`));
  if (list === null) return [];
  return list[1]!
    .split(',')
    .map((element) => element.trim().replace(/ expires \w+/, ''))
    .sort();
}

/** 198.51.100.2 . 10.77.0.2 . port. */
export function key4(port: number): Uint8Array {
  return Uint8Array.of(198, 51, 100, 2, 10, 77, 0, 2, port >> 8, port & 0xff, 0, 0);
}

/** 2001:db8:1::2 . 2001:db8:77::2 . port. */
export function key6(port: number): Uint8Array {
  const octets = new Uint8Array(36);
  octets.set([0x20, 0x01, 0x0d, 0xb8, 0, 1], 0);
  octets[15] = 2;
  octets.set([0x20, 0x01, 0x0d, 0xb8, 0, 0x77], 16);
  octets[31] = 2;
  octets.set([port >> 8, port & 0xff], 32);
  return octets;
}

export function pinhole(port: number, timeoutMs?: number): ElementChange {
  return { kind: 'add', set: 'pinholes4', key: key4(port), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

/** The change that takes it away again. */
export function undone({ set, key }: ElementChange): ElementChange {
  return { kind: 'delete', set, key };
}

/** What commit and remove answer, in short. */
export function outcome(committed: Committed): string {
  if (committed.ok) return 'ok';
  const { code, set } = committed.reason;
  return `${code} ${set ?? '-'}`;
}

/** Until `holds`, by looking again and again: the kernel tells nobody of an element that times out. */
export function lookUntil(holds: () => boolean): void {
  const deadline = performance.now() + patienceMs;
  while (!holds()) assert.ok(performance.now() < deadline, `not within ${patienceMs} ms: ${holds}`);
}
