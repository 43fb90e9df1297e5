// What shall our table in the kernel do? The few facts of the settings on which its text depends, and the names of its
// parts, which the text, the elements and the check of what is installed must agree on.

import type { Address } from '../address/endpoint.ts';
import type { Network } from '../address/network.ts';

export interface TablePlan {
  /** Name of the table, family inet. */
  readonly table: string;
  /** Packet mark by which the operator's routing rule delivers intercepted connections to this machine. */
  readonly divertMark: number;
  /** Connection mark of data connections. */
  readonly dataMark: number;
  readonly intercepts: readonly Intercept[];
  /** Ports of servers whose sessions are passed through under TLS, each range once. */
  readonly passiveRanges: readonly PassiveRangePorts[];
  /** How many engines put elements into the table. */
  readonly engines: number;
  /** Networks to which nobody opens a TCP connection above port 1023 that no session expects. */
  readonly guard: readonly Network[];
  /** Whether a data connection whose session has ended it must not be taken up again in its middle. */
  readonly endFlows: boolean;
  readonly expectationTimeoutMs: number;
  /** Packet mark of what the gateway sends to servers on control connections, for rules of the operator's. */
  readonly serverMark: number;
  /** Expectations at once; the bound of each set and map. */
  readonly pinholesMax: number;
  /**
   * Differentiated services code points (RFC 2474), undefined to leave them alone. The table marks data connections;
   * control connections are sockets of ours, which mark themselves.
   */
  readonly dscp: { readonly control: number | undefined; readonly data: number | undefined };
}

/** Both ends are among them. */
export interface PassiveRangePorts {
  readonly from: number;
  readonly to: number;
}

/** The control connections of one listener: where the kernel takes them from and which socket gets them. */
export interface Intercept {
  readonly listener: string;
  /** Only what comes in there; undefined: everywhere. */
  readonly interface: string | undefined;
  /** The only one through which servers are reached; undefined: any. */
  readonly egress: string | undefined;
  /** Only what comes from these; undefined: from everywhere. */
  readonly clients: readonly Network[] | undefined;
  readonly ports: readonly number[];
  /** Where the servers behind it listen. */
  readonly serverPorts: readonly number[];
  readonly families: readonly Family[];
  /** Undefined where the listener is bound to all addresses. */
  readonly listenAddress: Address | undefined;
  readonly listenPort: number;
}

export type Family = 4 | 6;

export const families: readonly Family[] = [4, 6];

export const pinholes = (family: Family): string => `pinholes${family}`;
export const redirects = (family: Family): string => `redirects${family}`;
export const sources = (family: Family): string => `sources${family}`;
export const tries = (family: Family): string => `tries${family}`;

/**
 * Names of what holds those who may connect to such ports. Each engine has its own, so that none takes away what
 * sessions of another still need.
 */
export interface RangeSets {
  readonly peers: string;
  readonly redirects: string;
  readonly sources: string;
}

export function rangeSets(family: Family, { from, to }: PassiveRangePorts, engine: number): RangeSets {
  const name = (what: string): string => `${what}${family}_${from}_${to}_${engine}`;
  return { peers: name('opaque'), redirects: name('opaque_redirects'), sources: name('opaque_sources') };
}

/** Every range for every engine. */
export function rangesByEngine({
  passiveRanges,
  engines,
}: Pick<TablePlan, 'passiveRanges' | 'engines'>): { readonly range: PassiveRangePorts; readonly engine: number }[] {
  return passiveRanges.flatMap((range) => Array.from({ length: engines }, (_, engine) => ({ range, engine })));
}

/**
 * The bit of a flow's ct label that says: its peer has completed the handshake, and so has used its pinhole. A mark
 * could not say so, because the operator's rules let pass by it what is only being made, too.
 */
export const completedLabel = 111;

/**
 * The bit that says: let through for a session that is not read. Others between the same peers, at the same ports, have
 * come through a pinhole, and their own session ends them.
 */
export const opaqueLabel = 110;

/** Whether there are networks of this family to guard. */
export const guards = ({ guard }: TablePlan, family: Family): boolean => guard.some((one) => one.family === family);

export const guarded = (family: Family): string => `guarded${family}`;

/** On the table, so that we can tell ours from somebody else's of the same name. */
export const tableComment = 'Portcullis owns this table and writes it anew at each start';
