// How far are the legs of a session protected, and what has been agreed of its data connections?
// RFC 4217 (FTP over TLS), RFC 2228 §3 (AUTH, PBSZ, PROT, CCC).

import type { Side } from './expectation.ts';

/** What a listener demands and offers; settled before the first octet. */
export interface TlsTerms {
  /**
   * `optional`: AUTH TLS is offered. `required`: it comes before USER. `implicit`: TLS begins with the connection.
   * `pass-through`: it is the server's to offer, and what follows is between it and its client (opaque.ts).
   */
  readonly client: 'off' | 'optional' | 'required' | 'implicit' | 'pass-through';
  /** `match-client`: the server leg is protected as the client's is. */
  readonly server: 'off' | 'required' | 'match-client' | 'implicit';
  /** Whether CCC may end the protection of the client's control leg. */
  readonly clearCommandChannel: boolean;
  /** With `pass-through`, and only then: where servers listen for data connections. */
  readonly passivePorts: PassivePorts | undefined;
}

/** Both ends are among them. */
export interface PassivePorts {
  readonly from: number;
  readonly to: number;
}

/** PROT C or PROT P (RFC 2228 §3); the two levels between have no meaning under TLS (RFC 4217 §9). */
export type Protection = 'clear' | 'private';

export interface Security {
  /** `cleared`: it was protected until CCC. */
  readonly client: 'clear' | 'tls' | 'cleared';
  readonly server: 'clear' | 'tls';
  /** RFC 2228 §3: PROT is refused before PBSZ. */
  readonly protectionBuffer: 'unset' | 'set';
  readonly clientData: Protection;
  readonly serverData: Protection;
  /** Subject of the certificate that the client has shown. */
  readonly clientCertificate: string | undefined;
}

export const unprotected: Security = {
  client: 'clear',
  server: 'clear',
  protectionBuffer: 'unset',
  clientData: 'clear',
  serverData: 'clear',
  clientCertificate: undefined,
};

/**
 * What AUTH may name, and what it implies of data connections: RFC 4217 §2 has `TLS` and `TLS-C`, its drafts had the
 * two others.
 */
export const impliedProtection = { TLS: 'clear', 'TLS-C': 'clear', SSL: 'private', 'TLS-P': 'private' } as const;

export type Mechanism = keyof typeof impliedProtection;

export function isMechanism(text: string): text is Mechanism {
  return Object.hasOwn(impliedProtection, text);
}

/** What is known of a leg once its handshake is done. */
export interface TlsFacts {
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly version: string;
  /** OpenSSL's name of the cipher suite. */
  readonly cipher: string;
  readonly resumed: boolean;
  /** The subject of the peer's certificate; undefined where it showed none. */
  readonly peerSubject: string | undefined;
}

/** What comes after a handshake; `client-handshake`: the server's came first because the client has asked for both. */
export type AfterHandshake =
  | { readonly kind: 'dial' }
  | { readonly kind: 'greeting' }
  | { readonly kind: 'commands' }
  | { readonly kind: 'client-handshake'; readonly mechanism: Mechanism };

/** The phases in which a leg goes from one protection to the other; nothing of the client's is taken meanwhile. */
export type SecurityPhase =
  /** The server has been asked AUTH, of the gateway's own accord (`greeting`) or because its client did. */
  | { readonly kind: 'expect-auth-reply'; readonly sinceMs: number; readonly next: AfterHandshake }
  | { readonly kind: 'expect-handshake'; readonly leg: Side; readonly sinceMs: number; readonly next: AfterHandshake }
  /** CCC: both ends take leave of TLS (RFC 4217 §7). */
  | { readonly kind: 'expect-clear'; readonly sinceMs: number };
