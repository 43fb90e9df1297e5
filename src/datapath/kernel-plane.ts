// The kernel's side of all pinholes of one engine: elements into our nftables table, and what conntrack tells of the
// connections that they let through. One transaction per hole, so that none is ever half open.
// A flow belongs to the way whose initiator, advertised address and port it was made with; it is told once, in order:
// joined, then ended. Events are read before anything else of a turn, because a reply on the control connection may follow
// from what they tell.

import { addressFromOctets, printEndpoint, sameAddress, sameEndpoint } from '../address/endpoint.ts';
import { closing, type Hole, opening } from '../nftables/hole.ts';
import { type FlowEvent, type FlowOctets, type FlowTuple, FlowWatch } from '../sys/conntrack.ts';
import type { SysErrorCode } from '../sys/errno.ts';
import { SetElements } from '../sys/nfnetlink.ts';
import type { Poller } from '../sys/poller.ts';

/** How a flow through a hole ended: both sides in order, or otherwise. */
export type FlowEnd = 'completed' | 'failed';

/** Who is told of the flow of one hole. */
export interface HoleOwner {
  onFlowBegun(flow: FlowTuple): void;
  onFlowEnded(flow: FlowTuple, end: FlowEnd, octets: FlowOctets | undefined): void;
}

interface Awaited {
  readonly hole: Hole;
  readonly owner: HoleOwner;
}

export interface KernelPlaneParts {
  readonly poller: Poller;
  readonly table: string;
  readonly dataMark: number;
}

export class KernelPlane {
  private readonly elements: SetElements;
  private readonly watch: FlowWatch;
  /** Holes whose first packet has not come, by whom they expect and where. */
  private readonly awaited = new Map<string, Awaited>();
  /** Flows that have come through one, by both their ends: the hole may be needed again before they end. */
  private readonly flowing = new Map<string, { readonly flow: FlowTuple; readonly owner: HoleOwner }>();

  /** Throws SysError (EPERM without CAP_NET_ADMIN). */
  constructor({ poller, table, dataMark }: KernelPlaneParts) {
    this.elements = SetElements.open(table);
    this.watch = FlowWatch.open(
      poller,
      dataMark,
      (event) => this.onFlow(event),
      () => this.onLost(),
    );
    poller.atAwake(() => this.watch.onReady());
  }

  /** Undefined once the hole is there, or why the kernel would not have it. */
  open(hole: Hole, timeoutMs: number, owner: HoleOwner): SysErrorCode | undefined {
    const key = keyOfHole(hole);
    // Two ways through one hole could not be told apart. What is not of this engine the kernel knows, and refuses alike.
    if (this.awaited.has(key)) return 'EEXIST';
    const result = this.elements.commit(opening(hole, timeoutMs));
    if (!result.ok) return result.code;
    this.awaited.set(key, { hole, owner });
    return undefined;
  }

  /** Nobody came, or shall come any more: the hole goes, and nothing of it is told. */
  close(hole: Hole): void {
    if (this.awaited.delete(keyOfHole(hole))) this.elements.remove(closing(hole));
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
    this.watch.close();
    this.elements.close();
  }

  private onFlow(event: FlowEvent): void {
    const { original, kind, tcpState } = event;
    const key = keyOfFlow(original);
    const owner = this.flowing.get(key)?.owner ?? this.begin(original, key);
    if (owner === undefined) return;
    const end = endOf(kind, tcpState);
    if (end === undefined) return;
    this.flowing.delete(key);
    owner.onFlowEnded(original, end, event.octets ?? this.watch.octetsOf(original));
  }

  private begin(flow: FlowTuple, key: string): HoleOwner | undefined {
    const awaitedAs = keyOf(flow.source, flow.destination, flow.destinationPort);
    const awaited = this.awaited.get(awaitedAs);
    if (awaited === undefined) return undefined;
    const { hole, owner } = awaited;
    this.awaited.delete(awaitedAs);
    this.flowing.set(key, { flow, owner });
    // Its first packet has taken the pinhole; the kernel remembers the translation, and nobody else shall have it.
    if (isTranslated(hole)) this.elements.remove(closing(hole));
    owner.onFlowBegun(flow);
    return owner;
  }

  /** The kernel could not keep up telling: how the flows stand is found by asking. */
  private onLost(): void {
    for (const { flow, owner } of [...this.flowing.values()]) this.look(flow, owner);
  }

  private look(flow: FlowTuple, owner: HoleOwner): void {
    const now = this.watch.ask(flow);
    const end = now === undefined ? 'failed' : endOf('update', now.tcpState);
    if (end === undefined || !this.flowing.delete(keyOfFlow(flow))) return;
    owner.onFlowEnded(flow, end, now?.octets);
  }
}

function isTranslated({ initiator, advertised, responder, source }: Hole): boolean {
  return !sameEndpoint(advertised, responder) || !sameAddress(initiator, source);
}

function endOf(kind: FlowEvent['kind'], state: FlowEvent['tcpState']): FlowEnd | undefined {
  if (state === 'time-wait') return 'completed';
  if (state === 'close') return 'failed';
  // Gone without having ended: by its timeout, or by an administrator.
  return kind === 'destroy' ? 'failed' : undefined;
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
