// Runs one session: turns what its sockets, its ways and the clock do into events, and performs the actions that
// follow, one after another, in order. No decision is taken here.

import { addressFromOctets, type Endpoint, octetsOfAddress } from '../address/endpoint.ts';
import type { OpenWay, Securing } from '../datapath/data-path.ts';
import type { OpenPassiveRange } from '../datapath/passive-range.ts';
import type { Action } from '../session/action.ts';
import { nextDeadlineMs } from '../session/deadline.ts';
import type { SessionEvent } from '../session/event.ts';
import type { DataResult, Side } from '../session/expectation.ts';
import type { PassiveRange } from '../session/opaque.ts';
import type { Protection } from '../session/security.ts';
import { newSession, readsClient, type SessionTerms } from '../session/session.ts';
import { Ready } from '../sys/poller.ts';
import type { SecureFacts } from '../sys/stream.ts';
import { TcpSocket } from '../sys/tcp-socket.ts';
import type { Timer } from '../sys/timer-wheel.ts';
import type { SessionSecurity } from '../tls/session-security.ts';
import type { ControlLine } from '../wire/line-splitter.ts';
import { ControlLeg, type LegOwner } from './control-leg.ts';
import { Pace } from './pace.ts';
import { lookedAt, perform, type Stage } from './perform.ts';
import type { ServicePoint, Upstream } from './service-point.ts';
import type { Place } from './session-quota.ts';
import { SessionRunner } from './session-runner.ts';
import { type Standing, shareUnits, type Worker } from './turns.ts';
import type { SessionFacts } from './witness.ts';

/** How long octets for a peer that does not read may wait after the session has ended. */
const farewellMs = 10_000;
// When a client that is too fast is read again: after the timers' own grain, or late, where nobody hears it any more.
const pauseMs = { 'too-fast': 100, unheard: 1000 } as const;
// What several sends of a turn would cost besides what they send.
const sendUnits = 4;
const octetsPerUnitLog2 = 11;
const pressMs = 1000;
// A signature and a key exchange take as long as hundreds of lines.
const handshakeUnits = 128;

export class SessionDriver implements LegOwner, Stage, Worker {
  readonly facts: SessionFacts;
  readonly point: ServicePoint;
  readonly upstream: Upstream;
  readonly client: ControlLeg;
  readonly server: ControlLeg;
  readonly ways = new Map<number, OpenWay>();
  private readonly runner: SessionRunner;
  private security: SessionSecurity | undefined;
  private passiveRange: OpenPassiveRange | undefined;
  private laterLooks: readonly number[] = [];
  private timer: Timer | undefined;
  private timerMs = Number.POSITIVE_INFINITY;
  private turnEnd: 'planned' | 'unplanned' = 'unplanned';
  private life: 'running' | 'leaving' | 'over' = 'running';
  readonly place: Place;
  private readonly pace: Pace;
  private pacing: Timer | undefined;
  private reading: 'at-will' | keyof typeof pauseMs = 'at-will';
  /**
   * Whoever had more to do than its share, or sends lines piece by piece, lines up with whatever comes next: else many
   * who do would still be served before one who waits for a single answer, at every turn anew. In line pieces come
   * together.
   */
  private pressesUntilMs = 0;
  /** In which line it stands. */
  private line: Standing | 'none' = 'none';
  /** The turn that the share belongs to, and whose share it is. */
  private turn = -1;
  private shareOf: Standing = 'guest';
  private units = 0;

  constructor(point: ServicePoint, upstream: Upstream, facts: SessionFacts, terms: SessionTerms, place: Place) {
    this.point = point;
    this.upstream = upstream;
    this.facts = facts;
    this.place = place;
    const { lineOctetsMax, replyOctetsMax, commandsPerSecond, commandBurst } = terms.limits;
    this.pace = new Pace({ perSecond: commandsPerSecond, burst: commandBurst }, point.poller.nowMs);
    // A reply that was collected is sent on as a whole; the server gets a line at a time.
    const toClient = { lineOctetsMax, additionMax: lineOctetsMax + replyOctetsMax };
    this.client = new ControlLeg('client', this, toClient, 'open');
    this.server = new ControlLeg('server', this, { lineOctetsMax, additionMax: lineOctetsMax }, 'dialling');
    const session = newSession(terms, upstream.dialect, point.poller.nowMs);
    this.runner = new SessionRunner(session, (action) => this.perform(action));
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
    if (!dialled.ok) return dialled.reason;
    this.server.socket = dialled.value;
    return undefined;
  }

  startTls(side: Side, before: 'nothing' | 'in-the-clear'): number {
    const leg = this[side];
    const discarded = leg.startTls(before, (carrier) => this.securityOf().secureControl(side, carrier));
    this.soonReady(leg);
    return discarded;
  }

  endTls(side: Side): void {
    this[side].endTls();
    this.soonReady(this[side]);
  }

  protectWay(way: number, levels: Readonly<Record<Side, Protection>>): void {
    const secure = (side: Side): Securing | undefined =>
      levels[side] === 'clear' ? undefined : (carrier) => this.securityOf().secureData(side, carrier);
    this.ways.get(way)?.protect({ client: secure('client'), server: secure('server') });
  }

  /** What its handshake needs may have come already, or is the gateway's to begin. */
  private soonReady(leg: ControlLeg): void {
    this.point.poller.defer(() => {
      if (this.life !== 'over') leg.onReady(Ready.in);
    });
  }

  private securityOf(): SessionSecurity {
    this.security ??= this.point.security?.forSession(this.facts.server.address);
    if (this.security === undefined) throw new Error('a listener without TLS has begun a handshake');
    return this.security;
  }

  passThrough(side: Side): number {
    return this[side].passThrough();
  }

  openPassiveRange(range: PassiveRange): string | undefined {
    const { passiveRanges } = this.point;
    if (passiveRanges === undefined) return 'the kernel carries no data connections for this listener';
    const { endFlows } = this.runner.session.terms;
    const onLost = (reason: string): void => this.tell({ kind: 'passive-range-lost', reason });
    const opened = passiveRanges.open(range, endFlows, onLost);
    if (!opened.ok) return opened.reason;
    this.passiveRange = opened.value;
    return undefined;
  }

  closePassiveRange(): void {
    this.passiveRange?.close();
    this.passiveRange = undefined;
  }

  passiveConnections(): number {
    return this.passiveRange?.connections() ?? 0;
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
    if (this.client.out.isFull) return false;
    // What a server sends is read also while much waits for it: it may not read on before it has sent.
    if (leg === this.server) return !this.server.out.hasOverflown;
    return readsClient(this.runner.session) && !this.server.out.isFull && this.keepsPace();
  }

  /** How its data connections count against the share of its client. */
  get holder(): number {
    return this.place.client;
  }

  takesTurn(): boolean {
    // Who has logged in meanwhile need not wait among the guests any more.
    if (this.line === this.standing || this.line === 'known') return false;
    if (!this.presses && this.point.turns.admits(this.standing)) return true;
    this.lineUp();
    return false;
  }

  hasShare(): boolean {
    const { number } = this.point.turns;
    if (this.turn !== number) this.beginShare(number);
    return this.units > 0;
  }

  mayDiscard(): boolean {
    if (this.point.turns.mayDiscard()) return true;
    this.reading = 'unheard';
    return false;
  }

  goOn(): void {
    this.line = 'none';
    if (this.life === 'over') return;
    this.beginShare(this.point.turns.number);
    this.guarded(() => {
      this.client.attend();
      this.server.attend();
      this.settle();
    });
  }

  onLine(leg: ControlLeg, line: ControlLine): void {
    if (leg === this.client) {
      this.pace.take();
      this.place.countCommand(this.point.poller.second);
    }
    this.dispatch({ kind: 'line', from: leg.side, line });
  }

  onFirstOctets(leg: ControlLeg, octets: Uint8Array): void {
    this.dispatch({ kind: 'first-octets', from: leg.side, octets });
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

  onSecured(leg: ControlLeg, facts: SecureFacts): void {
    this.spend(handshakeUnits);
    this.dispatch({ kind: 'tls-up', leg: leg.side, facts });
  }

  onNotSecured(leg: ControlLeg, reason: string): void {
    this.spend(handshakeUnits);
    this.dispatch({ kind: 'tls-failed', leg: leg.side, reason });
  }

  onCleared(): void {
    this.dispatch({ kind: 'tls-down', leg: 'client' });
  }

  onOctets(leg: ControlLeg, octets: Uint8Array): void {
    this.dispatch({ kind: 'octets', from: leg.side, octets });
  }

  onTextAgain(leg: ControlLeg): void {
    this.dispatch({ kind: 'leg-cleared', leg: leg.side });
  }

  onUnreachable(_leg: ControlLeg, reason: string): void {
    this.dispatch({ kind: 'server-unreachable', reason });
  }

  countOctets(leg: ControlLeg, octets: number): void {
    // Copying them is work, too: a large read as much as several lines.
    this.spend(1 + (octets >> octetsPerUnitLog2));
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
    this.forgetWay(way);
    this.tell({ kind: 'data-path-ended', way, result });
  }

  dispatch(event: SessionEvent): void {
    this.spend(1);
    this.runner.dispatch(event, this.point.poller.nowMs);
  }

  /**
   * Goes on with what this event made possible: a reply may let the client's next line through. Sending waits for the
   * end of the turn, so that the lines of many sessions leave in one burst and wake their peers once, not line by line.
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
      if (!this.client.out.isEmpty || !this.server.out.isEmpty) {
        this.spend(sendUnits);
        this.point.poller.expectAnswer();
      }
      this.client.flush();
      this.server.flush();
      this.lookNow();
      this.endIfOverflown();
      // Room again, or more than its share: what was held back goes on, the latter when it is its turn.
      if (this.client.isUnfinished || this.server.isUnfinished) this.goOnInLine();
      else if (this.client.holdsPiece) this.press();
      else if (full) this.settle();
      if (this.reading !== 'at-will') this.slowDown(pauseMs[this.reading]);
      this.armTimer();
      this.leaveIfClosed();
    });
  };

  private leaveIfClosed(): void {
    if (this.runner.session.phase.kind === 'closed' && this.life === 'running') this.leave();
    else if (this.life === 'leaving') this.finishLeaving();
  }

  private get standing(): Standing {
    const { login, phase } = this.runner.session;
    return login.kind === 'in' && phase.kind !== 'lingering' && phase.kind !== 'closed' ? 'known' : 'guest';
  }

  private beginShare(turn: number): void {
    this.turn = turn;
    this.shareOf = this.standing;
    this.units = shareUnits[this.shareOf];
  }

  private spend(units: number): void {
    this.units -= units;
    this.point.turns.spend(this.shareOf, units);
  }

  private get presses(): boolean {
    return this.point.poller.nowMs < this.pressesUntilMs;
  }

  private press(): void {
    this.pressesUntilMs = this.point.poller.nowMs + pressMs;
  }

  private goOnInLine(): void {
    this.press();
    this.lineUp();
  }

  private lineUp(): void {
    const { standing } = this;
    if (this.line === standing || this.line === 'known' || this.life === 'over') return;
    this.line = standing;
    this.point.turns.lineUp(this, standing);
  }

  /** May the client's next line be taken, by its own rate and by that of its address? */
  private keepsPace(): boolean {
    const { nowMs, second } = this.point.poller;
    if (this.pace.allows(this.standing, nowMs) && this.place.mayCommand(second)) return true;
    this.reading = 'too-fast';
    return false;
  }

  private slowDown(forMs: number): void {
    this.reading = 'at-will';
    const { poller } = this.point;
    this.pacing ??= poller.timers.set(poller.nowMs + forMs, () => {
      this.pacing = undefined;
      // Many may have waited for the same tick of the clock.
      this.goOnInLine();
    });
  }

  /** A peer that does not read, and makes us say more and more to it. */
  private endIfOverflown(): void {
    const { client, server } = this;
    if (!client.out.hasOverflown && !server.out.hasOverflown) return;
    const who = server.out.hasOverflown ? 'server' : 'client';
    this.dispatch({ kind: 'end', outcome: 'protocol-error', reason: `the ${who} does not read what it is sent` });
  }

  private lookNow(): void {
    if (this.laterLooks.length === 0) return;
    const ways = this.laterLooks;
    this.laterLooks = [];
    this.dispatch(lookedAt(this, ways));
  }

  forgetWay(way: number): void {
    if (this.ways.delete(way)) this.place.giveWayBack();
  }

  private perform(action: Action): SessionEvent | undefined {
    this.spend(1);
    return perform(this, action);
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
    for (const timer of [this.timer, this.pacing]) if (timer !== undefined) this.point.poller.timers.cancel(timer);
    this.closePassiveRange();
    for (const [id, way] of this.ways) {
      way.close();
      this.forgetWay(id);
    }
    for (const { socket } of [this.client, this.server]) {
      socket?.close();
      // Under TLS a close waits for what the peer does not read.
      if (socket?.isOpen === true) socket.reset();
    }
    this.point.onSessionOver(this.facts, this.place);
  }
}
