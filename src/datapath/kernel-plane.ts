// The kernel's side of all pinholes of one engine: elements into our nftables table, and what conntrack tells of the
// connections that they let through. One transaction per hole, so that none is ever half open; it also takes out what earlier
// first packets have left behind, because a transaction of its own would cost as much again.
// A flow belongs to the way whose initiator, advertised address and port it was made with. That it has begun is told, and is
// read before anything else of a turn, because a reply on the control connection may follow from it. Where it stands is
// asked: by its owner when it matters, else here from time to time, the more rarely the longer it lasts already.

import { addressFromOctets, printEndpoint } from '../address/endpoint.ts';
import { closing, type Hole, opening, spent } from '../nftables/hole.ts';
import {
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

/** How a flow through a hole ended: both sides in order, or otherwise. */
export type FlowEnd = Extract<FlowStage, 'completed' | 'failed'>;

export interface FlowStanding {
  readonly stage: FlowStage;
  /** Undefined where they were not counted. */
  readonly octets: FlowOctets | undefined;
}

/** Who is told of the flow of one hole. */
export interface HoleOwner {
  /** The first packet has passed. */
  onFlowBegun(flow: FlowTuple): void;
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
  readonly hole: Hole;
  readonly timeoutMs: number;
  /** What was put into the table for it. */
  readonly opened: readonly ElementChange[];
  readonly owner: HoleOwner;
  /** When it was put there last. */
  sinceMs: number;
  patience: 'once' | 'until-closed';
}

// What nobody asked for in the meantime: the end of a transfer whose client then says nothing more, what first packets have
// left behind. A flow is asked about after a sixteenth of its age, so that the duration told of it is right to that; a
// thousand at once cost a hundredth of a processor.
const roundMs = 100;
const lookMaxMs = 500;
const looksPerAge = 16;
// With what a new hole adds, a transaction holds that for certain.
const spentMax = 60;

export interface KernelPlaneParts {
  readonly poller: Poller;
  readonly table: string;
  readonly dataMark: number;
}

export class KernelPlane {
  private readonly poller: Poller;
  private readonly elements: SetElements;
  private readonly watch: FlowWatch;
  /** Holes whose first packet has not come, by whom they expect and where. */
  private readonly awaited = new Map<string, Awaited>();
  /** Flows that have come through one, by both their ends: the hole may be needed again before they end. */
  private readonly flowing = new Map<string, Flowing>();
  /** Holes closed since events were last read, whose flows shall not be either. */
  private readonly closed = new Set<string>();

  /** Elements that are of no more use. */
  private readonly spent: ElementChange[] = [];
  private nextRound: Timer | undefined;

  /** Throws SysError (EPERM without CAP_NET_ADMIN). */
  constructor({ poller, table, dataMark }: KernelPlaneParts) {
    this.elements = SetElements.open(table);
    const onFlow = (event: FlowEvent) => this.onFlow(event);
    this.poller = poller;
    this.watch = FlowWatch.open(poller, dataMark, onFlow, () => this.onLost(), 'when-asked');
    poller.atAwake(this.listen);
  }

  /** Undefined once the hole is there, or why the kernel would not have it. */
  open(hole: Hole, timeoutMs: number, owner: HoleOwner): SysErrorCode | undefined {
    const key = keyOfHole(hole);
    // Two ways through one hole could not be told apart. What is not of this engine the kernel knows, and refuses alike.
    if (this.awaited.has(key)) return 'EEXIST';
    const opened = opening(hole, timeoutMs);
    const result = this.elements.exchange(this.spent, opened);
    if (!result.ok) return result.code;
    this.spent.length = 0;
    this.awaited.set(key, { hole, timeoutMs, opened, owner, sinceMs: this.poller.nowMs, patience: 'once' });
    this.planRound();
    return undefined;
  }

  /** Its peer may take its time: the hole stays until it is closed, or this process has died. */
  keep(hole: Hole): void {
    const awaited = this.awaited.get(keyOfHole(hole));
    if (awaited !== undefined) awaited.patience = 'until-closed';
  }

  /**
   * Nobody came, or shall come any more: the hole goes, and nothing of it is told. A first packet may have passed since events
   * were last read; with `ending` its flow is ended too.
   */
  close(hole: Hole, ending: 'only-the-hole' | 'and-its-flow'): void {
    const key = keyOfHole(hole);
    const awaited = this.awaited.get(key);
    if (awaited === undefined) return;
    this.awaited.delete(key);
    this.elements.remove(closing(awaited.opened));
    if (ending === 'and-its-flow') this.closed.add(key);
  }

  /**
   * Where the flow stands now; one that has ended is not told any more. Undefined where the kernel knows it no more: its last
   * word will be told.
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

  /** For the end of the engine. */
  shutDown(): void {
    this.sweep();
    this.watch.close();
    this.elements.close();
  }

  private onFlow({ kind, original, octets }: FlowEvent): void {
    const key = keyOfFlow(original);
    if (kind === 'new') this.begin(original, key);
    else this.tellEnd(key, this.flowing.get(key), 'failed', octets);
  }

  private begin(flow: FlowTuple, key: string): void {
    const awaitedAs = keyOf(flow.source, flow.destination, flow.destinationPort);
    const awaited = this.awaited.get(awaitedAs);
    if (awaited === undefined) {
      if (this.closed.has(awaitedAs)) this.watch.kill(flow);
      return;
    }
    const { opened, owner } = awaited;
    const { nowMs } = this.poller;
    this.awaited.delete(awaitedAs);
    // A first packet between the same ends replaces only what had ended, in order where nothing was said of it.
    this.tellEnd(key, this.flowing.get(key), 'completed', undefined);
    this.flowing.set(key, { flow, owner, begunMs: nowMs, lookMs: nowMs + roundMs });
    for (const change of spent(opened)) this.spent.push(change);
    if (this.spent.length > spentMax) this.sweep();
    owner.onFlowBegun(flow);
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

  // Each event would wake the loop for itself, and nobody waits for it: that a flow has begun is read before the next line,
  // and the rest within a moment.
  private readonly listen = (): void => {
    if (this.awaited.size + this.closed.size > 0) this.hear();
  };

  private hear(): void {
    this.watch.onReady();
    this.closed.clear();
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
    this.renewKept();
    const { nowMs } = this.poller;
    for (const [key, flowing] of [...this.flowing]) {
      if (flowing.lookMs > nowMs) continue;
      flowing.lookMs = nowMs + Math.min(lookMaxMs, Math.max(roundMs, (nowMs - flowing.begunMs) / looksPerAge));
      this.lookAt(key, flowing, 'completed');
    }
  }

  /** Half of its time before its end, so that no hole outlives this process by more than its time. */
  private renewKept(): void {
    const { nowMs } = this.poller;
    for (const awaited of this.awaited.values()) {
      if (awaited.patience === 'once' || nowMs - awaited.sinceMs < awaited.timeoutMs / 2) continue;
      awaited.sinceMs = nowMs;
      // Where this fails nobody gets through, and the session says so.
      this.elements.exchange(closing(awaited.opened), opening(awaited.hole, awaited.timeoutMs));
    }
  }

  /**
   * `unheard`: the end of a flow that the kernel has forgotten without a word. It says nothing of one that had ended in order,
   * and of any other before it forgets it.
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
    for (const [key, flowing] of [...this.flowing]) this.lookAt(key, flowing, 'failed');
  }
}

function keyOfHole({ initiator, advertised }: Hole): string {
  return `${initiator.text} ${printEndpoint(advertised)}`;
}

function keyOf(source: Uint8Array, destination: Uint8Array, port: number): string {
  return `${addressFromOctets(source).text} ${printEndpoint({ address: addressFromOctets(destination), port })}`;
}

function keyOfFlow({ source, sourcePort, destination, destinationPort }: FlowTuple): string {
  return `${sourcePort} ${keyOf(source, destination, destinationPort)}`;
}
