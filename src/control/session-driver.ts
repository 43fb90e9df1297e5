// Runs one session: turns what its sockets, its ways and the clock do into events, and performs the actions that follow,
// one after another, in order. No decision is taken here.

import { addressFromOctets, type Endpoint, octetsOfAddress } from '../address/endpoint.ts';
import { noNews, type OpenWay } from '../datapath/data-path.ts';
import type { Action } from '../session/action.ts';
import { advance } from '../session/advance.ts';
import { nextDeadlineMs } from '../session/deadline.ts';
import type { SessionEvent } from '../session/event.ts';
import type { DataResult, Side } from '../session/expectation.ts';
import { waysInDoubt, waysToSettle } from '../session/in-doubt.ts';
import { acceptsClientLine, newSession, type Session, type SessionTerms } from '../session/session.ts';
import type { Way } from '../session/way.ts';
import { TcpSocket } from '../sys/tcp-socket.ts';
import type { Timer } from '../sys/timer-wheel.ts';
import type { ControlLine } from '../wire/line-splitter.ts';
import { ControlLeg, type LegOwner } from './control-leg.ts';
import { perform, type Stage } from './perform.ts';
import type { ServicePoint, Upstream } from './service-point.ts';
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
  private session: Session;
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
    this.session = newSession(terms, upstream.dialect, point.poller.nowMs);
  }

  /** Takes over the accepted client and dials the server. */
  start(clientFd: number): void {
    const { poller } = this.point;
    this.client.socket = TcpSocket.accepted(poller, clientFd, this.client);
    this.guarded(() => {
      const { client, server } = this.facts;
      const to = { octets: octetsOfAddress(server.address), port: server.port };
      const dialled = TcpSocket.dial(poller, to, this.server, this.point.serverDial(client));
      if (dialled.ok) this.server.socket = dialled.socket;
      else this.dispatch({ kind: 'server-unreachable', reason: dialled.code });
      this.settle();
    });
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
      return acceptsClientLine(this.session) && !this.server.out.isFull && !this.client.out.isFull;
    return !this.client.out.isFull;
  }

  onLine(leg: ControlLeg, line: ControlLine): void {
    this.dispatch({ kind: 'line', from: leg.side, line });
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

  /** One event through the core, after what it may be judged by; an opened way answers before anything else can happen. */
  dispatch(event: SessionEvent): void {
    this.lookAt(waysInDoubt(this.session, event));
    const step = advance(this.session, event, this.point.poller.nowMs);
    this.session = step.session;
    for (const action of step.actions) this.perform(action);
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
      this.lookAt(waysToSettle(this.session));
      // Room again, or a new turn: what was held back goes on.
      if (full || this.client.isUnfinished || this.server.isUnfinished) this.settle();
      this.armTimer();
      if (this.session.phase.kind === 'closed' && this.life === 'running') this.leave();
      else if (this.life === 'leaving') this.finishLeaving();
    });
  };

  private lookAt(ways: readonly Way[]): void {
    for (const { id } of ways) {
      for (const news of this.ways.get(id)?.look() ?? noNews) {
        if (news.kind === 'data-path-ended') this.ways.delete(id);
        this.dispatch(news);
      }
    }
  }

  private perform(action: Action): void {
    const answer = perform(this, action);
    if (answer !== undefined) this.dispatch(answer);
  }

  private armTimer(): void {
    const { poller } = this.point;
    const at = nextDeadlineMs(this.session);
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
