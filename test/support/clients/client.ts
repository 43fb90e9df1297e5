// What can a test ask of any real client, and in which ways can a client set up its data connections?

import assert from 'node:assert/strict';

/**
 * How the data connection is asked for: `active` PORT, `passive` PASV (RFC 959), `extended` EPSV, `extended-active`
 * EPRT (RFC 2428).
 */
export type DataMode = 'active' | 'passive' | 'extended' | 'extended-active';

export const dataModes: readonly DataMode[] = ['active', 'passive', 'extended', 'extended-active'];

export const setupVerb: Readonly<Record<DataMode, string>> = {
  active: 'PORT',
  passive: 'PASV',
  extended: 'EPSV',
  'extended-active': 'EPRT',
};

/** Whom a client talks to, how, and where it keeps its files. */
export interface ClientTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly mode: DataMode;
  /** The client's working folder: all local names are seen from here. */
  readonly folder: string;
  /** The network namespace in which the client runs, by its name; the test's own where it is left out. */
  readonly network?: string | undefined;
  /** Undefined for clients that stay in the clear. */
  readonly tls?: ClientTlsTarget | undefined;
}

export interface ClientTlsTarget {
  readonly mode: 'explicit' | 'implicit';
  /** The file of the CA that vouches for the peer. */
  readonly ca: string;
  /** A name in the peer's certificate. */
  readonly name: string;
  /** The latest version that the client offers. */
  readonly version?: '1.2' | '1.3';
  /** CCC after the login; only ftplib here can. */
  readonly clearAfterLogin?: boolean;
}

export interface ClientRun {
  /** Undefined when a signal ended it; 0 for success. */
  readonly exitCode: number | undefined;
  /** All that it printed, its commands and the replies among that; octets as latin1. */
  readonly output: string;
}

interface PartialUpload {
  /** The local file with all octets. */
  readonly whole: string;
  /** The local file with those that the server lacks. */
  readonly tail: string;
  /** How many octets the server has. */
  readonly offset: number;
  /** The path on the server. */
  readonly remote: string;
}

/** An operation that a client does not have is undefined. Remote paths are relative to the login folder. */
export interface RealClient {
  readonly name: string;
  /** Its modes on IPv4, and in one sentence why the others are missing. */
  readonly modes: readonly DataMode[];
  readonly otherModes: string;
  /** Its modes on IPv6, where only the extended ones exist (RFC 2428 §1). */
  readonly ipv6Modes: readonly DataMode[];
  /** Matches each set-up command that the output shows as sent; the verb is the first group. */
  readonly sentSetup: RegExp;
  download(target: ClientTarget, remote: string, local: string): Promise<ClientRun>;
  readonly upload: ((target: ClientTarget, local: string, remote: string) => Promise<ClientRun>) | undefined;
  /** The local file, named like the remote one, holds its beginning. */
  readonly resumeDownload: ((target: ClientTarget, remote: string, local: string) => Promise<ClientRun>) | undefined;
  readonly finishUpload: ((target: ClientTarget, partial: PartialUpload) => Promise<ClientRun>) | undefined;
  /** The output holds the names. */
  list(target: ClientTarget, remote: string): Promise<ClientRun>;
  /** Fetches f000, f001 … f(count-1) of a remote folder into a local folder that exists, in one session or a few. */
  fetchMany(target: ClientTarget, remote: string, local: string, count: number): Promise<ClientRun>;
}

/** The set-up commands that a client sent in one run, in order and in capitals. */
export function sentSetups(client: RealClient, run: ClientRun): string[] {
  return [...run.output.matchAll(client.sentSetup)].map((found) => found[1] ?? '');
}

/** The client reports success, and it was the set-up command of this mode with which it worked. */
export function assertSucceeded(client: RealClient, mode: DataMode, run: ClientRun): void {
  assert.equal(run.exitCode, 0, run.output);
  assert.deepEqual([...new Set(sentSetups(client, run))], [setupVerb[mode]], run.output);
}

/** `host:port` as it stands in a URL. */
export function authority({ host, port }: ClientTarget): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The names of `count` small files: f000, f001 … */
export function smallFileNames(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `f${String(at).padStart(3, '0')}`);
}
