// What an operator says of TLS, as the rest of the program sees it: modes, certificates and keys as text, whom to
// trust.
// Plain data: it crosses to the engines' threads. Keys are in it; hidden-key.ts keeps them out of what is printed.

import type { Place } from '../yaml/problem.ts';
import type { PortRange } from './port-range.ts';

export interface ListenerTls {
  readonly client: ClientTls;
  readonly server: ServerTls;
}

/** Towards clients. */
export type ClientTls = { readonly mode: 'off' } | TerminatedClientTls | PassedClientTls;

/** Between client and server; the gateway has no part in it. */
interface PassedClientTls {
  readonly mode: 'pass-through';
  /** Where servers listen for data connections. */
  readonly passivePorts: PortRange;
}

export function isTerminated(client: ClientTls): client is TerminatedClientTls {
  return client.mode !== 'off' && client.mode !== 'pass-through';
}

export interface TerminatedClientTls {
  readonly mode: 'optional' | 'required' | 'implicit';
  /** The first is for clients that ask for no name, or for one that is in none of them. */
  readonly certificates: readonly [CertificatePair, ...CertificatePair[]];
  /** Whether a data connection has to go on from the TLS session of its control connection. */
  readonly requireReuse: boolean;
  /** Certificates (PEM) by which those of clients are judged; undefined: they are not asked for one. */
  readonly clientCa: string | undefined;
  readonly clientCertificate: 'optional' | 'required';
  /** Whether an upload that ends without close_notify is complete all the same. */
  readonly acceptTruncation: boolean;
  /** Whether clients may end the protection of their control connection (CCC). */
  readonly clearCommandChannel: boolean;
}

/** Towards servers. */
export type ServerTls = { readonly mode: 'off' } | ProtectedServerTls;

export interface ProtectedServerTls {
  readonly mode: 'required' | 'match-client' | 'implicit';
  /** Certificates (PEM) by which the server's is judged; undefined: it is not judged by a CA. */
  readonly ca: string | undefined;
  /** What its certificate has to name; undefined: the address of the server. A host name is sent to it too (SNI). */
  readonly name: string | undefined;
  /** SHA-256 of its certificate, in lower case hexadecimal; undefined: any certificate that the CA vouches for. */
  readonly fingerprint: string | undefined;
  readonly acceptTruncation: boolean;
}

export interface CertificatePair {
  /** PEM: the certificate, and behind it those that lead to a root. */
  readonly certificate: string;
  /** PEM, without a passphrase. */
  readonly key: string;
  /** In one line, as `CN=ftp.example.org, O=Example`. */
  readonly subject: string;
  /** DNS names and addresses of it, in lower case; `*.example.org` may be among them. */
  readonly names: readonly string[];
  readonly notAfterMs: number;
  /** SHA-256 of the certificate, in lower case hexadecimal. */
  readonly fingerprint: string;
}

/** From where the texts of one listener come, so that they can be read again without its settings file. */
export interface TlsSources {
  readonly pairs: readonly { readonly certificate: NamedFile; readonly key: NamedFile }[];
  readonly clientCa: NamedFile | undefined;
  /** `system`: what the administrators of this machine trust. */
  readonly ca: NamedFile | 'system' | undefined;
  /** Where the settings say that the server's certificate is not judged. */
  readonly unverified: NamedPlace | undefined;
}

/** A value in the settings file. */
export interface NamedPlace extends Place {
  /** The settings file, as the operator gave it. */
  readonly file: string;
  /** `listeners[0].tls.client.certificate` */
  readonly key: string;
}

export interface NamedFile extends NamedPlace {
  /** As it can be opened from here. */
  readonly path: string;
}
