// The kernel's side of all pinholes of one engine: elements into our nftables table, and what conntrack tells of the
// connections that they let through. One transaction per hole, so that none is ever half open; it also takes out what
// earlier connections have left behind, because a transaction of its own would cost as much again.
// First packets pass a hole, and anybody can forge one: they are attempts, of which nobody is told. A flow belongs to
// the way through whose hole it was completed, which the kernel notes on it (nftables/chains.ts). That one is begun is
// told by the kernel; where it stands is asked: by its owner when it matters, else here from time to time, the more
// rarely the longer it lasts already.

import { printEndpoint } from '../address/endpoint.ts';
import { closing, type Hole, opening, passing, spent } from '../nftables/hole.ts';
import {
  type Flow,
  type FlowEvent,
  type FlowOctets,
  type FlowStage,
  type FlowTuple,
  FlowWatch,
  stageOf,
} from '../sys/conntrack.ts';
import type { SysErrorCode } from '../sys/errno.ts';
import { type ElementChange, SetElements } from '../sys/nfnetlink.ts';
import type { Poller } from '../sys/poller.ts';
import type { Timer } from '../sys/timer-wheel.ts';
import { Attempts, Completions, keyOfTuple } from './completions.ts';

/** How a flow through a hole ended: both sides in order, or otherwise. */
export type FlowEnd = Extract<FlowStage, 'completed' | 'failed'>;

export interface FlowStanding {
  readonly stage: FlowStage;
  /** Undefined where they were not counted. */
  readonly octets: FlowOctets | undefined;
}

/** The one connection that was completed through a hole. */
export interface FlowBegun {
  readonly flow: FlowTuple;
  /** When it was not complete yet, as far as is known. */
  readonly sinceMs: number;
}

/** What becomes of a connection that was completed through a hole that is closed. */
export type HoleEnding = 'only-the-hole' | 'and-its-flow';

/** Who is told of the flow of one hole. */
export interface HoleOwner {
  /** Its connection is complete. May come during any call; nothing of the plane is to be called from here. */
  onFlowBegun(begun: FlowBegun): void;
  /** Told again and again; of a flow that has ended, once. */
  onFlowStands(standing: FlowStanding): void;
}

interface Flowing {
  readonly flow: FlowTuple;
  readonly owner: HoleOwner;
  readonly begunMs: number;
  /** When it is asked about next. */
  lookMs: number;
}

interface Awaited {
  /** What was put into the table for it. */
  readonly opened: readonly ElementChange[];
  readonly owner: HoleOwner;
  readonly timeoutMs: number;
  /** When the kernel takes it away. */
  dueMs: number;
  readonly attempts: Attempts;
  /** When they are asked about next. */
  lookMs: number;
}

// What nobody asked for in the meantime: the end of a transfer whose client then says nothing more, what used holes
// have left behind. A flow is asked about after a sixteenth of its age, so that the duration told of it is right to
// that; a thousand at once cost a hundredth of a processor.
const roundMs = 100;
const lookMaxMs = 500;
const looksPerAge = 16;
// Some rounds before the kernel would forget the hole.
const renewalMs = 500;
// With what a new hole adds, a transaction holds that for certain.
const spentMax = 60;

export interface KernelPlaneParts {
  readonly poller: Poller;
  readonly table: string;
  readonly dataMark: number;
  /** Room for events that wait; undefined for what the machine can spare. */
  readonly eventOctets?: number;
}

export class KernelPlane {
  private readonly poller: Poller;
  private readonly elements: SetElements;
  private readonly watch: FlowWatch;
  private readonly completions: Completions;
  /** Holes through which no connection has been completed, as far as is known, by whom they expect and where. */
  private readonly awaited = new Map<string, Awaited>();
  /** Those of them at which something was begun. */
  private readonly attempted = new Map<string, Awaited>();
  /** Flows that have come through one, by both their ends: the hole may be needed again before they end. */
  private readonly flowing = new Map<string, Flowing>();
  /** Holes closed since events were last read, whose flows shall not be either. */
  private readonly closed = new Set<string>();
  /** Whether a flow may have begun of which no event was read: more wait than a turn's share, or some were lost. */
  private heard: 'all' | 'behind' | 'lost' = 'all';
  private surveyedMs = Number.NEGATIVE_INFINITY;

  /** Elements that are of no more use. */
  private readonly spent: ElementChange[] = [];
  private nextRound: Timer | undefined;

  /** Throws SysError (EPERM without CAP_NET_ADMIN). */
  constructor({ poller, table, dataMark, eventOctets }: KernelPlaneParts) {
    this.elements = SetElements.open(table);
    const onFlow = (event: FlowEvent) => this.onFlow(event);
    this.poller = poller;
    const queue = eventOctets === undefined ? {} : { queueOctets: eventOctets };
    this.watch = FlowWatch.open(poller, dataMark, onFlow, () => this.onLost(), { telling: 'when-asked', ...queue });
    this.completions = new Completions(this.watch, this.elements, (flow) => this.flowing.has(keyOfFlow(flow)));
    poller.atAwake(this.listen);
  }

  /** Undefined once the hole is there, or why the kernel would not have it. */
  open(hole: Hole, timeoutMs: number, owner: HoleOwner): SysErrorCode | undefined {
    const key = keyOfHole(hole);
    // Two ways through one hole could not be told apart. What is not of this engine the kernel knows, and refuses
    // alike.
    const rival = this.awaited.get(key);
    if (rival !== undefined && !this.begins(key, rival)) return 'EEXIST';
    const opened = opening(hole, timeoutMs);
    const result = this.elements.exchange(this.spent, opened);
    if (!result.ok) return result.reason.code;
    this.spent.length = 0;
    const { nowMs } = this.poller;
    const dueMs = nowMs + timeoutMs;
    this.awaited.set(key, { opened, owner, timeoutMs, dueMs, attempts: new Attempts(nowMs), lookMs: nowMs });
    this.planRound();
    return undefined;
  }

  /**
   * Nobody came, or shall come any more: the hole goes, and nothing of it is told. A connection may have been completed
   * since events were last read; with `and-its-flow` it is ended too. What was not complete never will be.
   */
  close(hole: Hole, ending: HoleEnding): void {
    const key = keyOfHole(hole);
    const awaited = this.awaited.get(key);
    if (awaited === undefined) return;
    this.forget(key);
    this.elements.remove(closing(awaited.opened));
    for (const flow of awaited.attempts.flows) this.endAttempt(flow, ending);
    if (ending === 'and-its-flow') this.closed.add(key);
  }

  /**
   * Has a connection been completed through the hole, of which its owner was not told? Then it is not told any more.
   * Nothing is asked where nothing was begun.
   */
  look(hole: Hole): FlowBegun | 'attempted' | undefined {
    const key = keyOfHole(hole);
    const awaited = this.awaited.get(key);
    if (awaited === undefined || (awaited.attempts.isEmpty && this.heard === 'all')) return undefined;
    const flow = this.completedAt(key, awaited);
    if (flow !== undefined) return this.take(key, awaited, flow);
    return awaited.attempts.isEmpty ? undefined : 'attempted';
  }

  /**
   * Where the flow stands now; one that has ended is not told any more. Undefined where the kernel knows it no more:
   * its last word will be told.
   */
  standing(flow: FlowTuple): FlowStanding | undefined {
    const now = this.watch.ask(flow);
    if (now === undefined) return undefined;
    const stage = stageOf(now);
    if (stage === 'completed' || stage === 'failed') this.leave(flow);
    return { stage, octets: now.octets };
  }

  /** Nothing more of the flow is told; it goes on. */
  leave(flow: FlowTuple): void {
    this.flowing.delete(keyOfFlow(flow));
  }

  /** Ends the flow: no packet of it passes any more, and nothing more is told. */
  kill(flow: FlowTuple): void {
    this.leave(flow);
    this.watch.kill(flow);
  }

  /**
   * All data connections of this machine that have come about, its own and those of others with our mark: the kernel
   * looks through all that it tracks, so this is for now and then. Undefined where it could not be asked to the end.
   */
  flows(): readonly Flow[] | undefined {
    return this.watch.list();
  }

  /** Ends a flow of which nobody here was told. */
  end(flow: FlowTuple): void {
    this.watch.kill(flow);
  }

  /** Events that nobody waits for must not fill the room for others. */
  catchUp(): void {
    this.hear();
  }

  /** For the end of the engine. */
  shutDown(): void {
    this.sweep();
    this.watch.close();
    this.elements.close();
  }

  private onFlow({ kind, original, octets }: FlowEvent): void {
    const key = keyOfFlow(original);
    if (kind === 'new') this.attempt(original, key);
    else this.tellEnd(key, this.flowing.get(key), 'failed', octets);
  }

  private attempt(flow: FlowTuple, key: string): void {
    // A first packet between the same ends replaces only what had ended, in order where nothing was said of it.
    this.tellEnd(key, this.flowing.get(key), 'completed', undefined);
    const at = keyOfTuple(flow);
    const awaited = this.awaited.get(at);
    if (awaited === undefined) {
      if (this.closed.has(at)) this.watch.kill(flow);
      return;
    }
    const { nowMs } = this.poller;
    if (awaited.attempts.isEmpty) {
      awaited.lookMs = nowMs + roundMs;
      this.attempted.set(at, awaited);
    }
    awaited.attempts.add(flow, nowMs);
  }

  /** A flow of a hole that has gone. */
  private endAttempt(flow: FlowTuple, ending: HoleEnding): void {
    if (ending === 'and-its-flow' || !this.completions.hasPassed(flow)) this.watch.kill(flow);
  }

  private completedAt(key: string, { opened, attempts }: Awaited): FlowTuple | undefined {
    const heard = this.heard === 'all' ? 'all' : 'some';
    return this.completions.at(key, opened, attempts, heard, this.poller.nowMs);
  }

  private take(key: string, { opened, attempts, owner }: Awaited, flow: FlowTuple): FlowBegun {
    const { nowMs } = this.poller;
    const { sinceMs } = attempts;
    this.forget(key);
    this.flowing.set(keyOfFlow(flow), { flow, owner, begunMs: sinceMs, lookMs: nowMs + roundMs });
    for (const change of spent(opened)) this.spent.push(change);
    if (this.spent.length > spentMax) this.sweep();
    return { flow, sinceMs };
  }

  private forget(key: string): void {
    this.awaited.delete(key);
    this.attempted.delete(key);
  }

  private tellEnd(key: string, flowing: Flowing | undefined, stage: FlowEnd, octets: FlowOctets | undefined): void {
    if (flowing === undefined || this.flowing.get(key) !== flowing) return;
    this.flowing.delete(key);
    flowing.owner.onFlowStands({ stage, octets });
  }

  private sweep(): void {
    if (this.spent.length > 0) this.elements.remove(this.spent);
    this.spent.length = 0;
  }

  // Each event would wake the loop for itself, and nobody waits for it: that something was begun is read before the
  // next line, and the rest within a moment.
  private readonly listen = (): void => {
    if (this.awaited.size + this.closed.size > 0) this.hear();
  };

  private hear(): void {
    if (this.watch.onReady() === 'behind') {
      if (this.heard === 'all') this.heard = 'behind';
      return;
    }
    this.closed.clear();
    if (this.heard === 'lost') this.survey();
    else this.heard = 'all';
  }

  /** Finds what has begun unheard; not at each turn, because it looks through all connections of the machine. */
  private survey(): void {
    const { nowMs } = this.poller;
    if (nowMs - this.surveyedMs < lookMaxMs) return;
    this.surveyedMs = nowMs;
    this.heard = 'all';
    for (const [key, flow] of this.completions.all()) {
      const awaited = this.awaited.get(key);
      // An earlier one to the same place may not be forgotten yet; then this hole is still there.
      if (awaited !== undefined && !this.elements.isThere(passing(awaited.opened)))
        awaited.owner.onFlowBegun(this.take(key, awaited, flow));
    }
  }

  /** Whether its connection has been completed; then its owner is told. */
  private begins(key: string, awaited: Awaited): boolean {
    const flow = this.completedAt(key, awaited);
    if (flow !== undefined) awaited.owner.onFlowBegun(this.take(key, awaited, flow));
    return flow !== undefined;
  }

  /**
   * The kernel forgets a hole in time, whatever becomes of this process; one whose session still wants it, because a
   * transfer has been asked for, begins anew. Only if it is still there: else it has been used, and must not be again.
   */
  private renew(key: string, awaited: Awaited): void {
    const { opened, timeoutMs } = awaited;
    awaited.dueMs = this.poller.nowMs + timeoutMs;
    // One transaction: it is refused where the pinhole has been used since, and nobody finds it missing meanwhile.
    const isThere = this.elements.isThere(passing(opened));
    if (isThere && this.elements.commit([...closing(opened), ...opened]).ok) return;
    this.begins(key, awaited);
  }

  private planRound(): void {
    const { timers, nowMs } = this.poller;
    this.nextRound ??= timers.set(nowMs + roundMs, () => {
      this.nextRound = undefined;
      this.round();
      if (this.awaited.size + this.flowing.size > 0) this.planRound();
    });
  }

  private round(): void {
    this.hear();
    this.sweep();
    const { nowMs } = this.poller;
    for (const [key, awaited] of [...this.attempted]) {
      if (awaited.lookMs > nowMs) continue;
      awaited.lookMs = nowMs + (awaited.attempts.isCrowd ? lookMaxMs : roundMs);
      const begun = this.begins(key, awaited);
      if (!begun && awaited.attempts.isEmpty) this.attempted.delete(key);
    }
    for (const [key, awaited] of this.awaited) {
      if (awaited.dueMs - nowMs > Math.min(renewalMs, awaited.timeoutMs / 4)) break;
      // Behind all others, so that the first is always the next one due: all holes of an engine wait as long.
      this.awaited.delete(key);
      this.awaited.set(key, awaited);
      this.renew(key, awaited);
    }
    for (const [key, flowing] of [...this.flowing]) {
      if (flowing.lookMs > nowMs) continue;
      flowing.lookMs = nowMs + Math.min(lookMaxMs, Math.max(roundMs, (nowMs - flowing.begunMs) / looksPerAge));
      this.lookAt(key, flowing, 'completed');
    }
  }

  /**
   * `unheard`: the end of a flow that the kernel has forgotten without a word. It says nothing of one that had ended in
   * order, and of any other before it forgets it.
   */
  private lookAt(key: string, flowing: Flowing, unheard: FlowEnd): void {
    if (this.flowing.get(key) !== flowing) return;
    const standing = this.standing(flowing.flow);
    if (standing !== undefined) {
      flowing.owner.onFlowStands(standing);
      return;
    }
    this.hear();
    this.tellEnd(key, flowing, unheard, undefined);
  }

  /** The kernel could not keep up telling: how the flows stand is found by asking. */
  private onLost(): void {
    this.heard = 'lost';
    for (const [key, flowing] of [...this.flowing]) this.lookAt(key, flowing, 'failed');
  }
}

function keyOfHole({ initiator, advertised }: Hole): string {
  return `${initiator.text} ${printEndpoint(advertised)}`;
}

function keyOfFlow(flow: FlowTuple): string {
  return `${flow.sourcePort} ${keyOfTuple(flow)}`;
}
