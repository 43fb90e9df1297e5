// The listener for clients: lets each in, or turns it away with a 421 that says why, and keeps the sessions of this engine.
// A client is never left without an answer because a bound is reached.

import { addressFromOctets, type Endpoint, isUnspecified, octetsOfAddress } from '../address/endpoint.ts';
import type { DataPath } from '../datapath/data-path.ts';
import type { SessionEvent } from '../session/event.ts';
import type { SessionTerms } from '../session/session.ts';
import type { SysErrorCode } from '../sys/errno.ts';
import type { Pollable, Poller } from '../sys/poller.ts';
import { type Accepted, TcpListener, turnAway } from '../sys/tcp-listener.ts';
import { type DialOptions, localAddressOf } from '../sys/tcp-socket.ts';
import { formatReply } from '../wire/reply.ts';
import type { ServicePoint, Upstream } from './service-point.ts';
import { SessionDriver } from './session-driver.ts';
import type { SessionQuota } from './session-quota.ts';
import { type SessionFacts, sessionFacts, type TurnedAway, type Witness } from './witness.ts';

/** What new sessions get; replaced as a whole on reload, so that live ones keep what they began with. */
export interface DoorTerms {
  /** The server behind what a client has dialled; undefined where it leads to none that may be reached. */
  serverFor(dialled: Endpoint): Endpoint | undefined;
  /** How the server leg of this client's session leaves. */
  serverDial(client: Endpoint): DialOptions;
  readonly session: Omit<SessionTerms, 'clientPeer' | 'clientLocal' | 'serverPeer'>;
  /** Code point of what clients are sent; undefined for the kernel's default. */
  readonly dscp: number | undefined;
  readonly dataPath: DataPath;
  readonly sessionsMax: number;
  readonly perClientMax: number;
}

export interface DoorResources {
  readonly poller: Poller;
  readonly witness: Witness;
  readonly quota: SessionQuota;
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

export type DoorOpening =
  | { readonly ok: true; readonly door: FrontDoor }
  | { readonly ok: false; readonly call: string; readonly code: SysErrorCode };

// The kernel caps it at net.core.somaxconn; a burst of logins must not see refused connections.
const backlog = 4096;
// Taken in one go before the sessions that exist get their turn.
const acceptsPerTurn = 64;
const pauseMs = 200;

const farewells: Record<TurnedAway, string> = {
  total: 'Too many connections to this gateway; try again later.',
  client: 'Too many connections from your address; close one first.',
  server: 'This FTP server cannot be reached through this gateway.',
  draining: 'The gateway is going down for maintenance; try again later.',
};

export class FrontDoor implements Pollable {
  private name: string;
  private readonly sessions = new Map<string, SessionDriver>();
  private terms: DoorTerms;
  private point: ServicePoint;
  private readonly resources: DoorResources;
  private listener: TcpListener | undefined;
  /** What every client has dialled; a listener on a wildcard, or a transparent one, has to ask for each. */
  private readonly local: Endpoint | undefined;

  private constructor(name: string, local: Endpoint | undefined, terms: DoorTerms, resources: DoorResources) {
    this.name = name;
    this.local = local;
    this.terms = terms;
    this.resources = resources;
    this.point = this.pointOfService();
  }

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
    door.listener = listened.listener;
    return { ok: true, door };
  }

  onReady(): void {
    for (let taken = 0; taken < acceptsPerTurn; taken++) {
      const accepted = this.listener?.accept();
      if (accepted === undefined) return;
      if (typeof accepted === 'string') {
        this.pause(accepted);
        return;
      }
      this.letIn(accepted);
    }
  }

  /** New sessions get these terms from now on. */
  renew(name: string, terms: DoorTerms): void {
    this.name = name;
    if (terms.dscp !== this.terms.dscp) this.listener?.setDscp(terms.dscp ?? 0);
    this.terms = terms;
    this.point = this.pointOfService();
  }

  get sessionCount(): number {
    return this.sessions.size;
  }

  /** Everyone who is in hears it. */
  tellAll(event: SessionEvent): void {
    for (const session of [...this.sessions.values()]) session.tell(event);
  }

  close(): void {
    this.listener?.close();
    this.listener = undefined;
  }

  private letIn({ fd, peer }: Accepted): void {
    const { quota, witness } = this.resources;
    const client: Endpoint = { address: addressFromOctets(peer.octets), port: peer.port };
    const dialled = this.local ?? localEnd(fd);
    const server = this.terms.serverFor(dialled);
    if (server === undefined) {
      this.sendAway(fd, client, dialled, 'server');
      return;
    }
    const admission = quota.admit(client.address, this.terms.sessionsMax, this.terms.perClientMax);
    if (admission !== 'admitted') {
      this.sendAway(fd, client, dialled, admission);
      return;
    }
    const facts = sessionFacts(this.resources.nextSessionId(), this.name, client, server);
    const { session } = this.terms;
    // Field by field: spreading costs more than all else that happens here.
    const driver = new SessionDriver(this.point, this.resources.upstream(server), facts, {
      clientPeer: client,
      clientLocal: dialled,
      serverPeer: server,
      advertise: session.advertise,
      advertiseToServer: session.advertiseToServer,
      serverMode: session.serverMode,
      activeSourcePort: session.activeSourcePort,
      dataSource: session.dataSource,
      endFlows: session.endFlows,
      ruleset: session.ruleset,
      limits: session.limits,
    });
    this.sessions.set(facts.id, driver);
    witness.sessionStarted(facts);
    driver.start(fd);
  }

  private sendAway(fd: number, client: Endpoint, dialled: Endpoint, why: TurnedAway): void {
    turnAway(fd, formatReply(421, farewells[why]));
    this.resources.witness.turnedAway(this.name, client, dialled, why);
  }

  private pointOfService(): ServicePoint {
    const { poller, witness } = this.resources;
    return {
      poller,
      witness,
      dataPath: this.terms.dataPath,
      serverDial: (client) => this.terms.serverDial(client),
      onSessionOver: (facts) => this.onSessionOver(facts),
    };
  }

  private onSessionOver(facts: SessionFacts): void {
    this.sessions.delete(facts.id);
    this.resources.quota.release(facts.client.address);
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
