// How much of the gateway may one client address have, and all of them together? Sessions, data connections and
// commands a second, counted across engines in the table that they share.

import type { Address } from '../address/endpoint.ts';
import { ClientTable } from './client-table.ts';

/** Bounds of one client address, over all its sessions. */
export interface ClientBounds {
  readonly sessionsMax: number;
  /** New connections a second, and as many at once; those beyond wait. */
  readonly connectionsPerSecond: number;
  /** Beyond it its sessions are not read until the second is over. */
  readonly commandsPerSecond: number;
  readonly waysMax: number;
}

export type TooMany = 'total' | 'client';

/** What one session has of the quota; to be given back once. */
export interface Place {
  /** How long it has to wait before it begins. */
  readonly waitMs: number;
  /** Tells client addresses apart; one number each while a session of it lives. */
  readonly client: number;
  takeWay(): boolean;
  giveWayBack(): void;
  /** `second` counts the seconds since 1970. */
  mayCommand(second: number): boolean;
  countCommand(second: number): void;
  /** It has to go for what it has sent, and its client's next sessions begin later. */
  charge(epochMs?: number): void;
  giveBack(): void;
}

// An address is remembered for a while after it has left, so that a storm does not begin anew with every connection.
const addressesPerSession = 2;
const addressesMin = 65_536;

/** Memory for the quota of all engines. */
export function newQuotaMemory(sessionsMax: number): SharedArrayBuffer {
  return ClientTable.create(Math.max(addressesMin, addressesPerSession * sessionsMax)).memory;
}

export class SessionQuota {
  private readonly table: ClientTable;

  constructor(memory: SharedArrayBuffer) {
    this.table = ClientTable.over(memory);
  }

  get total(): number {
    return this.table.sessions;
  }

  /** Counts one more session, or says which bound it would break. */
  admit(client: Address, totalMax: number, bounds: ClientBounds, epochMs = Date.now()): Place | TooMany {
    const { table } = this;
    if (table.addSessions(1) >= totalMax) {
      table.addSessions(-1);
      return 'total';
    }
    const entry = table.enter(client, bounds.sessionsMax);
    if (typeof entry === 'number') return new TablePlace(table, entry, bounds, epochMs);
    table.addSessions(-1);
    return entry === 'full' ? 'total' : 'client';
  }
}

class TablePlace implements Place {
  readonly waitMs: number;
  private readonly table: ClientTable;
  readonly client: number;
  private readonly bounds: ClientBounds;

  constructor(table: ClientTable, entry: number, bounds: ClientBounds, epochMs: number) {
    this.table = table;
    this.client = entry;
    this.bounds = bounds;
    this.waitMs = table.plan(entry, bounds.connectionsPerSecond, epochMs);
  }

  takeWay(): boolean {
    return this.table.takeWay(this.client, this.bounds.waysMax);
  }

  giveWayBack(): void {
    this.table.giveWayBack(this.client);
  }

  mayCommand(second: number): boolean {
    return this.table.commandsIn(this.client, second) < this.bounds.commandsPerSecond;
  }

  countCommand(second: number): void {
    this.table.countCommand(this.client, second);
  }

  charge(epochMs = Date.now()): void {
    this.table.charge(this.client, epochMs);
  }

  giveBack(): void {
    this.table.leave(this.client);
    this.table.addSessions(-1);
  }
}
