// Which data connections of this engine are expected or flow, who asked for them, and what became of the last ones? For
// an administrator who asks now and then, so what happens is only noted, by reference, and texts are made when it is
// read: some thousand transfers a second pass here. Bounded: what lives is bounded by the sessions, what has ended by a
// ring.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import type { SessionFacts } from '../control/witness.ts';
import type { WayEntry, WayLeg, WayState } from '../observe/way-entry.ts';
import type { SessionRecord } from '../session/action.ts';
import type { DataLeg } from '../session/expectation.ts';

type Opened = Extract<SessionRecord, { kind: 'way-opened' }>;
type Change = Extract<SessionRecord, { kind: 'way' }>;

/** Enough for what happened in the last minutes of a quiet night; a busy gateway has its audit log. */
const endedWaysMax = 256;

interface Noted {
  readonly facts: SessionFacts;
  readonly opened: Opened;
  readonly openedMs: number;
  usedMs: number | undefined;
  endedMs: number | undefined;
  state: WayState;
  reason: string | undefined;
  octetsToClient: number | undefined;
  octetsToServer: number | undefined;
  clientPeer: Endpoint | undefined;
  serverPeer: Endpoint | undefined;
}

export class WayLedger {
  /** A session has few ways at once, so its own are found by looking at each. */
  private readonly live = new Map<SessionFacts, Noted[]>();
  private readonly ended: (Noted | undefined)[] = new Array<undefined>(endedWaysMax).fill(undefined);
  private nextEnded = 0;
  private readonly clock: () => number;

  /** `clock`: milliseconds since 1970. */
  constructor(clock: () => number = Date.now) {
    this.clock = clock;
  }

  opened(facts: SessionFacts, record: Opened): void {
    const noted: Noted = {
      facts,
      opened: record,
      openedMs: this.clock(),
      usedMs: undefined,
      endedMs: undefined,
      state: 'open',
      reason: undefined,
      octetsToClient: undefined,
      octetsToServer: undefined,
      clientPeer: undefined,
      serverPeer: undefined,
    };
    const own = this.live.get(facts);
    if (own === undefined) this.live.set(facts, [noted]);
    else own.push(noted);
  }

  changed(facts: SessionFacts, record: Change): void {
    const own = this.live.get(facts);
    const index = own?.findIndex(({ opened }) => opened.way === record.way) ?? -1;
    const noted = own?.[index];
    if (own === undefined || noted === undefined) return;
    noted.state = record.outcome;
    if (record.outcome === 'used') {
      noted.usedMs = this.clock();
      return;
    }
    // The last takes the place of the one that leaves; nearly always it is the same.
    own[index] = own.at(-1)!;
    own.pop();
    noted.reason = record.reason;
    this.keep(noted, record);
  }

  /** A session that ended as it should has no ways left; one that an error of ours ended may. */
  sessionOver(facts: SessionFacts): void {
    for (const noted of this.live.get(facts) ?? []) {
      noted.state = 'session-closed';
      noted.reason = 'the session ended by an internal error';
      this.keep(noted, undefined);
    }
    this.live.delete(facts);
  }

  /** In no particular order. */
  list(): WayEntry[] {
    const entries: WayEntry[] = [];
    for (const own of this.live.values()) for (const noted of own) entries.push(entryOf(noted));
    for (const noted of this.ended) if (noted !== undefined) entries.push(entryOf(noted));
    return entries;
  }

  private keep(noted: Noted, record: Change | undefined): void {
    noted.endedMs = this.clock();
    const result = record?.result;
    noted.octetsToClient = result?.octetsToClient;
    noted.octetsToServer = result?.octetsToServer;
    noted.clientPeer = result?.clientPeer;
    noted.serverPeer = result?.serverPeer;
    this.ended[this.nextEnded] = noted;
    this.nextEnded = (this.nextEnded + 1) % endedWaysMax;
  }
}

function entryOf(noted: Noted): WayEntry {
  const { session, listener, client, server } = noted.facts.fields;
  const { way, plane, asked, toServer, expectation, ports } = noted.opened;
  return {
    session,
    listener,
    client,
    server,
    way,
    plane,
    asked,
    toServer,
    clientLeg: legOf(expectation.client, ports.client, noted.clientPeer),
    serverLeg: legOf(expectation.server, ports.server, noted.serverPeer),
    state: noted.state,
    reason: noted.reason ?? null,
    openedAt: isoTime(noted.openedMs),
    usedAt: noted.usedMs === undefined ? null : isoTime(noted.usedMs),
    endedAt: noted.endedMs === undefined ? null : isoTime(noted.endedMs),
    octetsToClient: noted.octetsToClient ?? null,
    octetsToServer: noted.octetsToServer ?? null,
  };
}

function legOf(leg: DataLeg, port: number | undefined, peer: Endpoint | undefined): WayLeg {
  if (leg.mode === 'dial') {
    return { mode: 'dial', local: dialledFrom(leg), remote: printEndpoint(leg.remote), admits: [] };
  }
  return {
    mode: 'listen',
    local: port === undefined ? leg.local.text : printEndpoint({ address: leg.local, port }),
    remote: peer === undefined ? null : printEndpoint(peer),
    admits: [leg.admits.text, ...leg.admitsToo.map(({ text }) => text)],
  };
}

function dialledFrom({ local, sourcePort }: Extract<DataLeg, { mode: 'dial' }>): string | null {
  if (local === undefined) return null;
  return sourcePort === undefined ? local.text : printEndpoint({ address: local, port: sourcePort });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
