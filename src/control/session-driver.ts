// Runs one session: turns what its sockets, its ways and the clock do into events, and performs the actions that follow,
// one after another, in order. No decision is taken here.

import { addressFromOctets, type Endpoint, octetsOfAddress } from '../address/endpoint.ts';
import type { OpenWay } from '../datapath/data-path.ts';
import { nextDeadlineMs } from '../session/deadline.ts';
import type { SessionEvent } from '../session/event.ts';
import type { DataResult, Side } from '../session/expectation.ts';
import { acceptsClientLine, newSession, type SessionTerms } from '../session/session.ts';
import { TcpSocket } from '../sys/tcp-socket.ts';
import type { Timer } from '../sys/timer-wheel.ts';
import type { ControlLine } from '../wire/line-splitter.ts';
import { ControlLeg, type LegOwner } from './control-leg.ts';
import { lookedAt, perform, type Stage } from './perform.ts';
import type { ServicePoint, Upstream } from './service-point.ts';
import { SessionRunner } from './session-runner.ts';
import type { SessionFacts } from './witness.ts';

/** How long octets for a peer that does not read may wait after the session has ended. */
const farewellMs = 10_000;

export class SessionDriver implements LegOwner, Stage {
  readonly facts: SessionFacts;
  readonly point: ServicePoint;
  readonly upstream: Upstream;
  readonly client: ControlLeg;
  readonly server: ControlLeg;
  readonly ways = new Map<number, OpenWay>();
  private readonly runner: SessionRunner;
  private laterLooks: readonly number[] = [];
  private timer: Timer | undefined;
  private timerMs = Number.POSITIVE_INFINITY;
  private turnEnd: 'planned' | 'unplanned' = 'unplanned';
  private life: 'running' | 'leaving' | 'over' = 'running';

  constructor(point: ServicePoint, upstream: Upstream, facts: SessionFacts, terms: SessionTerms) {
    this.point = point;
    this.upstream = upstream;
    this.facts = facts;
    const { lineOctetsMax } = terms.limits;
    this.client = new ControlLeg('client', this, lineOctetsMax, 'open');
    this.server = new ControlLeg('server', this, lineOctetsMax, 'dialling');
    const session = newSession(terms, upstream.dialect, point.poller.nowMs);
    this.runner = new SessionRunner(session, (action) => perform(this, action));
  }

  /** Takes over the accepted client and dials the server. */
  start(clientFd: number): void {
    const { poller } = this.point;
    this.client.socket = TcpSocket.accepted(poller, clientFd, this.client);
    this.tell({ kind: 'accepted' });
  }

  dialServer(): string | undefined {
    const { client, server } = this.facts;
    const to = { octets: octetsOfAddress(server.address), port: server.port };
    const dialled = TcpSocket.dial(this.point.poller, to, this.server, this.point.serverDial(client));
    if (!dialled.ok) return dialled.code;
    this.server.socket = dialled.socket;
    return undefined;
  }

  lookLater(ways: readonly number[]): void {
    this.laterLooks = this.laterLooks.length === 0 ? ways : [...this.laterLooks, ...ways];
  }

  /** For what comes from outside the session: drain and end. */
  tell(event: SessionEvent): void {
    this.guarded(() => {
      this.dispatch(event);
      this.settle();
    });
  }

  wantsLine(leg: ControlLeg): boolean {
    if (leg === this.client)
      return acceptsClientLine(this.runner.session) && !this.server.out.isFull && !this.client.out.isFull;
    return !this.client.out.isFull;
  }

  onLine(leg: ControlLeg, line: ControlLine): void {
    this.dispatch({ kind: 'line', from: leg.side, line });
  }

  onFirstOctets(octets: Uint8Array): void {
    this.dispatch({ kind: 'first-octets', octets });
  }

  onClientEnding(): void {
    this.dispatch({ kind: 'leg-ending', leg: 'client' });
  }

  onLegEnded(leg: ControlLeg, how: 'end' | 'reset', reason: string): void {
    this.dispatch({ kind: 'leg-ended', leg: leg.side, how, reason });
  }

  onConnected(leg: ControlLeg): void {
    const local = leg.socket!.localAddress();
    this.dispatch({ kind: 'server-connected', local: { address: addressFromOctets(local.octets), port: local.port } });
  }

  onUnreachable(_leg: ControlLeg, reason: string): void {
    this.dispatch({ kind: 'server-unreachable', reason });
  }

  countOctets(leg: ControlLeg, octets: number): void {
    this.point.witness.controlOctets(leg === this.client ? 'server' : 'client', octets);
  }

  onArrived(way: number, leg: Side): void {
    this.tell({ kind: 'data-leg-arrived', way, leg });
  }

  onStranger(way: number, leg: Side, peer: Endpoint): void {
    this.tell({ kind: 'stranger', way, leg, peer });
  }

  onJoined(way: number): void {
    this.tell({ kind: 'data-path-joined', way });
  }

  onEnded(way: number, result: DataResult): void {
    this.ways.delete(way);
    this.tell({ kind: 'data-path-ended', way, result });
  }

  dispatch(event: SessionEvent): void {
    this.runner.dispatch(event, this.point.poller.nowMs);
  }

  /**
   * Goes on with what this event made possible: a reply may let the client's next line through. Sending waits for the end
   * of the turn, so that the lines of many sessions leave in one burst and wake their peers once, not line by line.
   */
  settle(): void {
    this.client.pull();
    this.server.pull();
    this.client.pull();
    if (this.turnEnd === 'planned') return;
    this.turnEnd = 'planned';
    this.point.poller.defer(this.endTurn);
  }

  guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.point.witness.internalError(this.facts, error);
      this.destroy();
    }
  }

  private readonly endTurn = (): void => {
    this.turnEnd = 'unplanned';
    if (this.life === 'over') return;
    this.guarded(() => {
      const full = this.client.out.isFull || this.server.out.isFull;
      if (!this.client.out.isEmpty || !this.server.out.isEmpty) this.point.poller.expectAnswer();
      this.client.flush();
      this.server.flush();
      this.lookNow();
      // Room again, or a new turn: what was held back goes on.
      if (full || this.client.isUnfinished || this.server.isUnfinished) this.settle();
      this.armTimer();
      if (this.runner.session.phase.kind === 'closed' && this.life === 'running') this.leave();
      else if (this.life === 'leaving') this.finishLeaving();
    });
  };

  private lookNow(): void {
    if (this.laterLooks.length === 0) return;
    const ways = this.laterLooks;
    this.laterLooks = [];
    this.dispatch(lookedAt(this, ways));
  }

  private armTimer(): void {
    const { poller } = this.point;
    const at = nextDeadlineMs(this.runner.session);
    if (at >= this.timerMs) return;
    if (this.timer !== undefined) poller.timers.cancel(this.timer);
    this.timerMs = at;
    this.timer = poller.timers.set(at, () => this.onTimer());
  }

  private onTimer(): void {
    this.timer = undefined;
    this.timerMs = Number.POSITIVE_INFINITY;
    this.tell({ kind: 'clock' });
  }

  private leave(): void {
    const { poller } = this.point;
    this.life = 'leaving';
    if (this.timer !== undefined) poller.timers.cancel(this.timer);
    this.timerMs = Number.NEGATIVE_INFINITY;
    this.timer = poller.timers.set(poller.nowMs + farewellMs, () => this.destroy());
    this.finishLeaving();
  }

  private finishLeaving(): void {
    if (this.client.socket?.isOpen !== true && this.server.socket?.isOpen !== true) this.destroy();
  }

  private destroy(): void {
    if (this.life === 'over') return;
    this.life = 'over';
    if (this.timer !== undefined) this.point.poller.timers.cancel(this.timer);
    for (const way of this.ways.values()) way.close();
    this.ways.clear();
    this.client.socket?.close();
    this.server.socket?.close();
    this.point.onSessionOver(this.facts);
  }
}
