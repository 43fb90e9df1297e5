// A data connection relayed in this process: two legs, in any combination of modes and families, and a pump each way.
// Law: reports `ended` exactly once unless closed by its owner; a failure of one leg resets the other, so that a broken
// transfer looks broken to both ends; a half-close is passed on as a half-close (RFC 959 §3.4 stream mode ends with
// FIN).

import type { Endpoint } from '../address/endpoint.ts';
import type { Result } from '../result.ts';
import type { DataResult, Expectation, OpenedPorts, Side, WayNews } from '../session/expectation.ts';
import { Ready } from '../sys/poller.ts';
import type { PipePool } from '../sys/splice-pipe.ts';
import type { Timer } from '../sys/timer-wheel.ts';
import { leftOpenMs, noNews, type OpenWay, type Securing, type WayOwner } from './data-path.ts';
import type { PortRefusal } from './port-pool.ts';
import { Pump, type PumpState, type SourceState, type Splicing } from './pump.ts';
import { type LegOwner, type LegResources, RelayLeg } from './relay-leg.ts';

interface RelayTimes {
  /** From the first leg's arrival to the second's. */
  readonly joinTimeoutMs: number;
  /** Without an octet in either direction. */
  readonly dataIdleTimeoutMs: number;
}

/** What all ways of one relay share. */
export interface RelayResources extends LegResources {
  readonly pipes: PipePool;
  readonly times: RelayTimes;
}

const endOrError = Ready.peerShutdown | Ready.error | Ready.hangUp;
const readableOrEnded = Ready.in | endOrError;

export class RelayWay implements OpenWay, LegOwner {
  private readonly id: number;
  private readonly shared: RelayResources;
  private readonly owner: WayOwner;
  private readonly client: RelayLeg;
  private readonly server: RelayLeg;
  /** `open`: which legs are put under TLS will be told with the transfer, and nothing moves before. */
  private protection: 'open' | 'settled';
  private securing: Readonly<Record<Side, Securing | undefined>> = inTheClear;
  private toServer: Pump | undefined;
  private toClient: Pump | undefined;
  private timer: Timer | undefined;
  private joinedMs = 0;
  private octetsSeen = 0;
  /** When `octetsSeen` octets had moved, and none since. */
  private unchangedSinceMs = 0;
  private life: 'waiting' | 'flowing' | 'over' = 'waiting';
  private upload: 'not-begun' | 'about-to-begin' | 'begun' = 'not-begun';
  /** `kept`: a peer that has not come yet may take its time; one that is dialled may not. */
  private peers: 'expected' | 'kept' = 'expected';
  private transfer: 'under-way' | 'concluded' = 'under-way';
  /** Set while one direction of a concluded transfer is left open. */
  private lastMoment: Timer | undefined;

  constructor(expectation: Expectation, shared: RelayResources, owner: WayOwner) {
    this.id = expectation.way;
    this.shared = shared;
    this.owner = owner;
    this.protection = expectation.tls === undefined ? 'settled' : 'open';
    this.client = new RelayLeg('client', expectation.client, shared, this);
    this.server = new RelayLeg('server', expectation.server, shared, this);
  }

  /** Opens the listening legs, both or none. */
  open(): Result<OpenedPorts, PortRefusal> {
    const client = this.client.open();
    if (!client.ok) return client;
    const server = this.server.open();
    if (server.ok) return { ok: true, value: { client: client.value, server: server.value } };
    this.client.stopListening();
    return server;
  }

  dial(side: Side): void {
    if (this.life !== 'waiting') return;
    this.awaitJoin();
    const failure = this[side].dial();
    // Told after the call that caused it, like everything else that happens.
    if (failure !== undefined) this.shared.poller.defer(() => this.onLegFailed(side, failure));
  }

  keep(): void {
    this.unchangedSinceMs = this.shared.poller.nowMs;
    this.peers = 'kept';
  }

  protect(legs: Readonly<Record<Side, Securing | undefined>>): void {
    if (this.protection === 'settled') return;
    this.protection = 'settled';
    this.securing = legs;
    // What follows is told after the call that caused it.
    this.shared.poller.defer(() => {
      if (this.client.isUp) this.secure('client');
      if (this.server.isUp) this.secure('server');
      this.joinIfReady();
    });
  }

  get holder(): number {
    return this.owner.holder;
  }

  look(): readonly WayNews[] {
    return noNews;
  }

  conclude(): void {
    this.transfer = 'concluded';
    this.awaitSecondEnd(this.octets);
  }

  close(): void {
    if (this.life === 'over') return;
    this.release();
    this.client.socket?.reset();
    this.server.socket?.reset();
  }

  onLegUp(side: Side): void {
    this.secure(side);
    if (this.life !== 'waiting') return;
    const other = side === 'client' ? this.server : this.client;
    if (other.isUp) {
      this.joinIfReady();
      return;
    }
    this.awaitJoin();
    this.owner.onArrived(this.id, side);
  }

  onLegSecured(): void {
    this.joinIfReady();
  }

  /** RFC 4217 §10: a leg begins its handshake when it is connected and the transfer is asked for. */
  private secure(side: Side): void {
    const securing = this.securing[side];
    if (securing !== undefined && this.life === 'waiting') this[side].protect(securing);
  }

  private joinIfReady(): void {
    const isReady = this.protection === 'settled' && this.mayCarry('client') && this.mayCarry('server');
    if (this.life === 'waiting' && isReady) this.join();
  }

  /** Nothing passes through a leg that is to be put under TLS, and is up and not under it yet. */
  private mayCarry(side: Side): boolean {
    const leg = this[side];
    return leg.isReady && (leg.isSecure || this.securing[side] === undefined);
  }

  onLegStranger(side: Side, peer: Endpoint): void {
    this.owner.onStranger(this.id, side, peer);
  }

  onLegFailed(side: Side, reason: string): void {
    this.fail(`${side}: ${reason}`);
  }

  onLegReady(side: Side, events: number): void {
    if ((events & Ready.priority) !== 0) {
      // The kernel takes an urgent octet out of the stream: a file with one less would look complete.
      this.fail(`${side}: urgent data on a data connection`);
      return;
    }
    if (this.life !== 'flowing') {
      // Octets wait in the kernel until the other leg is up; only a peer that has gone already is of interest.
      if ((events & (Ready.error | Ready.hangUp)) !== 0) this.fail(`${side}: gone before the other leg was up`);
      return;
    }
    const [from, to] = side === 'client' ? [this.toServer!, this.toClient!] : [this.toClient!, this.toServer!];
    if ((events & readableOrEnded) !== 0 && from.state === 'on-source') this.take(from, side, events);
    if (this.life === 'flowing' && (events & (Ready.out | Ready.error)) !== 0 && to.state === 'on-sink') {
      this.pump(to, side === 'client' ? 'server' : 'client', 'unknown');
    }
    // A reset while neither pump has anything to say about this leg: both ends of it are gone.
    if (this.life === 'flowing' && (events & Ready.error) !== 0) this.onReset(side);
  }

  private join(): void {
    const { poller, pipes, times } = this.shared;
    this.life = 'flowing';
    this.joinedMs = poller.nowMs;
    this.unchangedSinceMs = poller.nowMs;
    // One timer serves the whole way: when it fires it asks what it is for. So the one set for the join may stay,
    // unless it would be late for the idle limit.
    if (times.dataIdleTimeoutMs < times.joinTimeoutMs) this.cancelTimer();
    this.timer ??= poller.timers.set(poller.nowMs + times.dataIdleTimeoutMs, this.onTimer);
    this.toServer = new Pump(this.client.socket!, this.server.socket!, splicing(this.client, this.server, pipes));
    this.toClient = new Pump(this.server.socket!, this.client.socket!, splicing(this.server, this.client, pipes));
    this.owner.onJoined(this.id);
    if (((this.client.heard | this.server.heard) & Ready.priority) !== 0) {
      this.fail('urgent data on a data connection');
      return;
    }
    // What came before the other leg was up announced itself once and will not again. The owner may have closed the
    // way.
    if (this.life === 'flowing' && mayGive(this.server))
      this.pump(this.toClient, 'server', sourceState(this.server, this.server.heard));
    if (this.life === 'flowing' && mayGive(this.client)) this.take(this.toServer, 'client', this.client.heard);
  }

  /**
   * A client sends STOR and its first octets at once, and servers reset a data connection on which octets come before
   * the command: so these leave when all control lines of the turn have left.
   */
  private take(pump: Pump, source: Side, events: number): void {
    if (source === 'server' || this.upload === 'begun') {
      this.pump(pump, source, sourceState(this[source], events));
      return;
    }
    if (this.upload === 'about-to-begin') return;
    this.upload = 'about-to-begin';
    this.shared.poller.atLast(() => {
      this.upload = 'begun';
      if (this.life !== 'flowing' || pump.state !== 'on-source') return;
      // All that the leg has heard until now: an end that is known leaves with the last octets.
      this.pump(pump, source, sourceState(this.client, this.client.heard));
    });
  }

  private pump(pump: Pump, source: Side, known: SourceState): void {
    const state: PumpState = pump.run(known);
    const sink = source === 'client' ? 'server' : 'client';
    if (state !== 'ended') this.partWithReset();
    switch (state) {
      case 'unfinished':
        this.shared.poller.defer(() => {
          if (this.life === 'flowing' && pump.state === 'unfinished') this.pump(pump, source, 'unknown');
        });
        return;
      case 'ended':
        // The second end closes both sockets, and a close is an end of writing too.
        if (this.toServer?.state === 'ended' && this.toClient?.state === 'ended') this.complete('both ends closed');
        else {
          this[sink].socket?.endWriting();
          this.awaitSecondEnd(this.octets);
        }
        return;
      case 'source-failed':
        this.onReset(source);
        return;
      case 'sink-failed':
        this.onReset(sink);
        return;
      default:
        return;
    }
  }

  /** `before`: what had moved when the moment began; as long as something moves it begins anew. */
  private awaitSecondEnd(before: number): void {
    const oneEnded = this.toServer?.state === 'ended' || this.toClient?.state === 'ended';
    if (this.life !== 'flowing' || this.transfer !== 'concluded' || !oneEnded || this.lastMoment !== undefined) return;
    const { poller } = this.shared;
    this.lastMoment = poller.timers.set(poller.nowMs + leftOpenMs, () => {
      this.lastMoment = undefined;
      if (this.octets === before && this.isDrained) this.complete('one peer left its half open');
      else this.awaitSecondEnd(this.octets);
    });
  }

  private get octets(): number {
    return (this.toClient?.octets ?? 0) + (this.toServer?.octets ?? 0);
  }

  /** Nothing waits for a peer that reads slowly. */
  private get isDrained(): boolean {
    const done = (pump: Pump | undefined) => pump?.state === 'ended' || pump?.state === 'on-source';
    return done(this.toClient) && done(this.toServer);
  }

  // It takes longer than one look: from now on a death of the process must look broken to both ends.
  private partWithReset(): void {
    this.client.socket?.partWithReset();
    this.server.socket?.partWithReset();
  }

  /** A leg was reset. After its own clean end, with nothing ever sent to it, that is only an impatient close. */
  private onReset(side: Side): void {
    const [from, to] = side === 'client' ? [this.toServer!, this.toClient!] : [this.toClient!, this.toServer!];
    const done = from.state === 'ended' && to.octets === 0 && to.state === 'on-source';
    if (done) this.complete(`the ${side} closed`);
    else this.fail(`${side}: ${this[side].failure}`);
  }

  private complete(reason: string): void {
    this.release();
    for (const leg of [this.client, this.server]) this.closeCleanly(leg);
    this.owner.onEnded(this.id, this.result('completed', reason));
  }

  /** Under TLS the last octets may still wait for a peer that reads slowly; where it does not read, not for ever. */
  private closeCleanly({ socket }: RelayLeg): void {
    socket?.closeCleanly();
    if (socket?.isOpen !== true) return;
    const { poller } = this.shared;
    poller.timers.set(poller.nowMs + leftOpenMs, () => {
      if (socket.isOpen) socket.reset();
    });
  }

  private fail(reason: string): void {
    if (this.life === 'over') return;
    this.close();
    this.owner.onEnded(this.id, this.result('failed', reason));
  }

  private release(): void {
    this.life = 'over';
    this.cancelTimer();
    this.client.stopListening();
    this.server.stopListening();
    this.toClient?.close();
    this.toServer?.close();
  }

  private awaitJoin(): void {
    const { poller, times } = this.shared;
    this.timer ??= poller.timers.set(poller.nowMs + times.joinTimeoutMs, this.onTimer);
  }

  private awaitJoinAnew(): void {
    this.timer = undefined;
    this.awaitJoin();
  }

  private readonly onTimer = (): void => {
    const { poller, times } = this.shared;
    if (this.life === 'waiting') {
      if (this.peers === 'kept' && (this.client.isAwaited || this.server.isAwaited)) this.awaitJoinAnew();
      else this.fail(this.whyNotJoined());
      return;
    }
    const octets = this.toClient!.octets + this.toServer!.octets;
    const idleSinceMs = octets === this.octetsSeen ? this.unchangedSinceMs : poller.nowMs;
    if (poller.nowMs - idleSinceMs >= times.dataIdleTimeoutMs) {
      this.fail(`no octet moved for ${Math.round(times.dataIdleTimeoutMs / 1000)} s`);
      return;
    }
    this.octetsSeen = octets;
    this.unchangedSinceMs = idleSinceMs;
    this.timer = poller.timers.set(idleSinceMs + times.dataIdleTimeoutMs, this.onTimer);
  };

  private whyNotJoined(): string {
    if (!this.client.isUp || !this.server.isUp) return 'the other leg did not come up in time';
    return this.protection === 'open' ? 'no transfer began in time' : 'a TLS handshake did not end in time';
  }

  private cancelTimer(): void {
    if (this.timer !== undefined) this.shared.poller.timers.cancel(this.timer);
    this.timer = undefined;
    if (this.lastMoment !== undefined) this.shared.poller.timers.cancel(this.lastMoment);
    this.lastMoment = undefined;
  }

  private result(outcome: DataResult['outcome'], reason: string): DataResult {
    return {
      outcome,
      reason,
      octetsToClient: this.toClient?.octets ?? 0,
      octetsToServer: this.toServer?.octets ?? 0,
      durationMs: this.joinedMs === 0 ? 0 : Math.round(this.shared.poller.nowMs - this.joinedMs),
      clientPeer: this.client.peer,
      serverPeer: this.server.peer,
    };
  }
}

const inTheClear = { client: undefined, server: undefined } as const;

/** Has it announced something that was not read? Under TLS it may have come with the last of the handshake. */
function mayGive({ heard, isSecure }: RelayLeg): boolean {
  return isSecure || (heard & readableOrEnded) !== 0;
}

function splicing(
  { spliceable: source }: RelayLeg,
  { spliceable: sink }: RelayLeg,
  pipes: PipePool,
): Splicing | undefined {
  return source === undefined || sink === undefined ? undefined : { source, sink, pipes };
}

// The kernel reports the peer's end only once everything before it has come; with an error beside it, it is a reset.
// Of TLS it says nothing: that ends with an octet of its own.
function sourceState({ isSecure }: RelayLeg, events: number): SourceState {
  if (isSecure) return 'unknown';
  const end = events & endOrError;
  if (end === 0) return 'open';
  return end === Ready.peerShutdown ? 'ended' : 'unknown';
}
