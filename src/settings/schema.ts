// Which keys may a settings file have, and which values may they take? deploy/reverse.yaml explains each to operators.
// Must not break: every number has bounds, so that no slip of the pen makes the gateway refuse all or bound nothing.

import type { z } from 'zod';
import { parsed, unreadable } from '../address/parsed.ts';
import { list, oneOf, section, sectionOr, text, wholeNumber, wordOrNumber } from '../policy/schema-parts.ts';
import { portRanges } from './port-ranges.ts';
import { duration, size } from './quantity.ts';
import { listenEndpoint, remoteEndpoint, toldAddress } from './usable-address.ts';

// Names become labels of metrics and fields of log lines, where blanks and quotes are a nuisance.
const listenerName = text('a name (in quotes where it is a number)', (value) =>
  /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(value)
    ? parsed(value)
    : unreadable('expected a name of up to 32 letters, digits, - and _'),
);

const kernelPath = 'expected relay, the only data path that is available in this version';

export const listenerSchema = section({
  name: listenerName,
  mode: oneOf(['reverse'], {
    transparent: 'expected reverse; transparent is not available in this version',
  }),
  listen: listenEndpoint,
  upstream: remoteEndpoint,
  advertise: toldAddress.optional(),
  advertiseToServer: toldAddress.optional(),
  dataPath: oneOf(['relay'], { kernel: kernelPath, auto: kernelPath }).optional(),
  dataPorts: portRanges.optional(),
  serverMode: oneOf(['as-client', 'passive', 'active']).optional(),
  activeSourcePort: wholeNumber(1, 65_535, 'a port').optional(),
});

const sessionsSchema = section({
  // A process may have a million descriptors (fs.nr_open), and a session needs two at least.
  max: wholeNumber(1, 500_000).optional(),
  perClient: wholeNumber(1, 500_000).optional(),
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
  loginTimeout: duration('1s', '1h').optional(),
  idleTimeout: duration('1s', '24h').optional(),
  expectationTimeout: duration('1s', '10m').optional(),
  dataIdleTimeout: duration('1s', '24h').optional(),
  waysPerSession: wholeNumber(1, 64).optional(),
});

export const settingsSchema = section({
  listeners: list(listenerSchema, 'listeners', 1),
  rules: text('the path of a rules file', (value) =>
    value === '' ? unreadable('expected the path of a rules file') : parsed(value),
  ).optional(),
  admin: sectionOr('off', section({ listen: listenEndpoint })).optional(),
  log: section({ level: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).optional() }).optional(),
  // Threads beyond the processors only wait for one another; 64 is the largest machine that anybody gives to this.
  engines: wordOrNumber('auto', 1, 64).optional(),
  sessions: sessionsSchema.optional(),
  limits: limitsSchema.optional(),
});

export type SettingsFile = z.output<typeof settingsSchema>;
export type ListenerFile = z.output<typeof listenerSchema>;
