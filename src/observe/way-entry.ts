// What is told of one data connection that is expected, flows or has ended? Plain data: it crosses from an engine's
// thread and leaves as JSON at /pinholes, a public face like the audit line. Every field is always there, null where it
// is not known or has not happened; endpoints are printed, times are ISO 8601 in UTC. Octets are known once the data
// path has told the end.

import { type planes, wayOutcomes } from '../session/record-words.ts';

/**
 * `open`: announced, and nobody has connected yet. `used`: data flows. Each of the others ended the data connection.
 */
export const wayStates = ['open', ...wayOutcomes] as const;

export type WayState = (typeof wayStates)[number];

export interface WayEntry {
  readonly session: string;
  readonly listener: string;
  /** The other ends of the control connection's two legs. */
  readonly client: string;
  readonly server: string;
  /** Unique in the session; log lines and audit records have the same. */
  readonly way: number;
  readonly plane: (typeof planes)[number];
  /** What the client said (PASV, EPSV, PORT, EPRT), and what the server was asked for it. */
  readonly asked: string;
  readonly toServer: string;
  readonly clientLeg: WayLeg;
  readonly serverLeg: WayLeg;
  readonly state: WayState;
  /** In words, for people; not stable. */
  readonly reason: string | null;
  readonly openedAt: string;
  readonly usedAt: string | null;
  readonly endedAt: string | null;
  readonly octetsToClient: number | null;
  readonly octetsToServer: number | null;
}

/** One leg: the gateway, or the kernel in its name, listens for the peer or dials it. */
export interface WayLeg {
  readonly mode: 'listen' | 'dial';
  /** The gateway's end: with its port where it listens; a dialling leg's address, null where the routes choose it. */
  readonly local: string | null;
  /** The peer's end: who is dialled; where the gateway listens who had come, known at the end. */
  readonly remote: string | null;
  /** Who alone may connect to a listening leg; empty for one that dials. */
  readonly admits: readonly string[];
}

/** What all engines told. */
export interface WayListing {
  /** Newest first. */
  readonly ways: readonly WayEntry[];
  /** How many engines did not answer: their data connections are not listed. */
  readonly missingEngines: number;
}
