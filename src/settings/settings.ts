// What an operator configures, as the rest of the program sees it: complete, checked, defaults filled in.
// load-settings.ts makes it from YAML. It is plain data, so that it crosses to the engines' threads unchanged.

import type { Address, Endpoint } from '../address/endpoint.ts';
import type { Ruleset } from '../policy/ruleset.ts';
import type { Limits } from '../session/limits.ts';

export interface Settings {
  readonly listeners: readonly ListenerSettings[];
  readonly rules: Ruleset;
  readonly admin: { readonly listen: Endpoint } | undefined;
  readonly log: { readonly level: LogLevel };
  readonly engines: number;
  readonly sessions: SessionSettings;
  readonly limits: Limits;
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface SessionSettings {
  /** Control connections at once, over all engines and listeners. */
  readonly totalMax: number;
  /** Control connections at once from one client address. */
  readonly perClientMax: number;
  /** How long SIGTERM waits for transfers before the remaining sessions get 421. */
  readonly drainTimeoutMs: number;
}

export interface ListenerSettings {
  readonly name: string;
  readonly mode: 'reverse';
  readonly listen: Endpoint;
  readonly upstream: Endpoint;
  /** Address written into 227 towards the client; without it the local address of the client's control connection. */
  readonly advertise: Address | undefined;
  /** Address written into PORT and EPRT towards the server; without it the local address of the server leg. */
  readonly advertiseToServer: Address | undefined;
  readonly dataPath: 'relay';
  readonly dataPorts: readonly PortRange[];
  readonly serverMode: 'as-client' | 'passive' | 'active';
  /** Source port of data connections that the gateway dials to clients (RFC 959 §5.2: L-1, by the book 20). */
  readonly activeSourcePort: number | undefined;
}

/** Both ends belong to the range. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}
