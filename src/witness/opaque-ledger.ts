// Which sessions of this engine are not read, because their peers speak TLS with one another, and what passes for them?
// Listed beside the data connections: whoever asks what is open must be told of these too.

import { type Address, printEndpoint } from '../address/endpoint.ts';
import type { SessionFacts } from '../control/witness.ts';
import type { WayEntry } from '../observe/way-entry.ts';
import type { PassiveRange } from '../session/opaque.ts';

interface Noted {
  readonly range: PassiveRange;
  readonly sinceMs: number;
}

export class OpaqueLedger {
  private readonly noted = new Map<SessionFacts, Noted>();
  private readonly clock: () => number;

  /** `clock`: milliseconds since 1970. */
  constructor(clock: () => number = Date.now) {
    this.clock = clock;
  }

  begun(facts: SessionFacts, range: PassiveRange): void {
    this.noted.set(facts, { range, sinceMs: this.clock() });
  }

  /** Whether it was one. */
  ended(facts: SessionFacts): boolean {
    return this.noted.delete(facts);
  }

  /** In no particular order. */
  list(): WayEntry[] {
    return [...this.noted].map(([facts, noted]) => entryOf(facts, noted));
  }
}

/** `50000-50999` */
export function printPorts({ from, to }: PassiveRange['ports']): string {
  return `${from}-${to}`;
}

// A session has one at most, and its ways are counted from 1.
function entryOf({ fields }: SessionFacts, { range, sinceMs }: Noted): WayEntry {
  const { session, listener, client, server } = fields;
  return {
    session,
    listener,
    client,
    server,
    way: 0,
    plane: 'kernel',
    asked: 'AUTH',
    toServer: 'AUTH',
    clientLeg: {
      mode: 'listen',
      local: printRange(range.announced, range),
      remote: null,
      admits: [range.client.text],
    },
    serverLeg: { mode: 'dial', local: range.source.text, remote: printRange(range.server, range), admits: [] },
    state: 'open',
    reason: null,
    openedAt: new Date(sinceMs).toISOString(),
    usedAt: null,
    endedAt: null,
    octetsToClient: null,
    octetsToServer: null,
  };
}

function printRange(address: Address, { ports }: PassiveRange): string {
  return `${printEndpoint({ address, port: ports.from })}-${ports.to}`;
}
