// The data path in the kernel: for each way a hole in our nftables table, taken by the connection that its peer
// completes. The process opens it, asks after its flow, counts, and never sees an octet. One per listener and engine.
// Law (data-path.ts): when open() returns, the hole is committed; ports are returned exactly once; `ended` is told
// exactly once.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import type { Hole } from '../nftables/hole.ts';
import type { Result } from '../result.ts';
import type { DataResult, Expectation, OpenedPorts, WayNews } from '../session/expectation.ts';
import type { FlowTuple } from '../sys/conntrack.ts';
import type { Poller } from '../sys/poller.ts';
import {
  type DataPath,
  leftOpenMs,
  noNews,
  type Opening,
  type OpenWay,
  type Unopened,
  type WayOwner,
} from './data-path.ts';
import { type HolePlan, planHole } from './hole-of.ts';
import type { FlowBegun, FlowEnd, FlowStanding, HoleOwner, KernelPlane } from './kernel-plane.ts';
import type { PortPool } from './port-pool.ts';

export interface PinholeResources {
  readonly poller: Poller;
  readonly plane: KernelPlane;
  readonly ports: PortPool;
  /** How long a hole waits for its connection. */
  readonly expectationTimeoutMs: number;
  /** Whether a connection is cut when its session no longer wants it; otherwise it goes on, unobserved. */
  readonly endFlows: boolean;
}

export class PinholePath implements DataPath {
  private readonly shared: PinholeResources;

  constructor(shared: PinholeResources) {
    this.shared = shared;
  }

  open(expectation: Expectation, owner: WayOwner): Opening {
    const planned = planHole(expectation);
    if (!planned.ok) return { ok: false, reason: { text: `the kernel cannot carry it: ${planned.reason}` } };
    const way = new PinholeWay(expectation.way, planned.value, this.shared, owner);
    const opened = way.open();
    return opened.ok ? { ok: true, value: { plane: 'kernel', ports: opened.value, way } } : opened;
  }
}

type WayOpening = Result<OpenedPorts, Unopened>;

class PinholeWay implements OpenWay, HoleOwner {
  private readonly id: number;
  private readonly plan: HolePlan;
  private readonly shared: PinholeResources;
  private readonly owner: WayOwner;
  private hole: Hole | undefined;
  /** Taken from the pool, to be given back. */
  private port: number | undefined;
  private flow: FlowTuple | undefined;
  /** Since when data may flow: since the first packet, or since the flow was last seen incomplete. */
  private joinedMs = 0;
  private life: 'open' | 'joined' | 'over' = 'open';
  private transfer: 'under-way' | 'concluded' = 'under-way';
  /** Since when a concluded transfer was seen half closed, with so many octets. */
  private leftOpen: { readonly sinceMs: number; readonly octets: number } | undefined;

  constructor(id: number, plan: HolePlan, shared: PinholeResources, owner: WayOwner) {
    this.id = id;
    this.plan = plan;
    this.shared = shared;
    this.owner = owner;
  }

  open(): WayOpening {
    const { plan, shared } = this;
    if (plan.port === 'as-responder') return this.openAt(plan.responder.port);
    const port = shared.ports.take(this.owner.holder);
    if (port === undefined) return { ok: false, reason: shared.ports.refusal(this.owner.holder) };
    // No second try with another port: a refused transaction stops the engine for milliseconds, and ports are our own.
    const opening = this.openAt(port);
    if (opening.ok) this.port = port;
    else shared.ports.giveBack(port);
    return opening;
  }

  /** The peers dial one another. */
  dial(): void {}

  /** The plane puts a hole in anew for as long as nobody closes it. */
  keep(): void {}

  /** Nothing is ever left open to settle: whoever asks for TLS on a leg gets a relay. */
  protect(): void {}

  conclude(): void {
    this.transfer = 'concluded';
  }

  close(): void {
    if (this.life === 'over') return;
    this.release();
    const { plane, endFlows } = this.shared;
    if (this.flow === undefined) this.closeHole();
    else if (endFlows) plane.kill(this.flow);
    else plane.leave(this.flow);
  }

  look(): readonly WayNews[] {
    if (this.life === 'over') return noNews;
    if (this.flow === undefined) {
      const begun = this.hole === undefined ? undefined : this.shared.plane.look(this.hole);
      if (begun === undefined) return noNews;
      if (begun === 'attempted') return [{ kind: 'data-path-attempted', way: this.id }];
      this.begin(begun);
    }
    const standing = this.flow === undefined ? undefined : this.shared.plane.standing(this.flow);
    return standing === undefined ? noNews : [...this.newsOf(standing)];
  }

  onFlowBegun(begun: FlowBegun): void {
    this.begin(begun);
    // It may have been found out during a call of another way's session. Whoever has looked meanwhile knows more than
    // this.
    this.shared.poller.defer(() => {
      if (this.life === 'open') this.owner.onArrived(this.id, this.plan.initiatorSide);
    });
  }

  private begin({ flow, sinceMs }: FlowBegun): void {
    this.flow = flow;
    this.joinedMs = sinceMs;
  }

  onFlowStands(standing: FlowStanding): void {
    for (const news of this.newsOf(standing)) {
      if (news.kind === 'data-path-joined') this.owner.onJoined(this.id);
      else if (news.kind === 'data-path-ended') this.owner.onEnded(this.id, news.result);
    }
  }

  /** One after another: whoever is told of the first may close the way. */
  private *newsOf({ stage, octets }: FlowStanding): Generator<WayNews, void> {
    if (this.flow === undefined || this.life === 'over' || stage === 'opening') return;
    if (this.life === 'open') {
      this.life = 'joined';
      yield { kind: 'data-path-joined', way: this.id };
    }
    if (this.isOver() || stage === 'joined') return;
    if (stage === 'half-closed') {
      if (!this.isLeftOpen(octets)) return;
      // Only the port comes back: whatever its ends may still have to say passes.
      this.shared.plane.leave(this.flow);
    }
    const end: FlowEnd = stage === 'failed' ? 'failed' : 'completed';
    this.release();
    yield { kind: 'data-path-ended', way: this.id, result: this.result(this.flow, end, octets) };
  }

  private isOver(): boolean {
    return this.life === 'over';
  }

  /** Seen again and again until it is true. */
  private isLeftOpen(counted: FlowStanding['octets']): boolean {
    if (this.transfer !== 'concluded') return false;
    const { nowMs } = this.shared.poller;
    const octets = (counted?.original ?? 0) + (counted?.reply ?? 0);
    if (this.leftOpen?.octets !== octets) this.leftOpen = { sinceMs: nowMs, octets };
    return nowMs - this.leftOpen.sinceMs >= leftOpenMs;
  }

  private openAt(port: number): WayOpening {
    const { initiatorSide, initiator, advertised, responder, source } = this.plan;
    const hole: Hole = { initiator, advertised: { address: advertised, port }, responder, source };
    const code = this.shared.plane.open(hole, this.shared.expectationTimeoutMs, this);
    if (code !== undefined) {
      return { ok: false, reason: { text: `no pinhole for ${printEndpoint(hole.advertised)}: ${code}` } };
    }
    this.hole = hole;
    const byClient = initiatorSide === 'client';
    return { ok: true, value: { client: byClient ? port : undefined, server: byClient ? undefined : port } };
  }

  private closeHole(): void {
    if (this.hole !== undefined)
      this.shared.plane.close(this.hole, this.shared.endFlows ? 'and-its-flow' : 'only-the-hole');
  }

  private release(): void {
    this.life = 'over';
    if (this.port !== undefined) this.shared.ports.giveBack(this.port);
    this.port = undefined;
  }

  private result({ sourcePort }: FlowTuple, end: FlowEnd, octets: FlowStanding['octets']): DataResult {
    const { initiatorSide, initiator, responder } = this.plan;
    const dialler: Endpoint = { address: initiator, port: sourcePort };
    const fromInitiator = octets?.original ?? 0;
    const fromResponder = octets?.reply ?? 0;
    const byClient = initiatorSide === 'client';
    return {
      outcome: end,
      reason: end === 'completed' ? 'both ends closed' : 'reset, or gone from the kernel before both ends had closed',
      octetsToClient: byClient ? fromResponder : fromInitiator,
      octetsToServer: byClient ? fromInitiator : fromResponder,
      durationMs: this.shared.poller.nowMs - this.joinedMs,
      clientPeer: byClient ? dialler : responder,
      serverPeer: byClient ? responder : dialler,
    };
  }
}
