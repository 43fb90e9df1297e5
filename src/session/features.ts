// FEAT to the truth: what the server offers of security is between it and the gateway, and what a client may ask of
// the gateway stands in its place; what the rules let through for nobody like him is not offered (RFC 2389 §3, RFC 4217
// §6).

import { latin1, latin1Octets } from '../wire/latin1.ts';
import { formatReply } from '../wire/reply.ts';
import { lookupVerb } from '../wire/verbs.ts';
import { couldBeGiven } from './access.ts';
import type { Action } from './action.ts';
import type { Session } from './session.ts';

/** Features of which the server's own lines say nothing to the client. */
const security: ReadonlySet<string> = new Set(['AUTH', 'PBSZ', 'PROT', 'CCC', 'ADAT', 'MIC', 'CONF', 'ENC']);

/** What becomes of a reply to FEAT; undefined where it says the truth as it is. */
export function editOfFeatures(
  session: Session,
  code: number,
  kind: 'single' | 'first',
): 'features' | 'own-features' | undefined {
  if (code === 211 && kind === 'first') return 'features';
  // What the server says of TLS holds where its client has it with the server.
  if (session.terms.tls.client === 'pass-through') return undefined;
  if (offeredFeatures(session).length === 0) return undefined;
  return code === 211 || code >= 500 ? 'own-features' : undefined;
}

/**
 * Does this line of a reply to FEAT say what is not so for the client: of security, which is the gateway's, or of what
 * the rules refuse?
 */
export function isUntrueFeature(session: Session, octets: Uint8Array): boolean {
  const [name = '', command] = featureWords(octets);
  if (security.has(name)) return session.terms.tls.client !== 'pass-through';
  const verb = lookupVerb(name);
  // What is no verb is a manner (UTF8, TVFS) or a list of what some verb can do.
  return verb !== undefined && !couldBeGiven(session, verb, name === 'SITE' ? command : undefined);
}

function featureWords(octets: Uint8Array): readonly string[] {
  // A feature line begins with a blank (RFC 2389 §3.2); some servers begin it with the code and a hyphen.
  const start = octets[3] === HYPHEN ? 4 : 0;
  const words = latin1(octets, start, start + longest)
    .trim()
    .toUpperCase();
  return words.split(/[ ;]/, 2);
}

const HYPHEN = 45;
const longest = 64;

/** What the gateway offers of security itself. */
function offeredFeatures({ terms: { tls } }: Session): readonly string[] {
  if (tls.client === 'off' || tls.client === 'pass-through') return none;
  const auth = tls.client === 'implicit' ? [] : ['AUTH TLS'];
  return [...auth, 'PBSZ', 'PROT', ...(tls.clearCommandChannel ? ['CCC'] : [])];
}

const none: readonly string[] = [];

/** The lines of it, for the end of the server's list. */
export function sendOffered(session: Session, out: Action[]): void {
  const lines = offeredFeatures(session);
  if (lines.length === 0) return;
  out.push({ kind: 'send', to: 'client', octets: latin1Octets(lines.map((each) => ` ${each}\r\n`).join('')) });
}

/** The whole list, for a server that has none; undefined where the gateway has none either. */
export function ownFeatures(session: Session): Uint8Array | undefined {
  const lines = offeredFeatures(session);
  return lines.length === 0
    ? undefined
    : formatReply(211, ['Features:', ...lines.map((each) => ` ${each}`), 'End'].join('\n'));
}
