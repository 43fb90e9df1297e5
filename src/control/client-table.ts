// What do all engines together know of each client address? A table in memory that all threads share: every address has
// an entry of its own, found by its exact octets, so that none is ever taken for another. Which entries meet in one
// bucket depends on a key made at start, so that nobody can crowd a bucket on purpose.
// Must not break: entries are found, made and given up under the lock; an entry in use is never given up, so whoever
// holds one may count in it without the lock.

import { randomFillSync } from 'node:crypto';
import { type Address, octetsOfClient } from '../address/endpoint.ts';
import { keyedHash } from './keyed-hash.ts';

const header = { lock: 0, key0: 1, key1: 2, hand: 3, sessions: 4 } as const;
const headerWords = 8;

/** Words of an entry. `next` is the next one in its bucket, counted from 1. */
const field = { next: 0, family: 1, high: 2, low: 3, sessions: 4, ways: 5, second: 6, commands: 7 } as const;
const entryWords = 8;

/** What comes at once after a pause does not wait. */
const burstMs = 1000;
/** Ten of them use up the burst. */
const chargeMs = 100;
const chargeMaxMs = 5000;

export class ClientTable {
  readonly memory: SharedArrayBuffer;
  private readonly words: Int32Array;
  /** By entry: until when the connections of this client are planned, in milliseconds since 1970. */
  private readonly planned: Float64Array;
  private readonly buckets: number;
  private readonly entries: number;

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.words = new Int32Array(memory);
    // One bucket, one entry and one time for each.
    this.entries = (this.words.length - headerWords) / (1 + entryWords + 2);
    this.buckets = this.entries;
    this.planned = new Float64Array(memory, (headerWords + (1 + entryWords) * this.entries) * 4, this.entries);
  }

  /** Room for so many addresses at once. */
  static create(addresses: number): ClientTable {
    // Even, so that the times behind are aligned.
    const entries = 2 * Math.ceil(addresses / 2);
    const table = new ClientTable(new SharedArrayBuffer((headerWords + entries * (1 + entryWords + 2)) * 4));
    randomFillSync(table.words, header.key0, 2);
    return table;
  }

  /** The same table in another thread. */
  static over(memory: SharedArrayBuffer): ClientTable {
    return new ClientTable(memory);
  }

  /** Sessions of all clients. */
  get sessions(): number {
    return Atomics.load(this.words, header.sessions);
  }

  addSessions(more: number): number {
    return Atomics.add(this.words, header.sessions, more);
  }

  /**
   * One more session of this client: its entry, or undefined where it has `max` already. Where all entries are in use
   * it is `full`; the table is made larger than there may be sessions.
   */
  enter(client: Address, max: number): number | 'full' | undefined {
    const [family, high, low] = wordsOf(client);
    return this.locked(() => {
      const bucket = this.bucketOf(family, high, low);
      let entry = this.words[bucket]! - 1;
      while (entry >= 0 && !this.isOf(entry, family, high, low)) entry = this.words[this.at(entry, 'next')]! - 1;
      if (entry < 0) {
        const free = this.makeRoom();
        if (free === undefined) return 'full';
        entry = free;
        this.words[this.at(entry, 'family')] = family;
        this.words[this.at(entry, 'high')] = high;
        this.words[this.at(entry, 'low')] = low;
        this.words[this.at(entry, 'next')] = this.words[bucket]!;
        this.words[bucket] = entry + 1;
        this.planned[entry] = 0;
      }
      if (this.words[this.at(entry, 'sessions')]! >= max) return undefined;
      this.words[this.at(entry, 'sessions')]! += 1;
      return entry;
    });
  }

  leave(entry: number): void {
    this.locked(() => {
      this.words[this.at(entry, 'sessions')]! -= 1;
    });
  }

  /** How long the next connection of this client has to wait, where so many a second may come and as many at once. */
  plan(entry: number, perSecond: number, epochMs: number): number {
    return this.locked(() => {
      const at = this.plannedFrom(entry, epochMs) + 1000 / perSecond;
      this.planned[entry] = at;
      return Math.max(0, at - epochMs);
    });
  }

  /**
   * One of its sessions counts as long as many connections. The first few cost nobody anything, and nobody behind the
   * same address waits for longer than some seconds.
   */
  charge(entry: number, epochMs: number): void {
    this.locked(() => {
      const at = this.plannedFrom(entry, epochMs) + chargeMs;
      this.planned[entry] = Math.max(this.planned[entry]!, Math.min(at, epochMs + chargeMaxMs));
    });
  }

  /** One more way, if there are fewer than `max`. */
  takeWay(entry: number, max: number): boolean {
    if (Atomics.add(this.words, this.at(entry, 'ways'), 1) < max) return true;
    this.giveWayBack(entry);
    return false;
  }

  giveWayBack(entry: number): void {
    Atomics.sub(this.words, this.at(entry, 'ways'), 1);
  }

  /** Commands of this client in this second, over all its sessions. */
  commandsIn(entry: number, second: number): number {
    const { words } = this;
    if (Atomics.load(words, this.at(entry, 'second')) !== second) return 0;
    return Atomics.load(words, this.at(entry, 'commands'));
  }

  countCommand(entry: number, second: number): void {
    const { words } = this;
    if (Atomics.load(words, this.at(entry, 'second')) !== second) {
      // Two threads that begin a second at once lose a few commands between them, which nobody will miss.
      Atomics.store(words, this.at(entry, 'second'), second);
      Atomics.store(words, this.at(entry, 'commands'), 0);
    }
    Atomics.add(words, this.at(entry, 'commands'), 1);
  }

  /** From when on its next connection is reckoned. */
  private plannedFrom(entry: number, epochMs: number): number {
    return Math.max(this.planned[entry]!, epochMs - burstMs);
  }

  private at(entry: number, name: keyof typeof field): number {
    return headerWords + this.buckets + entry * entryWords + field[name];
  }

  private bucketOf(family: number, high: number, low: number): number {
    const { words } = this;
    return headerWords + (keyedHash(words[header.key0]!, words[header.key1]!, [family, high, low]) % this.buckets);
  }

  private isOf(entry: number, family: number, high: number, low: number): boolean {
    const at = this.at(entry, 'family');
    return this.words[at] === family && this.words[at + 1] === high && this.words[at + 2] === low;
  }

  /** An entry that nobody uses. A hand goes round, so that an address that has just left is remembered longest. */
  private makeRoom(): number | undefined {
    for (let tries = 0; tries < this.entries; tries++) {
      const entry = this.words[header.hand]!;
      this.words[header.hand] = (entry + 1) % this.entries;
      if (this.words[this.at(entry, 'sessions')]! > 0) continue;
      if (this.words[this.at(entry, 'family')] !== 0) this.forget(entry);
      return entry;
    }
    return undefined;
  }

  private forget(entry: number): void {
    const { words } = this;
    const at = this.at(entry, 'family');
    let link = this.bucketOf(words[at]!, words[at + 1]!, words[at + 2]!);
    while (words[link] !== entry + 1) link = this.at(words[link]! - 1, 'next');
    words[link] = words[this.at(entry, 'next')]!;
    words[at] = 0;
  }

  private locked<T>(step: () => T): T {
    // Held for less than a microsecond, so it is not worth a sleep.
    while (Atomics.compareExchange(this.words, header.lock, 0, 1) !== 0);
    try {
      return step();
    } finally {
      Atomics.store(this.words, header.lock, 0);
    }
  }
}

function wordsOf(client: Address): [family: number, high: number, low: number] {
  const octets = octetsOfClient(client);
  const word = (at: number) => (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
  return client.family === 6 ? [6, word(0), word(4)] : [4, 0, word(0)];
}
