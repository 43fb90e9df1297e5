// Data connections of sessions that are not read, because their peers speak TLS with one another: the kernel lets a
// client reach a range of its server's ports for as long as such a session lasts. Of one engine.
// Must not break: what is open here is put into the table anew before the kernel would forget it, and by nobody else,
// so that it does not outlive this process; who can no longer be let through is told so.

import { type Address, addressFromOctets } from '../address/endpoint.ts';
import { closing, isOpaque } from '../nftables/hole.ts';
import { type RangePeers, rangeElements } from '../nftables/range-elements.ts';
import type { Result } from '../result.ts';
import { type Flow, stageOf } from '../sys/conntrack.ts';
import { type ElementChange, SetElements } from '../sys/nfnetlink.ts';
import type { Poller } from '../sys/poller.ts';
import type { Timer } from '../sys/timer-wheel.ts';
import type { KernelPlane } from './kernel-plane.ts';

export interface OpenPassiveRange {
  /** How many data connections it has now that have come about and have not ended on both sides. */
  connections(): number;
  /** At once for new connections; once for all. */
  close(): void;
}

/** Told once, when the kernel cannot hold the range open any more; it is closed then. */
type OnLost = (reason: string) => void;

export interface PassiveRangesParts {
  readonly poller: Poller;
  readonly plane: KernelPlane;
  readonly table: string;
  /** This engine's number, and how many there are. */
  readonly index: number;
  readonly count: number;
}

const roundMs = 1000;
// How long the kernel keeps what nobody renews: as a pinhole, and so after a death of this process.
const keptMs = 30_000;
// What a kernel that refuses is given: a table that was flushed is there again within a fraction of a second.
const patienceMs = 5000;
// A transaction holds a deletion and an addition of each.
const renewedAtOnce = 40;
// A look at all that the kernel tracks holds for so long.
const lookMs = 1000;

/** One element of the table, and how many ranges need it. */
interface Held {
  readonly change: ElementChange;
  users: number;
  renewMs: number;
}

interface Range {
  readonly peers: RangePeers;
  readonly keys: readonly string[];
  readonly onLost: OnLost;
}

/** A range that nobody needs any more, whose connections are still to be ended. */
interface Left {
  readonly peers: RangePeers;
  readonly through: ElementChange;
}

export class PassiveRanges {
  private readonly parts: PassiveRangesParts;
  private readonly elements: SetElements;
  /** In the order in which they are due. */
  private readonly held = new Map<string, Held>();
  private readonly ranges = new Set<Range>();
  private left: Left[] = [];
  private refusedSinceMs: number | undefined;
  private seen: { readonly atMs: number; readonly flows: readonly Flow[] } | undefined;
  private timer: Timer | undefined;

  /** Throws SysError (EPERM without CAP_NET_ADMIN). */
  constructor(parts: PassiveRangesParts) {
    this.parts = parts;
    this.elements = SetElements.open(parts.table);
  }

  /**
   * The range is open when this returns, or there is the reason why it cannot be.
   * @param endFlows Whether connections end with the last session of their peers.
   */
  open(peers: RangePeers, endFlows: boolean, onLost: OnLost): Result<OpenPassiveRange, string> {
    const changes = rangeElements(peers, this.parts.index, keptMs);
    if (changes === undefined) return { ok: false, reason: 'client and server speak different address families' };
    const keyed = changes.map((change) => [keyOf(change), change] as const);
    const rival = keyed.find(([key, change]) => isOther(this.held.get(key)?.change, change));
    if (rival !== undefined)
      return { ok: false, reason: 'another session of this client has the ports of this server otherwise translated' };
    const fresh = keyed.filter(([key]) => !this.held.has(key)).map(([, change]) => change);
    // What a renewal that failed has left is in nobody's way.
    const put = this.elements.exchange(closing(fresh), fresh);
    if (!put.ok) return { ok: false, reason: `the kernel refuses its passive ports: ${put.reason.code}` };
    const renewMs = this.parts.poller.nowMs + keptMs / 2;
    for (const [key, change] of keyed) {
      const known = this.held.get(key);
      if (known === undefined) this.held.set(key, { change, users: 1, renewMs });
      else known.users += 1;
    }
    const range: Range = { peers, keys: keyed.map(([key]) => key), onLost };
    this.ranges.add(range);
    this.planRound();
    return { ok: true, value: this.handleOf(range, endFlows) };
  }

  /** After the table was written anew: it has lost its elements. */
  putBack(): void {
    for (const held of this.held.values()) held.renewMs = Number.NEGATIVE_INFINITY;
    if (this.held.size > 0) this.renew();
  }

  /** For the end of the engine. */
  shutDown(): void {
    if (this.timer !== undefined) this.parts.poller.timers.cancel(this.timer);
    this.elements.close();
  }

  private handleOf(range: Range, endFlows: boolean): OpenPassiveRange {
    return {
      connections: () => this.flowsOf(range.peers, this.look()).length,
      close: () => {
        if (this.ranges.delete(range)) this.release(range, endFlows);
      },
    };
  }

  private release({ peers, keys }: Range, endFlows: boolean): void {
    const unused: ElementChange[] = [];
    for (const key of keys) {
      const held = this.held.get(key);
      if (held === undefined) continue;
      held.users -= 1;
      if (held.users > 0) continue;
      this.held.delete(key);
      unused.push(held.change);
    }
    if (unused.length === 0) return;
    this.elements.remove(closing(unused));
    if (!endFlows) return;
    this.left.push({ peers, through: unused.at(-1)! });
    this.planRound();
  }

  private planRound(): void {
    const { timers, nowMs } = this.parts.poller;
    this.timer ??= timers.set(nowMs + roundMs, () => {
      this.timer = undefined;
      this.round();
      if (this.held.size + this.left.length > 0) this.planRound();
    });
  }

  private round(): void {
    this.parts.plane.catchUp();
    this.endLeft();
    const [first] = this.held.values();
    if (first === undefined) return;
    if (first.renewMs > this.parts.poller.nowMs && !this.elements.isThere(first.change)) this.putBack();
    else this.renew();
  }

  private renew(): void {
    const { nowMs } = this.parts.poller;
    for (;;) {
      const due = [...takeWhile(this.held, ([, { renewMs }]) => renewMs <= nowMs, renewedAtOnce)];
      if (due.length === 0) return;
      const changes = due.map(([, { change }]) => change);
      const put = this.elements.exchange(closing(changes), changes);
      if (!put.ok) {
        this.onRefused(put.reason.code);
        return;
      }
      this.refusedSinceMs = undefined;
      for (const [key, held] of due) {
        // Behind all others, which are due before it.
        this.held.delete(key);
        this.held.set(key, { ...held, renewMs: nowMs + keptMs / 2 });
      }
    }
  }

  /** A table without them may be back at the next round; else whoever needs one of them cannot go on. */
  private onRefused(code: string): void {
    const { nowMs } = this.parts.poller;
    this.refusedSinceMs ??= nowMs;
    if (nowMs - this.refusedSinceMs < patienceMs) return;
    this.refusedSinceMs = undefined;
    for (const range of [...this.ranges]) {
      const needed = range.keys.map((key) => this.held.get(key)?.change).filter((change) => change !== undefined);
      if (needed.every((change) => this.elements.isThere(change))) continue;
      this.ranges.delete(range);
      this.release(range, true);
      range.onLost(`its passive ports cannot be held open: ${code}`);
    }
  }

  /** A client that has another session there, in whichever engine, keeps its connections: whose they are is unknown. */
  private endLeft(): void {
    const { left } = this;
    this.left = [];
    const ended = left.filter(({ through }) => !this.isElsewhere(through));
    if (ended.length === 0) return;
    const flows = this.parts.plane.flows() ?? [];
    for (const { peers } of ended)
      for (const { original } of this.flowsOf(peers, flows)) this.parts.plane.end(original);
  }

  private isElsewhere({ set, key }: ElementChange): boolean {
    const { index, count } = this.parts;
    const stem = set.slice(0, -String(index).length);
    return Array.from({ length: count }, (_, engine) => `${stem}${engine}`).some((name) =>
      this.elements.isThere({ set: name, key }),
    );
  }

  private look(): readonly Flow[] {
    const { nowMs } = this.parts.poller;
    if (this.seen === undefined || nowMs - this.seen.atMs >= lookMs)
      this.seen = { atMs: nowMs, flows: this.parts.plane.flows() ?? [] };
    return this.seen.flows;
  }

  private flowsOf({ client, announced, server, ports }: RangePeers, flows: readonly Flow[]): readonly Flow[] {
    return flows.filter((flow) => {
      if (!isOpaque(flow.label)) return false;
      const { source, destination, destinationPort } = flow.original;
      if (destinationPort < ports.from || destinationPort > ports.to) return false;
      const stage = stageOf(flow);
      if (stage === 'completed' || stage === 'failed') return false;
      return is(source, client) && (is(destination, announced) || is(destination, server));
    });
  }
}

function is(octets: Uint8Array, address: Address): boolean {
  return addressFromOctets(octets).text === address.text;
}

function keyOf({ set, key }: ElementChange): string {
  return `${set} ${Buffer.from(key).toString('hex')}`;
}

/** Does it say something else of the same key? */
function isOther(known: ElementChange | undefined, change: ElementChange): boolean {
  if (known?.value === undefined || change.value === undefined) return false;
  return Buffer.compare(known.value, change.value) !== 0;
}

function* takeWhile<T>(all: Iterable<T>, isWanted: (one: T) => boolean, most: number): Generator<T> {
  let count = 0;
  for (const one of all) {
    if (count >= most || !isWanted(one)) return;
    count += 1;
    yield one;
  }
}
