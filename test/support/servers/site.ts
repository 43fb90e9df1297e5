// What does each server's starter get to work with, and what does it give back? One login is the same wherever a server
// lets us choose it.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pair } from '../certificates.ts';
import type { Lab, LabEndpoint } from '../lab.ts';
import type { RunningProgram } from '../process.ts';

export interface ServerSite extends LabEndpoint {
  readonly lab: Lab;
  /** For its own settings and state. */
  readonly settings: string;
  /** The login's root folder. */
  readonly root: string;
  /** The network namespace in which it runs, by its name; the test's own where it is undefined. */
  readonly network: string | undefined;
  /** Logins and data under TLS only; undefined: without any. */
  readonly tls: ServerTlsSite | undefined;
  /** As `40000-40999`: where it listens for data; undefined: where it likes. */
  readonly passivePorts: string | undefined;
}

export interface ServerTlsSite {
  readonly pair: Pair;
  readonly mode: 'explicit' | 'implicit';
}

export interface StartedServer {
  readonly user: string;
  readonly password: string;
  readonly program: RunningProgram;
}

/** Debian's `nobody` and `nogroup`. */
export const unprivilegedId = 65_534;

export const testUser = 'tester';
export const testPassword = 'open-sesame';

/** crypt(3) of the password, SHA-512: the servers' own tools prefer hashes that take seconds of each login. */
export const testPasswordHash =
  '$6$portcullis$91GxA9Bp4QLeX.No2JOZcfFSVxHaGyNeAOIu8TkpoYdPwXyslIyUFO/GcqFf/htdh0nV6Mrbd6VmrQcBJG4aa/';

/** Some servers want certificate and key in one file. */
export async function bothInOne({ certificate, key }: Pair, folder: string): Promise<string> {
  const file = join(folder, 'both.pem');
  await writeFile(file, certificate + key, { mode: 0o600 });
  return file;
}
