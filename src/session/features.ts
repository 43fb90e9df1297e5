// FEAT to the truth: what the server offers of security is between it and the gateway, and what a client may ask of
// the gateway stands in its place (RFC 2389 §3, RFC 4217 §6).

import { latin1, latin1Octets } from '../wire/latin1.ts';
import { formatReply } from '../wire/reply.ts';
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
  // What the server says of TLS holds where its client has it with the server.
  if (session.terms.tls.client === 'pass-through') return undefined;
  if (code === 211 && kind === 'first') return 'features';
  if (offeredFeatures(session).length === 0) return undefined;
  return code === 211 || code >= 500 ? 'own-features' : undefined;
}

/** Is this line of a reply to FEAT one that the client must not take for the gateway's word? */
export function isSecurityFeature(octets: Uint8Array): boolean {
  // A feature line begins with a blank (RFC 2389 §3.2); some servers begin it with the code and a hyphen.
  const start = octets[3] === HYPHEN ? 4 : 0;
  const words = latin1(octets, start, start + longest)
    .trim()
    .toUpperCase();
  return security.has(words.split(/[ ;]/, 1)[0]!);
}

const HYPHEN = 45;
const longest = 16;

/** What the gateway offers of security itself. */
function offeredFeatures({ terms: { tls } }: Session): readonly string[] {
  if (tls.client === 'off') return none;
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
