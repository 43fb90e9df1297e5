// The listener for clients: lets each in, or turns it away with a 421 that says why, and keeps the sessions of this
// engine. A client is never left without an answer because a bound is reached.

import { addressFromOctets, type Endpoint, isUnspecified, octetsOfAddress } from '../address/endpoint.ts';
import type { DataPath } from '../datapath/data-path.ts';
import type { PassiveRanges } from '../datapath/passive-range.ts';
import type { Destination } from '../policy/destination.ts';
import type { Result } from '../result.ts';
import type { SessionEvent } from '../session/event.ts';
import type { SessionTerms } from '../session/session.ts';
import type { SysErrorCode } from '../sys/errno.ts';
import type { Pollable, Poller } from '../sys/poller.ts';
import { type Accepted, type ListenFailure, TcpListener, turnAway } from '../sys/tcp-listener.ts';
import { type DialOptions, localAddressOf } from '../sys/tcp-socket.ts';
import type { Timer } from '../sys/timer-wheel.ts';
import type { ListenerSecurity } from '../tls/session-security.ts';
import { formatReply } from '../wire/reply.ts';
import type { ServicePoint, Upstream } from './service-point.ts';
import { SessionDriver } from './session-driver.ts';
import type { ClientBounds, Place, SessionQuota } from './session-quota.ts';
import { beginUnits, type Turns } from './turns.ts';
import { type SessionFacts, sessionFacts, type TurnedAway, type Witness } from './witness.ts';

/** What new sessions get; replaced as a whole on reload, so that live ones keep what they began with. */
export interface DoorTerms {
  /** The server behind what a client has dialled, or why it does not get there. */
  destinationOf(client: Endpoint, dialled: Endpoint): Destination;
  /** How the server leg of this client's session leaves. */
  serverDial(client: Endpoint): DialOptions;
  readonly session: Omit<SessionTerms, 'clientPeer' | 'clientLocal' | 'serverPeer'>;
  /** Code point of what clients are sent; undefined for the kernel's default. */
  readonly dscp: number | undefined;
  readonly dataPath: DataPath;
  readonly passiveRanges: PassiveRanges | undefined;
  readonly security: ListenerSecurity | undefined;
  readonly sessionsMax: number;
  readonly client: ClientBounds;
}

export interface DoorResources {
  readonly poller: Poller;
  readonly witness: Witness;
  readonly quota: SessionQuota;
  readonly turns: Turns;
  /** What is known of a server, by its endpoint. */
  upstream(endpoint: Endpoint): Upstream;
  nextSessionId(): string;
}

export interface DoorSocket {
  /** Several engines listen on it. */
  readonly sharePort: boolean;
  /** It takes connections to other machines, diverted to it; each has the address that its client dialled. */
  readonly transparent: boolean;
}

export type DoorOpening = Result<FrontDoor, ListenFailure>;

// The kernel caps it at net.core.somaxconn; a burst of logins must not see refused connections.
const backlog = 4096;
// Taken in one go before the sessions that exist get their turn.
const acceptsPerTurn = 4;
const pauseMs = 200;
// Less is not worth a timer, whose grain it is.
const waitMsLeast = 100;

const farewells: Record<TurnedAway, string> = {
  total: 'Too many connections to this gateway; try again later.',
  client: 'Too many connections from your address; close one first.',
  server: 'This FTP server cannot be reached through this gateway.',
  draining: 'The gateway is going down for maintenance; try again later.',
  network: 'Clients in your network may not use this gateway.',
  egress: 'This FTP server is not reached through this gateway: the way to it leads elsewhere.',
  'link-local': 'A link-local address cannot be served across this gateway; connect with a global one.',
};

export class FrontDoor implements Pollable {
  private name: string;
  private readonly sessions = new Map<string, SessionDriver>();
  /** Connections whose time has not come, and what they begin with. */
  private readonly waiting = new Map<Timer, () => void>();
  private terms: DoorTerms;
  private point: ServicePoint;
  private readonly resources: DoorResources;
  private listener: TcpListener | undefined;
  private tookInTurn = -1;
  private service: 'letting-in' | 'sending-away' = 'letting-in';
  /** What every client has dialled; a listener on a wildcard, or a transparent one, has to ask for each. */
  private readonly local: Endpoint | undefined;

  private constructor(name: string, local: Endpoint | undefined, terms: DoorTerms, resources: DoorResources) {
    this.name = name;
    this.local = local;
    this.terms = terms;
    this.resources = resources;
    this.point = this.pointOfService();
  }

  /** Binds and listens; who connects waits until `welcome`. */
  static open(
    name: string,
    listen: Endpoint,
    { sharePort, transparent }: DoorSocket,
    terms: DoorTerms,
    resources: DoorResources,
  ): DoorOpening {
    const known = transparent || isUnspecified(listen.address) ? undefined : listen;
    const door = new FrontDoor(name, known, terms, resources);
    const local = { octets: octetsOfAddress(listen.address), port: listen.port };
    const listened = TcpListener.open(resources.poller, local, door, {
      backlog,
      sharePort,
      transparent,
      purpose: 'control',
      dscp: terms.dscp,
    });
    if (!listened.ok) return listened;
    door.listener = listened.value;
    door.listener.pause();
    return { ok: true, value: door };
  }

  onReady(): void {
    // Each of them becomes a guest: where guests stand in line already, those and new ones take turns.
    const { turns } = this.resources;
    if (!turns.admits('guest') && turns.number <= this.tookInTurn + 1) return;
    this.tookInTurn = turns.number;
    let taken = 0;
    while (taken < acceptsPerTurn && this.takeNext() && turns.admits('guest')) taken += 1;
  }

  /** From now on who connects is let in. */
  welcome(): void {
    this.listener?.resume(this);
  }

  /** From now on who connects reads 421. */
  sendAwayAll(): void {
    this.service = 'sending-away';
  }

  /** From now on another listener may be opened on the same port. */
  sharePort(): void {
    this.listener?.sharePort();
  }

  /** New sessions get these terms from now on. */
  renew(name: string, terms: DoorTerms): void {
    this.name = name;
    if (terms.dscp !== this.terms.dscp) this.listener?.setDscp(terms.dscp ?? 0);
    const { ruleset } = terms.session;
    const isOther = ruleset !== this.terms.session.ruleset;
    this.terms = terms;
    this.point = this.pointOfService();
    if (!isOther) return;
    for (const session of [...this.sessions.values()]) session.tell({ kind: 'rules-changed', ruleset });
  }

  get sessionCount(): number {
    return this.sessions.size + this.waiting.size;
  }

  /** Everyone who is in hears it. */
  tellAll(event: SessionEvent): void {
    for (const [timer, begin] of this.waiting) {
      this.resources.poller.timers.cancel(timer);
      this.waiting.delete(timer);
      begin();
    }
    for (const session of [...this.sessions.values()]) session.tell(event);
  }

  close(): void {
    this.listener?.close();
    this.listener = undefined;
  }

  /** As `close`, but those who have connected and wait are not reset: they are dealt with first. */
  closeBehindWaiting(): void {
    // As many as can have waited when this began.
    for (let left = backlog; left > 0 && this.takeNext(); left--);
    this.close();
  }

  /** False when nobody waits, or nobody can be taken now. */
  private takeNext(): boolean {
    const accepted = this.listener?.accept();
    if (accepted === undefined) return false;
    if (typeof accepted === 'string') {
      this.pause(accepted);
      return false;
    }
    this.letIn(accepted);
    return true;
  }

  private letIn({ fd, peer }: Accepted): void {
    const { quota } = this.resources;
    const client: Endpoint = { address: addressFromOctets(peer.octets), port: peer.port };
    const dialled = this.local ?? localEnd(fd);
    if (this.service === 'sending-away') {
      this.sendAway(fd, client, dialled, 'draining');
      return;
    }
    const destination = this.terms.destinationOf(client, dialled);
    if (!destination.ok) {
      const { cause, text } = destination.reason;
      this.sendAway(fd, client, dialled, cause, text);
      return;
    }
    const server = destination.value;
    const place = quota.admit(client.address, this.terms.sessionsMax, this.terms.client);
    if (typeof place === 'string') {
      this.sendAway(fd, client, dialled, place);
      return;
    }
    const begin = (): void => this.begin(fd, client, dialled, server, place);
    if (place.waitMs < waitMsLeast) begin();
    else this.keepWaiting(begin, place.waitMs);
  }

  /** One client address opens connections faster than it may: this one begins when its time has come. */
  private keepWaiting(begin: () => void, waitMs: number): void {
    const { poller, turns } = this.resources;
    const goOn = (): void => {
      if (this.waiting.delete(timer)) begin();
    };
    // Many have waited for the same tick of the clock, and would begin all at once.
    const timer = poller.timers.set(poller.nowMs + waitMs, () => turns.lineUp({ goOn }, 'guest'));
    this.waiting.set(timer, begin);
  }

  private begin(fd: number, client: Endpoint, dialled: Endpoint, server: Endpoint, place: Place): void {
    const { turns, witness } = this.resources;
    turns.spend('guest', beginUnits);
    const facts = sessionFacts(this.resources.nextSessionId(), this.name, client, server);
    const { session } = this.terms;
    // Field by field: spreading costs more than all else that happens here.
    const terms = {
      clientPeer: client,
      clientLocal: dialled,
      serverPeer: server,
      advertise: session.advertise,
      advertiseToServer: session.advertiseToServer,
      serverMode: session.serverMode,
      activeSourcePort: session.activeSourcePort,
      dataSource: session.dataSource,
      endFlows: session.endFlows,
      ownPorts: session.ownPorts,
      ruleset: session.ruleset,
      limits: session.limits,
      tls: session.tls,
      listener: session.listener,
      epochMs: session.epochMs,
    };
    const driver = new SessionDriver(this.point, this.resources.upstream(server), facts, terms, place);
    this.sessions.set(facts.id, driver);
    witness.sessionStarted(facts);
    driver.start(fd);
  }

  private sendAway(fd: number, client: Endpoint, dialled: Endpoint, why: TurnedAway, reason?: string): void {
    turnAway(fd, formatReply(421, farewells[why]));
    this.resources.witness.turnedAway(this.name, client, dialled, why, reason);
  }

  private pointOfService(): ServicePoint {
    const { poller, witness, turns } = this.resources;
    return {
      poller,
      witness,
      turns,
      dataPath: this.terms.dataPath,
      passiveRanges: this.terms.passiveRanges,
      security: this.terms.security,
      serverDial: (client) => this.terms.serverDial(client),
      onSessionOver: (facts, place) => this.onSessionOver(facts, place),
    };
  }

  private onSessionOver(facts: SessionFacts, place: Place): void {
    this.sessions.delete(facts.id);
    place.giveBack();
    this.resources.witness.sessionOver(facts);
  }

  /** Out of descriptors: the listener would report forever what cannot be taken, so it rests for a moment. */
  private pause(code: SysErrorCode): void {
    const { poller, witness } = this.resources;
    witness.internalError(undefined, new Error(`${this.name}: cannot accept: ${code}`));
    this.listener?.pause();
    poller.timers.set(poller.nowMs + pauseMs, () => this.listener?.resume(this));
  }
}

function localEnd(fd: number): Endpoint {
  const local = localAddressOf(fd);
  return { address: addressFromOctets(local.octets), port: local.port };
}
