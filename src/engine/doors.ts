// The listeners of one engine, as settings want them: opened, renewed in place, moved, or closed, all or nothing.
// New ones are opened beside the old ones first, and only when each is open does anything change: a listener that
// cannot be opened leaves everything as it was, and one that moves is not lost on the way.

import { addressFromOctets, type Endpoint, printEndpoint } from '../address/endpoint.ts';
import { addressesMeet, socketsMeet } from '../address/meeting.ts';
import { type DoorOpening, type DoorResources, type DoorTerms, FrontDoor } from '../control/front-door.ts';
import type { Upstream } from '../control/service-point.ts';
import { AutoPath } from '../datapath/auto-path.ts';
import type { DataPath } from '../datapath/data-path.ts';
import { KernelPlane } from '../datapath/kernel-plane.ts';
import { PassiveRanges } from '../datapath/passive-range.ts';
import { PinholePath } from '../datapath/pinhole.ts';
import { PortPool } from '../datapath/port-pool.ts';
import { Relay } from '../datapath/relay.ts';
import type { ListenerSettings, Settings } from '../settings/settings.ts';
import { SysError } from '../sys/errno.ts';
import { othersListening } from '../sys/listening.ts';
import { mayBind } from '../sys/may-bind.ts';
import type { PipePool } from '../sys/splice-pipe.ts';
import { listenerSecurity } from '../tls/listener-tls.ts';
import type { ListenerSecurity } from '../tls/session-security.ts';
import { bindProblem, noPortsProblem, type PortHolder, socketAddress, sourcePortProblem } from './door-problems.ts';
import { ServerSide, serverDial } from './server-side.ts';
import { sessionTermsOf } from './session-terms.ts';

const upstreamsMax = 4096;

interface Open {
  readonly door: FrontDoor;
  readonly name: string;
  readonly mode: ListenerSettings['mode'];
  readonly listen: Endpoint;
  readonly ports: PortPool;
  readonly ranges: string;
  readonly security: ListenerSecurity | undefined;
}

/** What is ready to come into force. */
interface Change {
  readonly settings: Settings;
  readonly next: Map<string, Open>;
  /** Opened for it. */
  readonly fresh: FrontDoor[];
}

export interface DoorsResources extends Omit<DoorResources, 'upstream'> {
  readonly pipes: PipePool;
  readonly ticketKeys: Uint8Array;
  /** This engine's share of ports that engines divide. */
  readonly index: number;
  readonly count: number;
}

export class Doors {
  private readonly resources: DoorsResources;
  private readonly upstreams = new Map<string, Upstream>();
  /** By mode and where they listen: a listener that only gets another name keeps its socket and its sessions. */
  private open = new Map<string, Open>();
  /** Closed by a reload, while sessions that came in through them go on. */
  private retired: FrontDoor[] = [];
  private change: Change | undefined;
  private plane: KernelPlane | undefined;
  private passiveRanges: PassiveRanges | undefined;
  private readonly serverSide = new ServerSide();

  constructor(resources: DoorsResources) {
    this.resources = resources;
  }

  get sessionCount(): number {
    let count = 0;
    for (const door of this) count += door.sessionCount;
    return count;
  }

  /** Data ports that ways hold now, and that there are. */
  ports(): { readonly inUse: number; readonly size: number } {
    let inUse = 0;
    let size = 0;
    for (const { ports } of this.open.values()) {
      inUse += ports.inUse;
      size += ports.size;
    }
    return { inUse, size };
  }

  [Symbol.iterator](): Iterator<FrontDoor> {
    return [...[...this.open.values()].map(({ door }) => door), ...this.retired][Symbol.iterator]();
  }

  /**
   * Undefined once all that these settings need is open, or the one sentence why it cannot be; then all is as it was.
   */
  prepare(settings: Settings): string | undefined {
    this.abandon();
    const change: Change = { settings, next: new Map(), fresh: [] };
    this.change = change;
    try {
      for (const listener of settings.listeners) {
        const problem = this.kernelProblem(listener, settings) ?? this.prepareOne(listener, change);
        if (problem === undefined) continue;
        this.abandon();
        return problem;
      }
    } catch (error) {
      this.abandon();
      throw error;
    }
    return undefined;
  }

  /** Gives up what has been prepared and not committed. */
  abandon(): void {
    for (const door of this.change?.fresh ?? []) door.close();
    this.change = undefined;
  }

  /** What has been prepared comes into force. */
  commit(): void {
    if (this.change === undefined) return;
    const { settings, next, fresh } = this.change;
    this.change = undefined;
    for (const listener of settings.listeners) {
      const { door, ports, security } = next.get(keyOf(listener))!;
      door.renew(listener.name, this.termsOf(listener, settings, ports, security));
    }
    for (const door of fresh) door.welcome();
    const given = [...this.open].filter(([key]) => !next.has(key)).map(([, { door }]) => door);
    for (const door of given) door.closeBehindWaiting();
    // The table may have been written anew for these settings.
    this.passiveRanges?.putBack();
    this.retired = [...this.retired, ...given].filter((door) => door.sessionCount > 0);
    this.open = next;
  }

  /**
   * Lets nobody new in. A reverse listener closes: refused by the kernel, clients and load balancers go elsewhere at
   * once, and a successor may have the port. A transparent one cannot be gone round, because the table drops what no
   * socket takes, so it stays to say 421.
   */
  drain(): void {
    for (const { door, mode } of this.open.values()) {
      door.sendAwayAll();
      if (mode === 'reverse') door.closeBehindWaiting();
    }
    for (const door of this) door.tellAll({ kind: 'drain' });
  }

  closeAll(): void {
    for (const { door } of this.open.values()) {
      door.sendAwayAll();
      door.closeBehindWaiting();
    }
  }

  /** At the end of the engine: what it holds in the kernel besides sockets. */
  shutDown(): void {
    this.passiveRanges?.shutDown();
    this.plane?.shutDown();
    this.serverSide.close();
  }

  private prepareOne(listener: ListenerSettings, change: Change): string | undefined {
    const problem = sourcePortProblem(listener);
    if (problem !== undefined) return problem;
    const key = keyOf(listener);
    const { name, mode, listen } = listener;
    const ports = this.portsFor(listener, change.settings);
    if (ports.size === 0) return noPortsProblem(listener, this.resources.count);
    ports.divide(change.settings.sessions.dataPortsPerClientMax);
    const tls = listenerSecurity(listener.tls, this.resources.ticketKeys);
    if (!tls.ok) return `listener ${name}: TLS cannot be had: ${tls.reason}`;
    const security = tls.value;
    const open = { name, mode, listen, ports, ranges: rangesOf(listener), security };
    const before = this.open.get(key);
    if (before !== undefined) {
      change.next.set(key, { ...open, door: before.door });
      return undefined;
    }
    const opening = this.openDoor(listener, change, ports, security);
    if (!opening.ok) return bindProblem(listener, opening.reason.code, this.holderOf(listener.listen));
    change.fresh.push(opening.value);
    change.next.set(key, { ...open, door: opening.value });
    return undefined;
  }

  /**
   * Beside those that this change closes, also where they have the same port: Linux lets two sockets have it while both
   * say that they share it (SO_REUSEPORT, socket(7)), and gives each connection to the one whose address is the more
   * particular.
   */
  private openDoor(
    listener: ListenerSettings,
    change: Change,
    ports: PortPool,
    security: ListenerSecurity | undefined,
  ): DoorOpening {
    const { index, count } = this.resources;
    const rivals = [...this.open.values()].filter(({ listen }) => socketsMeet(listen, listener.listen));
    const sharePort = count > 1 || rivals.length > 0;
    // Shared with us, a port could silently be shared with another program too, so the first engine looks who is there.
    const taken = sharePort && index === 0 && this.isTaken(listener.listen);
    if (taken) return { ok: false, reason: { call: 'bind', code: 'EADDRINUSE' } };
    for (const { door } of rivals) door.sharePort();
    const terms = this.termsOf(listener, change.settings, ports, security);
    const resources = { ...this.resources, upstream: (endpoint: Endpoint) => this.upstream(endpoint) };
    const socket = { sharePort, transparent: listener.mode === 'transparent' };
    return FrontDoor.open(listener.name, listener.listen, socket, terms, resources);
  }

  /** Who has a port that is in use; before the first listener is open, nothing is ours. */
  private holderOf(listen: Endpoint): PortHolder {
    return this.open.size === 0 || this.isTaken(listen) ? 'another program' : 'a data connection of this gateway';
  }

  /** By a program that is not this one. */
  private isTaken(listen: Endpoint): boolean {
    const others = othersListening(listen.port);
    if (others !== undefined) return others.some((at) => addressesMeet(addressFromOctets(at), listen.address));
    // Without /proc it can be found out only while none of our own listens.
    return this.open.size === 0 && mayBind(socketAddress(listen)) === 'EADDRINUSE';
  }

  /** A listener that stays, or moves, keeps its pool, because ways of sessions that go on hold ports of it. */
  private portsFor(listener: ListenerSettings, settings: Settings): PortPool {
    const ranges = rangesOf(listener);
    const before = this.open.get(keyOf(listener));
    if (before?.ranges === ranges) return before.ports;
    const kept = new Set(settings.listeners.map((one) => `${keyOf(one)} ${rangesOf(one)}`));
    for (const [key, open] of this.open) {
      if (open.name === listener.name && open.ranges === ranges && !kept.has(`${key} ${ranges}`)) return open.ports;
    }
    const { index, count } = this.resources;
    return new PortPool(listener.dataPorts, index, count);
  }

  private termsOf(
    listener: ListenerSettings,
    settings: Settings,
    ports: PortPool,
    security: ListenerSecurity | undefined,
  ): DoorTerms {
    const { sessions } = settings;
    const dscp = listener.mode === 'transparent' ? settings.kernel.dscp.control : undefined;
    return {
      destinationOf: this.serverSide.destinations(listener, settings.kernel),
      serverDial: serverDial(listener, settings.kernel),
      dscp,
      dataPath: this.dataPathOf(listener, settings, ports),
      passiveRanges: listener.tls.client.mode === 'pass-through' ? this.passiveRanges : undefined,
      security,
      sessionsMax: sessions.totalMax,
      client: {
        sessionsMax: sessions.perClientMax,
        connectionsPerSecond: sessions.connectionsPerSecond,
        commandsPerSecond: sessions.commandsPerSecond,
        waysMax: sessions.waysPerClientMax,
      },
      session: sessionTermsOf(listener, settings, performance.timeOrigin),
    };
  }

  private dataPathOf(listener: ListenerSettings, settings: Settings, ports: PortPool): DataPath {
    const { limits, kernel } = settings;
    const { poller, pipes } = this.resources;
    const times = { joinTimeoutMs: limits.expectationTimeoutMs, dataIdleTimeoutMs: limits.dataIdleTimeoutMs };
    const transparent = listener.mode === 'transparent';
    const dscp = transparent ? kernel.dscp.data : undefined;
    const relay = new Relay({ poller, pipes, ports, times, transparent, dscp });
    if (listener.dataPath === 'relay' || this.plane === undefined) return relay;
    const { expectationTimeoutMs } = limits;
    const { endFlows } = kernel;
    const pinholes = new PinholePath({ poller, plane: this.plane, ports, expectationTimeoutMs, endFlows });
    return listener.dataPath === 'kernel' ? pinholes : new AutoPath(pinholes, relay);
  }

  /** Opens what this engine needs of the kernel once a listener wants it; why that cannot be, in one sentence. */
  private kernelProblem(listener: ListenerSettings, settings: Settings): string | undefined {
    if (listener.dataPath === 'relay') return undefined;
    const { poller, index, count } = this.resources;
    try {
      const { table, dataMark } = settings.kernel;
      this.plane ??= new KernelPlane({ poller, table, dataMark });
      if (listener.tls.client.mode !== 'pass-through') return undefined;
      this.passiveRanges ??= new PassiveRanges({ poller, plane: this.plane, table, index, count });
      return undefined;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      const remedy = 'dataPath kernel and auto need CAP_NET_ADMIN, or choose relay';
      return `listener ${listener.name}: cannot talk to the packet filter (${error.code}); ${remedy}`;
    }
  }

  private upstream(endpoint: Endpoint): Upstream {
    const key = printEndpoint(endpoint);
    const known = this.upstreams.get(key);
    if (known !== undefined) return known;
    // A listener that leads anywhere must not remember every server of the world.
    if (this.upstreams.size >= upstreamsMax) this.upstreams.clear();
    const upstream: Upstream = { dialect: { epsv: 'unknown', eprt: 'unknown' } };
    this.upstreams.set(key, upstream);
    return upstream;
  }
}

/** What a socket is bound to for good. */
function keyOf({ mode, listen }: ListenerSettings): string {
  return `${mode} ${printEndpoint(listen)}`;
}

function rangesOf({ dataPorts }: ListenerSettings): string {
  return JSON.stringify(dataPorts);
}
