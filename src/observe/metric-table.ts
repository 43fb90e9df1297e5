// Which metrics does the gateway have? All of them, in one table: a count that is not here does not compile.
// The exposed name is `portcullis_` and the key. Units are those of SI (seconds, octets), a counter ends in `_total`,
// and labels come from closed lists: those of who owns the words, else of metric-labels.ts.

import { dropReasons } from '../nftables/drop-reasons.ts';
import { replacementCauses } from '../policy/decision.ts';
import {
  bounceKinds,
  handshakeOutcomes,
  opaqueEvents,
  planes,
  refusalCauses,
  replyOrigins,
  rewriteKinds,
  sides,
} from '../session/record-words.ts';
import { foreignProtocols } from '../wire/foreign-protocol.ts';
import { transferDirections } from '../wire/verbs.ts';
import {
  adminRefusalCauses,
  logDropPlaces,
  octetDirections,
  reloadResults,
  replyClasses,
  sessionsTotalOutcomes,
  verbsGivenLater,
  wayEvents,
} from './metric-labels.ts';

type Label = readonly [name: string, values: readonly string[]];

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** At most two: the place of a count is then found by two look-ups and one addition. */
  readonly labels: readonly [] | readonly [Label] | readonly [Label, Label];
  /** Upper bounds of a histogram's buckets, ascending, in the unit of its name; +Inf is implied. */
  readonly buckets?: readonly number[];
  /** Shown once per engine with the label `engine` (its index), instead of as one sum. */
  readonly perEngine?: true;
}

// A way is a bind and a listen or one netlink message: 5 to 50 µs, and there the bounds are closest, so that a median
// can be read from them. Above 1 ms the thread was held up, above 1 s it is trouble.
const waySetupBuckets = [
  0.000005, 0.00001, 0.00002, 0.000035, 0.00005, 0.000075, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2,
  1,
];

// From one round trip in a local network to the hour that a disk image takes over a slow line.
const transferBuckets = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 1800, 3600];

const metricTable = {
  sessions_active: { type: 'gauge', help: 'Control connections of clients that are open now.', labels: [] },
  sessions_limit: { type: 'gauge', help: 'Control connections that may be open at once.', labels: [] },
  sessions_total: {
    type: 'counter',
    help: 'Control connections that have ended, by how they ended.',
    labels: [['outcome', sessionsTotalOutcomes]],
  },
  commands_total: {
    type: 'counter',
    help: 'Commands received from clients, by verb.',
    labels: [['verb', verbsGivenLater]],
  },
  replies_total: {
    type: 'counter',
    help: 'Replies sent to clients, by the first digit of the reply code and by who wrote them.',
    labels: [
      ['class', replyClasses],
      ['origin', replyOrigins],
    ],
  },
  rewrites_total: {
    type: 'counter',
    help: 'Control lines that left otherwise than they came, by what was rewritten.',
    labels: [['kind', rewriteKinds]],
  },
  refusals_total: {
    type: 'counter',
    help: 'Commands and replies that the gateway refused, by cause.',
    labels: [['cause', refusalCauses]],
  },
  rules_reported_total: {
    type: 'counter',
    help: 'Commands that a rule on trial (report) would have denied, and that have passed.',
    labels: [],
  },
  address_replacements_total: {
    type: 'counter',
    help: "Addresses in PORT, EPRT and 227 that were replaced by that of the control connection's peer, by cause.",
    labels: [['cause', replacementCauses]],
  },
  bounce_attempts_total: {
    type: 'counter',
    help: 'Attempts to direct a data connection at a third party or to take over one (RFC 2577), by kind.',
    labels: [['kind', bounceKinds]],
  },
  foreign_protocols_total: {
    type: 'counter',
    help: 'Sessions ended because their client spoke another protocol than FTP, by protocol.',
    labels: [['protocol', foreignProtocols]],
  },
  foreign_greetings_total: {
    type: 'counter',
    help: 'Sessions ended because their server greeted in another protocol than FTP, by protocol.',
    labels: [['protocol', foreignProtocols]],
  },
  sessions_opaque: {
    type: 'gauge',
    help: 'Control connections that are not read now: client and server speak TLS with one another (pass-through).',
    labels: [],
  },
  sessions_opaque_total: {
    type: 'counter',
    help: 'Control connections that the gateway ceased to read, and those that it reads again (CCC).',
    labels: [['event', opaqueEvents]],
  },
  tls_handshakes_total: {
    type: 'counter',
    help: 'TLS handshakes of control connections, by leg and by how they went.',
    labels: [
      ['leg', sides],
      ['outcome', handshakeOutcomes],
    ],
  },
  tls_clear_octets_discarded_total: {
    type: 'counter',
    help: 'Octets that came in the clear where a TLS handshake was to begin (an injection), by leg; thrown away.',
    labels: [['leg', sides]],
  },
  strangers_total: {
    type: 'counter',
    help: 'Connections to a data port by anyone but the expected peer; each was refused.',
    labels: [],
  },
  kernel_dropped_packets_total: {
    type: 'counter',
    help:
      'Packets that the nftables table dropped: of data connections that no session expects, ' +
      'of control connections that would have passed unread.',
    labels: [['reason', dropReasons]],
  },
  ways_active: { type: 'gauge', help: 'Ways for data connections that are open now.', labels: [['plane', planes]] },
  ways_total: {
    type: 'counter',
    help: 'Ways for data connections: each counts as opened, perhaps as used, and once as what ended it.',
    labels: [
      ['plane', planes],
      ['event', wayEvents],
    ],
  },
  way_setup_seconds: {
    type: 'histogram',
    help:
      'Time that opening a way took, once it was decided on, ' +
      'until its sockets listened or the kernel had confirmed its pinhole.',
    labels: [['plane', planes]],
    buckets: waySetupBuckets,
  },
  data_ports_in_use: { type: 'gauge', help: 'Data ports that a way holds now.', labels: [] },
  data_ports_limit: { type: 'gauge', help: 'Data ports that settings provide.', labels: [] },
  transfer_duration_seconds: {
    type: 'histogram',
    help: 'Time from the first data connection of a transfer until its last octet had passed.',
    labels: [['direction', transferDirections]],
    buckets: transferBuckets,
  },
  data_octets_total: {
    type: 'counter',
    help: 'Octets carried over data connections, by direction.',
    labels: [['direction', octetDirections]],
  },
  control_octets_total: {
    type: 'counter',
    help: 'Octets carried over control connections, by direction.',
    labels: [['direction', octetDirections]],
  },
  log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines lost because what should take them did not keep up, or left out as more of the same.',
    labels: [['at', logDropPlaces]],
  },
  internal_errors_total: {
    type: 'counter',
    help: 'Errors of the gateway itself; each closed one session. Anything but 0 is a bug to report.',
    labels: [],
  },
  admin_requests_refused_total: {
    type: 'counter',
    help: 'Requests to the admin pages that were refused for the host that they name or the site that they come from.',
    labels: [['cause', adminRefusalCauses]],
  },
  settings_reload_total: {
    type: 'counter',
    help: 'Reloads of the settings file, or of the certificates that it names, by result.',
    labels: [['result', reloadResults]],
  },
  settings_in_step: {
    type: 'gauge',
    help: '1 while all parts of the gateway go by the same settings; 0 after a reload that not all of them have taken.',
    labels: [],
  },
  engines: { type: 'gauge', help: 'Engines (worker threads that carry sessions).', labels: [] },
  ready: { type: 'gauge', help: '1 while every listener is bound and new sessions are accepted, else 0.', labels: [] },
  engine_busy_seconds_total: {
    type: 'counter',
    help: 'Time that an engine spent working rather than waiting for events.',
    labels: [],
    perEngine: true,
  },
  engine_last_turn_seconds: {
    type: 'gauge',
    help: 'Unix time at which an engine last came round its loop.',
    labels: [],
    perEngine: true,
  },
} as const satisfies Record<string, MetricDefinition>;

/**
 * Gauges whose series are as many as the operator's files make them. They stand in no tally: the main thread has them.
 */
export const gaugesOfSettings = {
  tls_certificate_expiry_seconds: {
    help: 'Time until a certificate that a listener shows to clients expires; negative once it has.',
    labels: ['listener', 'subject'],
  },
} as const;

type Table = typeof metricTable;

export type MetricName = keyof Table;
type NameOfType<T extends MetricDefinition['type']> = {
  [M in MetricName]: Table[M]['type'] extends T ? M : never;
}[MetricName];
export type CounterName = NameOfType<'counter'>;
export type GaugeName = NameOfType<'gauge'>;
export type HistogramName = NameOfType<'histogram'>;

/** The label values that a metric asks for, in the order of the table: a missing or misspelt one does not compile. */
export type LabelValues<M extends MetricName> = Table[M]['labels'] extends readonly [
  Of<infer A extends string>,
  Of<infer B extends string>,
]
  ? [major: A, minor: B]
  : Table[M]['labels'] extends readonly [Of<infer A extends string>]
    ? [label: A]
    : [];
type Of<Value> = readonly [name: string, values: readonly Value[]];

/** What Prometheus sees: every metric of this gateway begins alike, so that one pattern finds them all. */
export function exposedName(metric: MetricName | keyof typeof gaugesOfSettings): string {
  return `portcullis_${metric}`;
}

/** The table's entry with its general type, for code that treats all metrics alike. */
export function definitionOf(metric: MetricName): MetricDefinition {
  return metricTable[metric];
}

export const metricNames: readonly MetricName[] = Object.freeze(
  Object.keys(metricTable).filter((name): name is MetricName => name in metricTable),
);
