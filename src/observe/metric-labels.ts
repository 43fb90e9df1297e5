// Which values may a label of a metric have? Every label is a closed list, here and nowhere else: a new cause or
// outcome is added to its tuple and the compiler then accepts it, everywhere. Never an address, a user, a path or a
// session among them: a peer could otherwise make as many series as it likes and exhaust this process and Prometheus.

export const sessionOutcomes = [
  'closed-by-client',
  'closed-by-server',
  'refused-limit',
  'refused-client-limit',
  'refused-server',
  'refused-network',
  'refused-egress',
  'refused-link-local',
  'refused-draining',
  'upstream-unreachable',
  'upstream-timeout',
  'timeout-greeting',
  'timeout-login',
  'timeout-idle',
  'protocol-error',
  'budget-spent',
  'drained',
  'internal-error',
] as const;

export const replyClasses = ['1', '2', '3', '4', '5'] as const;

/** Who wrote a reply: the FTP server behind us, or the gateway itself. */
export const replyOrigins = ['server', 'gateway'] as const;

export const rewriteKinds = ['port', 'eprt', 'pasv-reply', 'epsv-reply', 'line-normalised', 'verb-converted'] as const;

export const refusalCauses = [
  'third-party',
  'low-port',
  'unspecified-address',
  'foreign-passive-address',
  'verb-refused',
  'verb-unknown',
  'not-logged-in',
  'target-port',
  'malformed-command',
  'malformed-reply',
  'malformed-address',
  'ambiguous-line',
  'overlong-line',
  'overlong-reply',
  'unsolicited-reply',
  'wrong-family',
  'epsv-all',
  'tls',
  'no-data-port',
  'client-share',
  'way-limit',
] as const;

/** Why a named address was replaced by that of the control connection's peer. */
export const replacementCauses = ['unspecified-address', 'foreign-passive-address'] as const;

/** Attempts to turn a data connection against someone else (RFC 2577 §3) or to take one over (port theft). */
export const bounceKinds = [
  'port',
  'eprt',
  'foreign-passive',
  'unsolicited-passive',
  'low-port',
  'target-port',
  'stranger',
] as const;

/** What was spoken on a control connection instead of FTP. */
export const foreignProtocols = ['http', 'tls', 'ssh', 'binary'] as const;

/** Where the octets of a data connection pass: through this process, or through the kernel alone. */
export const planes = ['relay', 'kernel'] as const;

/** `opened` and `used` are stages of a way; each of the others ends one. */
export const wayEvents = [
  'opened',
  'used',
  'completed',
  'expired',
  'refused',
  'failed',
  'session-closed',
  'superseded',
] as const;

export const octetDirections = ['to-client', 'to-server'] as const;

export const transferDirections = ['download', 'upload', 'listing'] as const;

/**
 * Where a log line was lost: in an engine whose batch was full, at a standard output that takes nothing, or left out because
 * its session or listener had written its share of lines for one cause.
 */
export const logDropPlaces = ['engine', 'output', 'share'] as const;

/**
 * Why our table in the kernel dropped a packet: a data connection that no session expects, a control connection unread, a packet
 * of no connection, one attempt too many at an expected data connection.
 */
export const kernelDropReasons = ['unexpected', 'unread', 'stray', 'attempts'] as const;

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
