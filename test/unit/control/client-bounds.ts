// Bounds of a client address that never bind, for tests that are about one of them.

import type { ClientBounds } from '../../../src/control/session-quota.ts';

export const boundless: ClientBounds = {
  sessionsMax: 1_000_000,
  connectionsPerSecond: 1_000_000,
  commandsPerSecond: 1_000_000,
  waysMax: 1_000_000,
};
