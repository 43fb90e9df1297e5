// What do control legs, their queues, pumps and relay legs ask of a connection? One contract, whatever carries the
// octets: TCP, or TLS over it.
// Must not break: after an event the owner reads until `mayHaveMore` is false, and writes until a short count or
// WOULD_BLOCK; then, and only then, another event will tell. A connection that has failed never reads as ended.

import type { SysErrorCode } from './errno.ts';
import type { SocketAddress } from './socket-address.ts';
import type { SplicePipe } from './splice-pipe.ts';

/** Nothing to be had now; an event will tell. */
export const WOULD_BLOCK = -1;
/** The connection is broken; `failure` says why. */
export const FAILED = -2;

/** Octets in and out, in order. */
export interface Stream {
  readonly isOpen: boolean;
  /** Why the connection failed, once it has. */
  readonly failure: SysErrorCode | undefined;
  /** Whether another `receive` may give something without a further event. */
  readonly mayHaveMore: boolean;
  /** Takes in what the poller told of the connection (bits of `Ready`): what a short read means depends on it. */
  hear(events: number): void;
  /** After the first event of a dialled connection: did it come about? False leaves the reason in `failure`. */
  connected(): boolean;
  localAddress(): SocketAddress;
  /** Octets read (0: the peer has ended its direction), WOULD_BLOCK or FAILED. */
  receive(into: Uint8Array): number;
  /** Sends the first `length` octets: how many were taken, WOULD_BLOCK or FAILED. */
  send(from: Uint8Array, length?: number): number;
  /** As `send`, for the last octets before `endWriting` or `close`, which must follow. */
  sendBeforeEnd(from: Uint8Array, length: number): number;
  /** As `send`, of octets at an address outside of JavaScript's memory. */
  sendAt(address: bigint, length: number): number;
  /** Sends with the last octet marked urgent, where the carrier knows such a mark (RFC 959 §4.1.3). */
  sendUrgent(from: Uint8Array): number;
  endWriting(): void;
  close(): void;
  /** From now on every close but `closeCleanly` looks broken to the peer. */
  partWithReset(): void;
  closeCleanly(): void;
  reset(): void;
}

/** A stream that TLS protects, over another stream that carries it. */
export interface SecureStream extends Stream {
  /** Goes on with the handshake as far as what has come allows; to be called after every event until it is over. */
  handshake(): 'up' | 'under-way' | 'failed';
  /** Once the handshake is up. */
  readonly facts: SecureFacts;
  /** Why TLS has failed, in a sentence for people. */
  readonly failureText: string;
  /**
   * Takes leave: both ends say close_notify, and the carrier goes on in the clear (RFC 4217 §7). To be called after
   * every event until it is over.
   */
  leave(): 'gone' | 'under-way' | 'failed';
  readonly carrier: Stream;
  /** Once the leave has been taken: what came behind the peer's close_notify, which the carrier will not give again. */
  readonly behind: Uint8Array;
}

export interface SecureFacts {
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly version: string;
  /** OpenSSL's name of the cipher suite. */
  readonly cipher: string;
  readonly resumed: boolean;
  /** The subject of the peer's certificate; undefined where it showed none. */
  readonly peerSubject: string | undefined;
}

/** A stream whose octets can pass through the kernel without entering this process. */
export interface SpliceableStream extends Stream {
  spliceInto(pipe: SplicePipe): number;
  spliceFrom(pipe: SplicePipe, octets: number): number;
}
