// The contract of everything that can carry data connections, in the kernel or in this process.
//
// open() is synchronous: when it returns ports, the way exists and the line that names it may leave.
// A listening leg takes exactly one connection, from a peer that its leg admits; every other one is refused, reported
// as a stranger, and does not use up the way. Ports are returned exactly once. Every way that was opened and not closed
// by its owner reports `ended` exactly once; after close() it reports nothing more.
// A stream ends cleanly on one leg only if it ended cleanly on the other: a reset or a time-out of one is a reset of
// both. (A peer that resets after its own clean end, and to which nothing was ever sent, has only closed impatiently.)
// Reports never arrive during a call into the path, so that the owner's order of things is its own.

import type { Endpoint } from '../address/endpoint.ts';
import type { Result } from '../result.ts';
import type { DataResult, Expectation, OpenedPorts, Plane, Side, WayNews } from '../session/expectation.ts';
import type { SecureStream, Stream } from '../sys/stream.ts';

export interface DataPath {
  open(expectation: Expectation, owner: WayOwner): Opening;
}

interface Opened {
  readonly plane: Plane;
  readonly ports: OpenedPorts;
  readonly way: OpenWay;
}

/** Why a way cannot be opened, for people; `cause` where it is for want of a port. */
export interface Unopened {
  readonly cause?: 'no-data-port' | 'client-share';
  readonly text: string;
}

/** A way that is open, or why there is none. */
export type Opening = Result<Opened, Unopened>;

/** Makes the protected stream of a leg that is connected; undefined for a leg in the clear. */
export type Securing = (carrier: Stream) => SecureStream;

/** A way as its session holds it. */
export interface OpenWay {
  /** Dials that leg now; its expectation says where to. */
  dial(side: Side): void;
  /**
   * The server is at work on a transfer that uses it: until told otherwise it is neither unused nor idle from now on.
   */
  keep(): void;
  /**
   * What has become of it and was not reported, nor will be: at once, for a session that is going to judge by it.
   * Nothing of a way that is over, and nothing where the path hears of everything as it happens.
   */
  look(): readonly WayNews[];
  /**
   * The server has said its last word of the transfer. Once one peer has ended its direction too and the other sends
   * nothing for a moment, the way ends as completed: a peer that leaves its half open must not keep a port.
   */
  conclude(): void;
  /**
   * Settles which legs are put under TLS before anything moves, where the expectation leaves that open; once. A way
   * that is over, or whose legs are settled, is left as it is.
   */
  protect(legs: Readonly<Record<Side, Securing | undefined>>): void;
  /** Ends the way whatever its state; octets under way are lost and both peers see a reset. */
  close(): void;
}

/** How long a concluded transfer waits for the second end: longer than a lost FIN takes to be sent again. */
export const leftOpenMs = 5_000;

export const noNews: readonly WayNews[] = [];

/** Who is told how a way fares. */
export interface WayOwner {
  /** Against whose share of the data ports the way counts: a number for each client address. */
  readonly holder: number;
  /** One leg is there, and the other is not yet. */
  onArrived(way: number, side: Side): void;
  onStranger(way: number, side: Side, peer: Endpoint): void;
  onJoined(way: number): void;
  onEnded(way: number, result: DataResult): void;
}
