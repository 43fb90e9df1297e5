// Which words may a session's events and records hold where the set of words is closed? Each set stands here and
// nowhere else: types are derived from it, and labels of metrics are given it, so that neither can name what the other
// lacks.

import { decisionCauses } from '../policy/decision.ts';

/** How a session ended. */
export const sessionOutcomes = [
  'closed-by-client',
  'closed-by-server',
  'upstream-unreachable',
  'upstream-timeout',
  'timeout-greeting',
  'timeout-login',
  'timeout-idle',
  'protocol-error',
  'tls-failed',
  'passive-range-lost',
  'budget-spent',
  'closed-by-rule',
  'drained',
  'internal-error',
] as const;

/** Why a command or a reply was refused: by a rule, or because the session could not go on with it. */
export const refusalCauses = [
  ...decisionCauses,
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
  'tls-required',
  'no-data-port',
  'client-share',
  'way-limit',
] as const;

/** How a TLS handshake of a control connection went; `resumed`: it went on from an earlier one. */
export const handshakeOutcomes = ['full', 'resumed', 'failed'] as const;

/** What becomes of a session whose peers speak TLS with one another. */
export const opaqueEvents = ['opaque', 'read-again'] as const;

/** The two ends between which a session stands. */
export const sides = ['client', 'server'] as const;

/** What of a line was rewritten. */
export const rewriteKinds = ['port', 'eprt', 'pasv-reply', 'epsv-reply', 'line-normalised', 'verb-converted'] as const;

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

/** Where the octets of a data connection pass: through this process, or through the kernel alone. */
export const planes = ['relay', 'kernel'] as const;

/** What becomes of the transfer that a way was opened for. */
export const transferOutcomes = ['completed', 'expired', 'refused', 'failed', 'session-closed'] as const;

/** What becomes of a way that was opened: `used` is a stage of its life, each of the others ends it. */
export const wayOutcomes = ['used', ...transferOutcomes, 'superseded'] as const;

/** Who wrote a reply: the FTP server behind us, or the gateway itself. */
export const replyOrigins = ['server', 'gateway'] as const;
