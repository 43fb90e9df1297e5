// Which values may a label of a metric have that no other part of the gateway has a use for? Every label is a closed
// list, once in the program: a list that sessions or the kernel's table go by is theirs, and metric-table.ts takes it
// from there. Never an address, a user, a path or a session among them: a peer could otherwise make as many series as
// it likes and exhaust this process and Prometheus.

import { sessionOutcomes, wayOutcomes } from '../session/record-words.ts';

/** How the session of a client that the door turned away ended: before it began. */
const turnedAwayOutcomes = [
  'refused-limit',
  'refused-client-limit',
  'refused-server',
  'refused-network',
  'refused-egress',
  'refused-link-local',
  'refused-draining',
] as const;

export const sessionsTotalOutcomes = [...sessionOutcomes, ...turnedAwayOutcomes] as const;

export const replyClasses = ['1', '2', '3', '4', '5'] as const;

export const wayEvents = ['opened', ...wayOutcomes] as const;

export const octetDirections = ['to-client', 'to-server'] as const;

/**
 * Where a log line was lost: in an engine whose batch was full, at a standard output that takes nothing, or left out
 * because its session or listener had written its share of lines for one cause.
 */
export const logDropPlaces = ['engine', 'output', 'share'] as const;

/**
 * Why a request to the admin pages got none: a name that is not listed, a page of another site, no host that can be
 * read.
 */
export const adminRefusalCauses = ['foreign-host', 'cross-site', 'malformed-host'] as const;

export type AdminRefusalCause = (typeof adminRefusalCauses)[number];

/** `incomplete`: a part of the gateway has not taken them, see `settings_in_step`. */
export const reloadResults = ['applied', 'refused', 'incomplete'] as const;

/**
 * Stands in the table for the verbs that a tally is given when it is made, and `other`. Verbs of a tally are a closed
 * list as well, but it belongs to the reader of the control connection, which this folder does not know.
 */
export const verbsGivenLater: readonly string[] = [];

export const otherVerb = 'other';
