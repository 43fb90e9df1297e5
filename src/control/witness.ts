// Who is told what happens in sessions: the seam between carrying control connections and observing them.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import type { Refused } from '../policy/destination.ts';
import type { SessionRecord } from '../session/action.ts';

/** What is the same for all records of one session. */
export interface SessionFacts {
  readonly id: string;
  readonly listener: string;
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** The same as its log lines carry it: printed once for all of them. */
  readonly fields: SessionFields;
}

interface SessionFields {
  readonly session: string;
  readonly listener: string;
  readonly client: string;
  readonly server: string;
}

/** The facts of a session that begins. */
export function sessionFacts(id: string, listener: string, client: Endpoint, server: Endpoint): SessionFacts {
  const fields = { session: id, listener, client: printEndpoint(client), server: printEndpoint(server) };
  return { id, listener, client, server, fields };
}

/**
 * A bound of the gateway or of one client address is reached, this client does not get to this server through here, or
 * it is too late.
 */
export type TurnedAway = 'total' | 'client' | 'draining' | Refused;

export interface Witness {
  sessionStarted(facts: SessionFacts): void;
  sessionRecord(facts: SessionFacts, record: SessionRecord): void;
  /** After the last record: control connection and data connections are gone. */
  sessionOver(facts: SessionFacts): void;
  turnedAway(listener: string, client: Endpoint, dialled: Endpoint, why: TurnedAway, reason: string | undefined): void;
  controlOctets(to: 'client' | 'server', octets: number): void;
  internalError(facts: SessionFacts | undefined, error: unknown): void;
}
