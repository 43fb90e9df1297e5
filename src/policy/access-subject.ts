// One command of a client, as the access rules see it: facts, and what is not known of it.

import type { Address } from '../address/endpoint.ts';
import type { Segments } from './path-pattern.ts';

export interface AccessSubject {
  readonly listener: string;
  readonly client: Address;
  readonly server: Address;
  /** Who is in, or is about to log in; undefined where nobody has said who he is. */
  readonly user: string | undefined;
  /** `unclear`: the server has not answered the login yet. */
  readonly login: 'in' | 'out' | 'unclear';
  readonly clientTls: boolean;
  readonly serverTls: boolean;
  /** Subject of the client's certificate. */
  readonly certificate: string | undefined;
  /** In upper case. */
  readonly verb: string;
  readonly groups: readonly string[];
  /** The command behind SITE, in upper case. */
  readonly site: string | undefined;
  /** As text; of 512 characters at most. */
  readonly argument: string;
  readonly argumentOctets: number;
  readonly paths: SubjectPaths;
  readonly direction: string | undefined;
  /** Of the data connection that it asks for or is going to use. */
  readonly mode: 'active' | 'passive' | undefined;
  /** Milliseconds since 1970. */
  readonly epochMs: number;
}

/**
 * What the command names. Each file or folder has one reading or several: servers do not read every name alike
 * (character sets, backslashes). RNTO names two, what is renamed and what it is to be called.
 */
export type SubjectPaths =
  | { readonly kind: 'none' }
  | { readonly kind: 'unclear'; readonly reason: string }
  | { readonly kind: 'known'; readonly readings: readonly (readonly Segments[])[] };
