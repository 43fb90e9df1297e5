// Entries of the ledger for tests of what is made of them.

import type { WayEntry } from '../../../src/observe/way-entry.ts';

export function wayEntry(changes: Partial<WayEntry> = {}): WayEntry {
  return {
    session: '0-1',
    listener: 'front',
    client: '192.0.2.7:40000',
    server: '10.0.0.5:21',
    way: 1,
    plane: 'relay',
    asked: 'PASV',
    toServer: 'PASV',
    clientLeg: { mode: 'listen', local: '203.0.113.10:50000', remote: null, admits: ['192.0.2.7'] },
    serverLeg: { mode: 'dial', local: null, remote: '10.0.0.5:20020', admits: [] },
    state: 'open',
    reason: null,
    openedAt: '2026-01-02T03:04:05.000Z',
    usedAt: null,
    endedAt: null,
    octetsToClient: null,
    octetsToServer: null,
    ...changes,
  };
}
