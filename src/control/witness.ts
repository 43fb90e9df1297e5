// Who is told what happens in sessions: the seam between carrying control connections and observing them.

import type { Endpoint } from '../address/endpoint.ts';
import type { SessionRecord } from '../session/action.ts';

/** What is the same for all records of one session. */
export interface SessionFacts {
  readonly id: string;
  readonly listener: string;
  readonly client: Endpoint;
  readonly server: Endpoint;
}

export type TurnedAway = 'total' | 'client';

export interface Witness {
  sessionStarted(facts: SessionFacts): void;
  sessionRecord(facts: SessionFacts, record: SessionRecord): void;
  /** After the last record: control connection and data connections are gone. */
  sessionOver(facts: SessionFacts): void;
  turnedAway(listener: string, client: Endpoint, why: TurnedAway): void;
  controlOctets(to: 'client' | 'server', octets: number): void;
  internalError(facts: SessionFacts | undefined, error: unknown): void;
}
