// The listeners of one engine, as settings want them: opened, renewed in place, or closed, all or nothing.
// A listener that cannot be opened leaves everything as it was.

import { type Endpoint, octetsOfAddress, printEndpoint } from '../address/endpoint.ts';
import { type DoorResources, type DoorTerms, FrontDoor } from '../control/front-door.ts';
import type { Upstream } from '../control/service-point.ts';
import { AutoPath } from '../datapath/auto-path.ts';
import type { DataPath } from '../datapath/data-path.ts';
import { KernelPlane } from '../datapath/kernel-plane.ts';
import { PinholePath } from '../datapath/pinhole.ts';
import { PortPool } from '../datapath/port-pool.ts';
import { Relay } from '../datapath/relay.ts';
import { serverBehind } from '../policy/destination.ts';
import type { ListenerSettings, Settings } from '../settings/settings.ts';
import { SysError, type SysErrorCode } from '../sys/errno.ts';
import { mayBind } from '../sys/may-bind.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import type { PipePool } from '../sys/splice-pipe.ts';
import type { DialOptions } from '../sys/tcp-socket.ts';

const upstreamsMax = 4096;

interface Open {
  readonly door: FrontDoor;
  readonly ports: PortPool;
  readonly ranges: string;
}

export interface DoorsResources extends Omit<DoorResources, 'upstream'> {
  readonly pipes: PipePool;
  /** This engine's share of ports that engines divide. */
  readonly index: number;
  readonly count: number;
}

export class Doors {
  private readonly resources: DoorsResources;
  private readonly upstreams = new Map<string, Upstream>();
  /** By where they listen: a listener that only gets another name keeps its socket and its sessions. */
  private open = new Map<string, Open>();
  /** Closed by a reload, while sessions that came in through them go on. */
  private retired: FrontDoor[] = [];
  private plane: KernelPlane | undefined;

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

  /** Undefined once the settings are in force, or the one sentence why they are not. */
  apply(settings: Settings): string | undefined {
    const next = new Map<string, Open>();
    const fresh: FrontDoor[] = [];
    for (const listener of settings.listeners) {
      const problem = this.kernelProblem(listener, settings) ?? this.applyOne(listener, settings, next, fresh);
      if (problem === undefined) continue;
      for (const door of fresh) door.close();
      return problem;
    }
    for (const listener of settings.listeners) {
      const { door, ports } = next.get(printEndpoint(listener.listen))!;
      door.renew(listener.name, this.termsOf(listener, settings, ports));
    }
    const given = [...this.open].filter(([where]) => !next.has(where)).map(([, { door }]) => door);
    for (const door of given) door.close();
    this.retired = [...this.retired, ...given].filter((door) => door.sessionCount > 0);
    this.open = next;
    return undefined;
  }

  closeAll(): void {
    for (const { door } of this.open.values()) door.close();
  }

  /** At the end of the engine: what it holds in the kernel besides sockets. */
  shutDown(): void {
    this.plane?.shutDown();
  }

  private applyOne(
    listener: ListenerSettings,
    settings: Settings,
    next: Map<string, Open>,
    fresh: FrontDoor[],
  ): string | undefined {
    const problem = sourcePortProblem(listener);
    if (problem !== undefined) return problem;
    const where = printEndpoint(listener.listen);
    const before = this.open.get(where);
    const ranges = JSON.stringify(listener.dataPorts);
    const { index, count } = this.resources;
    const ports = before?.ranges === ranges ? before.ports : new PortPool(listener.dataPorts, index, count);
    if (ports.size === 0) return noPortsProblem(listener, count);
    if (before !== undefined) {
      next.set(where, { ...before, ports, ranges });
      return undefined;
    }
    const terms = this.termsOf(listener, settings, ports);
    const resources = { ...this.resources, upstream: (endpoint: Endpoint) => this.upstream(endpoint) };
    // A shared port could silently be shared with another program too, so the first engine looks who is there.
    const taken = count > 1 && index === 0 ? mayBind(socketAddress(listener.listen)) : undefined;
    if (taken !== undefined) return bindProblem(listener, taken);
    const socket = { sharePort: count > 1, transparent: listener.mode === 'transparent' };
    const opening = FrontDoor.open(listener.name, listener.listen, socket, terms, resources);
    if (!opening.ok) return bindProblem(listener, opening.code);
    fresh.push(opening.door);
    next.set(where, { door: opening.door, ports, ranges });
    return undefined;
  }

  private termsOf(listener: ListenerSettings, settings: Settings, ports: PortPool): DoorTerms {
    const { limits, rules, sessions } = settings;
    const dscp = listener.mode === 'transparent' ? settings.kernel.dscp.control : undefined;
    return {
      serverFor: serverFor(listener),
      serverDial: serverDial(listener, dscp),
      dscp,
      dataPath: this.dataPathOf(listener, settings, ports),
      sessionsMax: sessions.totalMax,
      perClientMax: sessions.perClientMax,
      session: {
        advertise: listener.advertise,
        advertiseToServer: listener.advertiseToServer,
        serverMode: listener.serverMode,
        activeSourcePort: listener.activeSourcePort,
        // A session between two others speaks as they do, whatever the routes would choose.
        dataSource: listener.mode === 'transparent' ? 'control-leg' : 'routes',
        endFlows: listener.mode === 'transparent' && settings.kernel.endFlows,
        ruleset: rules,
        limits,
      },
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
    if (listener.dataPath === 'relay' || this.plane !== undefined) return undefined;
    try {
      const { table, dataMark } = settings.kernel;
      this.plane = new KernelPlane({ poller: this.resources.poller, table, dataMark });
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

function serverFor(listener: ListenerSettings): DoorTerms['serverFor'] {
  if (listener.mode === 'reverse') return () => listener.upstream;
  return (dialled) => serverBehind(listener, dialled);
}

function serverDial(listener: ListenerSettings, dscp: number | undefined): DoorTerms['serverDial'] {
  // Also at an address of this machine's own: it is how our table knows the connection for one of ours.
  const byTheRoutes: DialOptions = { purpose: 'control', transparent: listener.mode === 'transparent', dscp };
  if (listener.mode === 'reverse' || listener.source === 'gateway') return () => byTheRoutes;
  const { source } = listener;
  return (client) => {
    const { address } = source === 'client' ? client : { address: source };
    return { purpose: 'control', transparent: true, dscp, from: { octets: octetsOfAddress(address), port: 0 } };
  };
}

function sourcePortProblem(listener: ListenerSettings): string | undefined {
  const { activeSourcePort: port, listen } = listener;
  if (port === undefined) return undefined;
  const code = mayBind(socketAddress({ address: listen.address, port }));
  if (code !== 'EACCES') return undefined;
  const remedy = 'give the process CAP_NET_BIND_SERVICE or leave the setting out';
  return `listener ${listener.name}: no right to send from port ${port} (activeSourcePort); ${remedy}`;
}

function noPortsProblem(listener: ListenerSettings, engines: number): string {
  const problem =
    engines > 1
      ? `too few ports for ${engines} engines, which divide them; add some`
      : 'only ports that devices on the path treat specially (5060 …); add others';
  return `listener ${listener.name}: dataPorts has ${problem}`;
}

function socketAddress({ address, port }: Endpoint): SocketAddress {
  return { octets: octetsOfAddress(address), port };
}

function bindProblem(listener: ListenerSettings, code: SysErrorCode): string {
  return `listener ${listener.name}: ${whyNotBound(printEndpoint(listener.listen), code)}`;
}

function whyNotBound(where: string, code: SysErrorCode): string {
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is in use by another program; stop that one (ss -ltnp shows it) or choose another port`;
    case 'EACCES':
      return `no right to listen on ${where}; ports below 1024 need CAP_NET_BIND_SERVICE`;
    case 'EPERM':
      return `no right to take connections to other machines on ${where}; transparent listeners need CAP_NET_ADMIN`;
    case 'EADDRNOTAVAIL':
      return `${where} is no address of this machine; choose one that \`ip address\` shows, or 0.0.0.0 for all`;
    default:
      return `cannot listen on ${where}: ${code}`;
  }
}
