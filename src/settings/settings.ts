// What an operator configures, as the rest of the program sees it: complete, checked, defaults filled in.
// load-settings.ts makes it from YAML. It is plain data, so that it crosses to the engines' threads unchanged.

import type { Address, Endpoint } from '../address/endpoint.ts';
import type { Network } from '../address/network.ts';
import type { Published } from '../policy/destination.ts';
import type { Ruleset } from '../policy/ruleset.ts';
import type { Limits } from '../session/limits.ts';
import type { Problem } from '../yaml/problem.ts';
import type { PortRange } from './port-range.ts';
import type { ListenerTls, TlsSources } from './tls-settings.ts';

export interface Settings {
  readonly listeners: readonly ListenerSettings[];
  readonly rules: Ruleset;
  readonly admin: AdminSettings | undefined;
  readonly log: { readonly level: LogLevel };
  readonly engines: number;
  readonly sessions: SessionSettings;
  readonly limits: Limits;
  readonly kernel: KernelSettings;
  /** What may be, and deserves a word all the same. */
  readonly warnings: readonly Problem[];
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

export type LogLevel = (typeof logLevels)[number];

/** The pages for operators and Prometheus. */
export interface AdminSettings {
  readonly listen: Endpoint;
  /** Names and addresses under which they may be asked for, besides the address itself, loopback and localhost. */
  readonly hosts: readonly string[];
}

export interface SessionSettings {
  /** Control connections at once, over all engines and listeners. */
  readonly totalMax: number;
  /** Control connections at once from one client address. */
  readonly perClientMax: number;
  /** New control connections of one client address a second, and as many at once; those beyond wait. */
  readonly connectionsPerSecond: number;
  /** Commands of one client address a second, over all its sessions; beyond it they are not read. */
  readonly commandsPerSecond: number;
  /** Data connections of one client address, prepared or flowing. */
  readonly waysPerClientMax: number;
  /** Data ports of one listener that one client address may hold. */
  readonly dataPortsPerClientMax: number;
  /** How long SIGTERM waits for transfers before the remaining sessions get 421. */
  readonly drainTimeoutMs: number;
}

export type ListenerSettings = ReverseListener | TransparentListener;

interface ListenerCommon {
  readonly name: string;
  readonly listen: Endpoint;
  /** Address written into 227 towards the client; without it the local address of the client's control connection. */
  readonly advertise: Address | undefined;
  /** Address written into PORT and EPRT towards the server; without it the local address of the server leg. */
  readonly advertiseToServer: Address | undefined;
  /**
   * Where data runs: through sockets of this process, through pinholes of the kernel, or the kernel where it can join
   * the legs.
   */
  readonly dataPath: 'relay' | 'kernel' | 'auto';
  readonly dataPorts: readonly PortRange[];
  readonly serverMode: 'as-client' | 'passive' | 'active';
  /** Source port of data connections that the gateway dials to clients (RFC 959 §5.2: L-1, by the book 20). */
  readonly activeSourcePort: number | undefined;
  readonly tls: ListenerTls;
  readonly tlsSources: TlsSources;
}

/** Clients connect to the gateway as if it were the server. */
export interface ReverseListener extends ListenerCommon {
  readonly mode: 'reverse';
  readonly upstream: Endpoint;
}

/** Clients connect to the server; the kernel hands their control connections to the gateway (TPROXY). */
export interface TransparentListener extends ListenerCommon {
  readonly mode: 'transparent';
  /** Which control connections the kernel hands over: by destination port, and by where they come in. */
  readonly intercept: { readonly ports: readonly number[]; readonly interface: string | undefined };
  /** The only networks from which clients may come; undefined: all. */
  readonly clients: readonly Network[] | undefined;
  /** The only interface through which servers are reached; undefined: whichever the routes say. */
  readonly egress: string | undefined;
  /** The only servers that may be reached; a published endpoint counts as the server behind it. */
  readonly servers: readonly Network[];
  readonly publish: readonly Published[];
  /**
   * Whom the server sees as the peer: the client, the gateway's address on that route, or an address of this machine.
   */
  readonly source: 'client' | 'gateway' | Address;
}

/** What all transparent listeners share in the kernel: our one nftables table, marks, what is guarded. */
export interface KernelSettings {
  /** Name of the nftables table, family inet. */
  readonly table: string;
  /** Packet mark by which the operator's routing rule delivers intercepted connections to this machine. */
  readonly divertMark: number;
  /** Connection mark of data connections, for the operator's own rules. */
  readonly dataMark: number;
  /** Packet mark of what the gateway sends to servers on control connections, for the operator's own rules. */
  readonly serverMark: number;
  /** Networks to which nobody opens an unexpected TCP connection above port 1023. */
  readonly guard: readonly Network[];
  /** Whether data connections end with their session. */
  readonly endFlows: boolean;
  /**
   * Differentiated services code points, 0 to 63 (RFC 2474), of what the gateway sends; undefined leaves them alone.
   */
  readonly dscp: { readonly control: number | undefined; readonly data: number | undefined };
}
