// Which keys may a settings file have, and which values may they take? deploy/*.yaml explain each to operators.
// Must not break: every number has bounds, so that no slip of the pen makes the gateway refuse all or bound nothing.

import type { z } from 'zod';
import { parsed, unreadable } from '../address/parsed.ts';
import { list, oneOf, section, sectionOr, text, wholeNumber, wordOrNumber } from '../yaml/schema-parts.ts';
import { hostName } from './host-name.ts';
import { kernelSchema } from './kernel-schema.ts';
import { listenerSchema } from './listener-schema.ts';
import { duration, size } from './quantity.ts';
import { logLevels } from './settings.ts';
import { listenEndpoint } from './usable-address.ts';

const sessionsSchema = section({
  // A process may have a million descriptors (fs.nr_open), and a session needs two at least.
  max: wholeNumber(1, 500_000).optional(),
  perClient: wholeNumber(1, 500_000).optional(),
  connectionsPerSecond: wholeNumber(1, 1_000_000).optional(),
  commandsPerSecond: wholeNumber(1, 10_000_000).optional(),
  waysPerClient: wholeNumber(1, 500_000).optional(),
  dataPortsPerClient: wholeNumber(1, 65_535).optional(),
  drainTimeout: duration('0s', '24h').optional(),
});

// Lower bounds keep slow but honest peers working; a day is the longest that anybody waits on purpose.
const limitsSchema = section({
  // A file name has up to 255 octets, each of which a client may have to double (RFC 854: IAC IAC); 512 holds most.
  line: size('512B', '64KiB').optional(),
  replyLines: wholeNumber(100, 1_000_000).optional(),
  replySize: size('4KiB', '64MiB').optional(),
  commandsInFlight: wholeNumber(1, 1024).optional(),
  connectTimeout: duration('1s', '5m').optional(),
  greetingTimeout: duration('1s', '10m').optional(),
  tlsHandshakeTimeout: duration('1s', '2m').optional(),
  loginTimeout: duration('1s', '1h').optional(),
  idleTimeout: duration('1s', '24h').optional(),
  expectationTimeout: duration('1s', '10m').optional(),
  dataIdleTimeout: duration('1s', '24h').optional(),
  holdTimeout: duration('100ms', '1m').optional(),
  farewellTimeout: duration('1s', '10m').optional(),
  waysPerSession: wholeNumber(1, 64).optional(),
  commandsPerSecond: wholeNumber(10, 1_000_000).optional(),
  commandBurst: wholeNumber(200, 1_000_000).optional(),
  refusedCommands: wholeNumber(10, 100_000).optional(),
});

export const settingsSchema = section({
  listeners: list(listenerSchema, 'listeners', 1),
  rules: text('the path of a rules file', (value) =>
    value === '' ? unreadable('expected the path of a rules file') : parsed(value),
  ).optional(),
  admin: sectionOr(
    'off',
    section({ listen: listenEndpoint, hosts: list(hostName, 'host names').optional() }),
  ).optional(),
  log: section({ level: oneOf(logLevels).optional() }).optional(),
  // Threads beyond the processors only wait for one another; 64 is the largest machine that anybody gives to this.
  engines: wordOrNumber('auto', 1, 64).optional(),
  sessions: sessionsSchema.optional(),
  limits: limitsSchema.optional(),
  kernel: kernelSchema.optional(),
});

export type SettingsFile = z.output<typeof settingsSchema>;
