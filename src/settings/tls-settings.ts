// What an operator says of TLS, as the rest of the program sees it: modes, certificates and keys as text, whom to trust.
// Plain data: it crosses to the engines' threads. Keys are in it, so it is never printed nor logged.

export interface ListenerTls {
  readonly client: ClientTls;
  readonly server: ServerTls;
}

/** Towards clients. */
export type ClientTls = { readonly mode: 'off' } | TerminatedClientTls;

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
  /** What its certificate has to name; undefined: the address of the server. */
  readonly name: string | undefined;
  /** SHA-256 of its certificate, in lower case hexadecimal; undefined: any certificate that the CA vouches for. */
  readonly fingerprint: string | undefined;
  readonly acceptTruncation: boolean;
}

export interface CertificatePair {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly subject: string;
  /** DNS names of it, in lower case; `*.example.org` may be among them. */
  readonly names: readonly string[];
  readonly notAfterMs: number;
}
