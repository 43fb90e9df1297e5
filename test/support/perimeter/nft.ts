// What does the packet filter of a network say? nft's JSON (libnftables-json(5)), as far as tests read it.

import type { Network } from './network.ts';

type Json = Readonly<Record<string, unknown>>;

/** Loads a script, as `nft -f` does. */
export async function loadNft(network: Network, script: string): Promise<void> {
  await network.must('nft', script);
}

/** The names of all tables. */
export async function tables(network: Network): Promise<string[]> {
  return (await list(network, 'tables', 'table')).map(({ name }) => String(name)).sort();
}

export interface SetElement {
  /** A concatenation as its fields, joined by blanks. */
  readonly key: string;
  /** Seconds from now, where it ends by itself. */
  readonly expires: number | undefined;
  /** How many packets its counter has seen, where it has one. */
  readonly packets: number | undefined;
}

/** The elements of a set of an inet table, or of a map without its values. */
export async function elements(
  network: Network,
  table: string,
  name: string,
  kind: 'set' | 'map' = 'set',
): Promise<SetElement[]> {
  const [found] = await list(network, `${kind} inet ${table} ${name}`, kind);
  return asArray(found?.['elem']).map((one) => {
    // Of a map it is a pair of key and value.
    const element = kind === 'set' ? one : asArray(one)[0];
    const { elem } = asRecord(element);
    const { val, expires, counter } = asRecord(elem);
    return {
      key: printKey(val ?? element),
      expires: asCount(expires),
      packets: asCount(asRecord(counter)['packets']),
    };
  });
}

export interface Counted {
  readonly packets: number;
  readonly octets: number;
}

/** A named counter of an inet table. */
export async function counted(network: Network, table: string, counter: string): Promise<Counted> {
  const [found] = await list(network, `counter inet ${table} ${counter}`, 'counter');
  return { packets: asCount(found?.['packets']) ?? 0, octets: asCount(found?.['bytes']) ?? 0 };
}

async function list(network: Network, what: string, kind: string): Promise<Json[]> {
  const { nftables } = asRecord(JSON.parse(await network.must('nft', '-j', 'list', ...what.split(' '))));
  return asArray(nftables).flatMap((one) => (kind in asRecord(one) ? [asRecord(asRecord(one)[kind])] : []));
}

function printKey(value: unknown): string {
  const { concat } = asRecord(value);
  return concat === undefined ? String(value) : asArray(concat).join(' ');
}

function asRecord(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asCount(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
