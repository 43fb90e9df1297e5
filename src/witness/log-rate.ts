// How many lines may one client cause in the log, over all its sessions and for whatever cause? A budget of a session
// does not bind somebody who opens a new one for each: whoever may connect a thousand times a second could fill the
// disk. Counts are not affected, only lines.

import { type Address, octetsOfClient } from '../address/endpoint.ts';

/** At once: an honest client that does everything wrong is told in full. */
const burst = 500;
/** Afterwards: as many as are read by somebody who looks on. */
const perSecond = 20;
/** Beyond it the address that came first is forgotten, and may begin anew. */
const clientsMax = 4096;

interface Client {
  left: number;
  atMs: number;
  unwritten: number;
}

export class LogRate {
  private readonly clients = new Map<string, Client>();

  /** How many lines of this client were not written since its last one; undefined where this one may not be either. */
  take(address: Address, nowMs: number): number | undefined {
    const client = this.clientOf(octetsOfClient(address).join(), nowMs);
    client.left = Math.min(burst, client.left + ((nowMs - client.atMs) * perSecond) / 1000);
    client.atMs = nowMs;
    if (client.left < 1) {
      client.unwritten += 1;
      return undefined;
    }
    client.left -= 1;
    const { unwritten } = client;
    client.unwritten = 0;
    return unwritten;
  }

  private clientOf(key: string, nowMs: number): Client {
    const known = this.clients.get(key);
    if (known !== undefined) return known;
    const first = this.clients.size < clientsMax ? undefined : this.clients.keys().next().value;
    if (first !== undefined) this.clients.delete(first);
    const client = { left: burst, atMs: nowMs, unwritten: 0 };
    this.clients.set(key, client);
    return client;
  }
}
