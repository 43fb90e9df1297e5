// Which FTP servers stand ready? What a target rewrites decides which of them it needs.

import { addresses } from './lab.ts';

/** What the backend announces to clients of a target: the target's rewriting decides which backend it needs. */
export const backends = {
  // 1,000 ports each: a port rests for 1,000 transfers before it is used again, and a pool of this size stays cheap.
  plain: { port: 21, advertise: addresses.server, ports: '20000-20999' },
  // For a relay that does not read FTP: the announced address and ports are the relay's own.
  behindRelay: { port: 2121, advertise: addresses.gateway, ports: '30000-30999' },
} as const;

/** For those who attack: who waits for a server that they keep busy does not wait for the gateway. */
export const attackedBackend = {
  port: 2222,
  advertise: addresses.server,
  ports: '31000-31999',
  priority: 'idle',
} as const;
