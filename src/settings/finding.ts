// What the checks between keys read, and what they tell.
// What could not be read is undefined, so that no check judges it.

import type { Address, Endpoint } from '../address/endpoint.ts';
import type { Network } from '../address/network.ts';
import type { Published } from '../policy/destination.ts';
import type { Path } from '../yaml/problem.ts';
import type { PortRange } from './port-range.ts';
import type { ClientTlsFile, ServerTlsFile } from './tls-schema.ts';

export interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** Tells of a key of one listener, by its path there. */
export type Find = (path: Path, message: string) => void;

/** What could be read of a settings file, defaults filled in where a key is left out; absent where a key is wrong. */
export interface ReadableSettings {
  readonly listeners: readonly ReadableListener[];
  readonly admin: Endpoint | undefined;
  readonly sessionsMax: number | undefined;
  readonly perClientMax: number | undefined;
  /** Absent where the file has no such section. */
  readonly kernel: ReadableKernel | undefined;
}

export interface ReadableListener {
  readonly name: string | undefined;
  readonly mode: 'reverse' | 'transparent' | undefined;
  readonly listen: Endpoint | undefined;
  readonly upstream: Endpoint | undefined;
  readonly advertiseFamily: 4 | 6 | undefined;
  readonly advertiseToServerFamily: 4 | 6 | undefined;
  readonly dataPorts: readonly PortRange[];
  readonly dataPath: 'relay' | 'kernel' | 'auto' | undefined;
  readonly tls: ReadableTls;
  readonly transparent: ReadableTransparent | undefined;
}

/** Of either leg the keys that could be read; a section that is left out has mode off. */
export interface ReadableTls {
  readonly client: Readonly<Partial<ClientTlsFile>>;
  readonly server: Readonly<Partial<ServerTlsFile>>;
}

/** What could be read of the keys that only a transparent listener has. */
export interface ReadableTransparent {
  readonly intercept: { readonly ports: readonly number[]; readonly interface: string | undefined } | undefined;
  readonly clients: readonly Network[] | undefined;
  readonly servers: readonly Network[] | undefined;
  /** Undefined in the place of an entry that is wrong. */
  readonly publish: readonly (Published | undefined)[];
  readonly source: 'client' | 'gateway' | Address | undefined;
}

export interface ReadableKernel {
  readonly divertMark: number | undefined;
  readonly dataMark: number | undefined;
  readonly serverMark: number | undefined;
}
