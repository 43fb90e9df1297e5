// The kernel's side of all pinholes of one engine: elements into our nftables table, and what conntrack tells of the
// connections that they let through. One transaction per hole, so that none is ever half open; it also takes out what earlier
// first packets have left behind, because a transaction of its own would cost as much again.
// A flow belongs to the way whose initiator, advertised address and port it was made with; it is told once, in order:
// joined, then ended. Events are read before anything else of a turn, because a reply on the control connection may follow
// from what they tell.

import { addressFromOctets, printEndpoint } from '../address/endpoint.ts';
import { closing, type Hole, opening, spent } from '../nftables/hole.ts';
import { type FlowEvent, type FlowOctets, type FlowTuple, FlowWatch, outcomeOf } from '../sys/conntrack.ts';
import type { SysErrorCode } from '../sys/errno.ts';
import { type ElementChange, SetElements } from '../sys/nfnetlink.ts';
import type { Poller } from '../sys/poller.ts';
import type { Timer } from '../sys/timer-wheel.ts';

/** How a flow through a hole ended: both sides in order, or otherwise. */
export type FlowEnd = 'completed' | 'failed';

/** Who is told of the flow of one hole. */
export interface HoleOwner {
  /** The first packet has passed. */
  onFlowBegun(flow: FlowTuple): void;
  /** All that was told up to now has been read, and the responder's answer to that packet was not among it. */
  onFlowUnanswered(): void;
  /** The responder has answered: data can flow. Told again, perhaps. */
  onFlowJoined(): void;
  onFlowEnded(flow: FlowTuple, end: FlowEnd, octets: FlowOctets | undefined): void;
}

interface Awaited {
  /** What was put into the table for it. */
  readonly opened: readonly ElementChange[];
  readonly owner: HoleOwner;
}

// The end of a long transfer is in the log and its port free again a tenth of a second later, and what first packets have
// left behind is gone.
const listeningMs = 100;
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
  private readonly flowing = new Map<string, { readonly flow: FlowTuple; readonly owner: HoleOwner }>();

  /** Whose flows have begun since, and have no answer yet. */
  private readonly unanswered = new Set<HoleOwner>();
  /** Holes closed since events were last read, whose flows shall not be either. */
  private readonly closed = new Set<string>();

  /** Elements that are of no more use. */
  private readonly spent: ElementChange[] = [];
  private nextListening: Timer | undefined;

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
    this.awaited.set(key, { opened, owner });
    this.listenSoon();
    return undefined;
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

  private onFlow(event: FlowEvent): void {
    const { original } = event;
    const key = keyOfFlow(original);
    // Of a flow that was left, or has ended, there is more to be told, and its hole may be somebody else's by then.
    const outcome = outcomeOf(event);
    const mayBegin = event.kind === 'new' || outcome === 'joined';
    const owner = this.flowing.get(key)?.owner ?? (mayBegin ? this.begin(original, key) : undefined);
    if (owner === undefined || outcome === undefined) return;
    this.unanswered.delete(owner);
    if (outcome === 'joined') {
      owner.onFlowJoined();
      return;
    }
    this.flowing.delete(key);
    owner.onFlowEnded(original, outcome, event.octets ?? this.watch.octetsOf(original));
  }

  private begin(flow: FlowTuple, key: string): HoleOwner | undefined {
    const awaitedAs = keyOf(flow.source, flow.destination, flow.destinationPort);
    const awaited = this.awaited.get(awaitedAs);
    if (awaited === undefined) {
      if (this.closed.has(awaitedAs)) this.watch.kill(flow);
      return undefined;
    }
    const { opened, owner } = awaited;
    this.awaited.delete(awaitedAs);
    this.flowing.set(key, { flow, owner });
    for (const change of spent(opened)) this.spent.push(change);
    if (this.spent.length > spentMax) this.sweep();
    this.unanswered.add(owner);
    owner.onFlowBegun(flow);
    return owner;
  }

  private sweep(): void {
    if (this.spent.length > 0) this.elements.remove(this.spent);
    this.spent.length = 0;
  }

  // Each event would wake the loop for itself, and nobody waits for it: what the next line has to know is read before that
  // line, and the rest within a moment.
  private readonly listen = (): void => {
    this.watch.onReady();
    this.closed.clear();
    for (const owner of this.unanswered) owner.onFlowUnanswered();
    this.unanswered.clear();
  };

  private listenSoon(): void {
    const { timers, nowMs } = this.poller;
    this.nextListening ??= timers.set(nowMs + listeningMs, () => {
      this.nextListening = undefined;
      this.sweep();
      if (this.awaited.size + this.flowing.size > 0) this.listenSoon();
    });
  }

  /** The kernel could not keep up telling: how the flows stand is found by asking. */
  private onLost(): void {
    for (const { flow, owner } of [...this.flowing.values()]) this.look(flow, owner);
  }

  private look(flow: FlowTuple, owner: HoleOwner): void {
    const now = this.watch.ask(flow);
    const outcome = now === undefined ? 'failed' : outcomeOf({ kind: 'update', tcpState: now.tcpState });
    if (outcome === 'joined') owner.onFlowJoined();
    if (outcome === 'joined' || outcome === undefined || !this.flowing.delete(keyOfFlow(flow))) return;
    owner.onFlowEnded(flow, outcome, now?.octets);
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
