// One way under test: its owner, who keeps every report and objects to those that the contract forbids, and the peers
// of its two legs.

import assert from 'node:assert/strict';
import { type Address, type Endpoint, printEndpoint } from '../../src/address/endpoint.ts';
import type { DataPath, OpenWay, WayOwner } from '../../src/datapath/data-path.ts';
import type { DataResult, Expectation, OpenedPorts, Plane, Side } from '../../src/session/expectation.ts';
import type { Poller } from '../../src/sys/poller.ts';
import { turnUntil } from '../unit/sys/loopback.ts';
import type { LegTls, Places } from './data-path-fixture.ts';
import { Peer, socketAddress } from './peer.ts';

export interface Ends {
  /** The peers' own addresses. */
  readonly client: Address;
  readonly server: Address;
}

export class TestedWay implements WayOwner {
  readonly holder = 1;
  /** `arrived client`, `stranger server 192.0.2.1:1`, `joined`, `ended completed` …, in order. */
  readonly reports: string[] = [];
  result: DataResult | undefined;
  /** Done inside the report, as a session does what follows from it. */
  onReport: (report: string) => void = () => undefined;
  refusal: string | undefined;
  plane: Plane | undefined;
  ports: OpenedPorts = { client: undefined, server: undefined };
  readonly expectation: Expectation;
  readonly ends: Ends;
  private readonly poller: Poller;
  /** Peers of dialling legs, which listen before the way is opened. */
  private readonly listening: Partial<Record<Side, Peer>>;
  private readonly peers: Partial<Record<Side, Peer>> = {};
  private readonly callers: Peer[] = [];
  private readonly places: Places;
  private readonly tls: Partial<Readonly<Record<Side, LegTls>>>;
  private way: OpenWay | undefined;
  private life: 'in-a-call' | 'live' | 'closed' | 'ended' = 'live';

  constructor(
    expectation: Expectation,
    ends: Ends,
    poller: Poller,
    listening: Partial<Record<Side, Peer>>,
    places: Places,
    tls: Partial<Readonly<Record<Side, LegTls>>>,
  ) {
    this.places = places;
    this.tls = tls;
    this.expectation = expectation;
    this.ends = ends;
    this.poller = poller;
    this.listening = listening;
  }

  open(path: DataPath): this {
    this.life = 'in-a-call';
    const opening = path.open(this.expectation, this);
    this.life = 'live';
    if (opening.ok) {
      this.way = opening.value.way;
      this.ports = opening.value.ports;
      this.plane = opening.value.plane;
      if (this.expectation.tls !== undefined)
        this.way.protect({ client: this.tls.client?.gateway, server: this.tls.server?.gateway });
    } else this.refusal = opening.reason.text;
    return this;
  }

  get client(): Peer {
    return this.peers.client!;
  }

  get server(): Peer {
    return this.peers.server!;
  }

  /** Those who have begun to come or were dialled. */
  get presentPeers(): Peer[] {
    return Object.values(this.peers);
  }

  /** Brings a leg up, or begins to: its peer dials, or the gateway is told to. */
  connect(side: Side): Peer {
    let peer = this.listening[side];
    if (peer === undefined) peer = this.callFrom(side, this.ends[side]);
    else this.dial(side);
    this.peers[side] = peer;
    return peer;
  }

  /** Both legs, the listening ones first, as a session has it. */
  join(first: Side = this.listening.client === undefined ? 'client' : 'server'): this {
    this.connect(first);
    this.connect(first === 'client' ? 'server' : 'client');
    turnUntil(this.poller, () => this.isJoined && this.client.life === 'connected' && this.server.life === 'connected');
    return this;
  }

  /** Somebody dials the listening leg from that address; the rightful peer comes by `connect`. */
  callFrom(side: Side, from: Address): Peer {
    const leg = this.expectation[side];
    assert.ok(leg.mode === 'listen');
    const at = socketAddress(leg.local, this.ports[side]);
    const peer = this.places.within(side, () =>
      Peer.dialling(side, this.poller, socketAddress(from), at, this.tls[side]?.peer),
    );
    this.callers.push(peer);
    return peer;
  }

  /** Which peers that listen were dialled more than once. */
  get furtherConnections(): number {
    return Object.values(this.listening).reduce((sum, peer) => sum + peer.furtherConnections, 0);
  }

  /** Everyone who ever dialled or waited for this way goes home. */
  dismissPeers(): void {
    for (const peer of [...this.callers, ...Object.values(this.listening)]) peer.close();
  }

  dial(side: Side): void {
    const { life } = this;
    this.life = life === 'live' ? 'in-a-call' : life;
    this.way!.dial(side);
    this.life = life;
  }

  conclude(): void {
    this.way!.conclude();
  }

  close(): void {
    const { life } = this;
    this.life = 'in-a-call';
    this.way!.close();
    this.life = life === 'live' ? 'closed' : life;
  }

  get isJoined(): boolean {
    return this.reports.includes('joined');
  }

  get hasEnded(): boolean {
    return this.result !== undefined;
  }

  /** Still owed an end: opened, not closed, not ended. */
  get isOwedAnEnd(): boolean {
    return this.way !== undefined && this.life === 'live';
  }

  onArrived(way: number, side: Side): void {
    this.hear(way, `arrived ${side}`);
  }

  onStranger(way: number, side: Side, peer: Endpoint): void {
    this.hear(way, `stranger ${side} ${printEndpoint(peer)}`);
  }

  onJoined(way: number): void {
    this.hear(way, 'joined');
  }

  onEnded(way: number, result: DataResult): void {
    assert.equal(this.result, undefined, 'ended once');
    this.result = result;
    assert.notEqual(result.reason, '');
    this.hear(way, `ended ${result.outcome}`);
  }

  private hear(way: number, report: string): void {
    assert.equal(way, this.expectation.way);
    assert.equal(this.life, 'live', `${report} in state ${this.life}`);
    if (this.result !== undefined) this.life = 'ended';
    this.reports.push(report);
    this.onReport(report);
  }
}
