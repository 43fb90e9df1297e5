// Which endpoint does an EPRT name, which family an EPSV, which port a 229 reply? And how is an EPRT written?
// Must not break: delimiters, families and numbers exactly as in the RFC, or unreadable; an address has one family
// only, so that no rule about IPv4 is walked around in an IPv6 text. RFC 2428 §2 (EPRT), §3 (EPSV, 229), §4 (EPSV ALL).

import { type Endpoint, parseAddress, parsePort } from '../address/endpoint.ts';
import { type Parsed, unreadable } from '../address/parsed.ts';
import type { Result } from '../result.ts';
import { withoutBlanks } from './host-port.ts';
import { latin1 } from './latin1.ts';

// eprt-argument = d net-prt d net-addr d tcp-port d      229 text = "(" d d d tcp-port d ")"      d = %d33-126, always
// the same

interface EprtFault {
  readonly cause: 'unknown-family' | 'malformed';
  readonly text: string;
}

/** An EPRT argument; of an unknown family it is answered 522, malformed 501. */
export type ParsedEprt = Result<Endpoint, EprtFault>;

/** What an EPSV asks for. */
export type EpsvArgument =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'family'; readonly family: 4 | 6 }
  | { readonly kind: 'unknown-family' }
  | { readonly kind: 'malformed' };

// RFC 2428 §2: AF numbers of the IANA registry, 16 bits. Only these two are addresses of the Internet.
const FAMILIES: ReadonlyMap<string, 4 | 6> = new Map([
  ['1', 4],
  ['2', 6],
]);
const FAMILY_NUMBER = /^(?:0|[1-9]\d{0,4})$/;

/** Reads the argument of EPRT. Blanks around it are skipped, nothing else is forgiven. */
export function parseEprt(argument: Uint8Array): ParsedEprt {
  const text = latin1(withoutBlanks(argument));
  const delimiter = text.charAt(0);
  if (!/^[!-~]$/.test(delimiter)) return malformedEprt('the delimiter is not printable ASCII');
  const [before, familyText = '', addressText = '', portText = '', after, ...more] = text.split(delimiter);
  if (before !== '' || after !== '' || more.length > 0)
    return malformedEprt('there are not three fields between four delimiters');
  const family = FAMILIES.get(familyText);
  if (family === undefined) {
    if (!FAMILY_NUMBER.test(familyText)) return malformedEprt('the family is not a number');
    return { ok: false, reason: { cause: 'unknown-family', text: 'the family is neither 1 nor 2' } };
  }
  return eprtEndpoint(family, addressText, portText);
}

/** `|1|192.0.2.1|5000|` or `|2|2001:db8::1|5000|`. */
export function printEprt(endpoint: Endpoint): string {
  const { address, port } = endpoint;
  return `|${address.family === 4 ? 1 : 2}|${address.text}|${port}|`;
}

/** Reads the argument of EPSV, which may be empty. */
export function parseEpsvArgument(argument: Uint8Array): EpsvArgument {
  const text = latin1(withoutBlanks(argument));
  if (text === '') return { kind: 'none' };
  if (/^all$/i.test(text)) return { kind: 'all' };
  const family = FAMILIES.get(text);
  if (family !== undefined) return { kind: 'family', family };
  return { kind: FAMILY_NUMBER.test(text) ? 'unknown-family' : 'malformed' };
}

// RFC 2428 §3: the delimiter three times (so both address fields are empty), the port, the delimiter. Behind it the
// parenthesis or the sentence may end, but no further field begin. IBM i writes `!` for the delimiter.
const PORT_AFTER_PARENTHESIS = /^([!-~])\1\1 *((?:(?!\1)\d)+) *\1(?![^). ])/;
// Some servers leave the parentheses out. Then only a punctuation mark is taken for a delimiter, lest the port be found
// inside a word or a number, and it may not stand a fourth time in front, which would be a further field.
const PORT_IN_TEXT = /([!-/:-@[-`{-~])(?<!\1\1)\1\1(\d+)\1(?![^). ])/;

/** Finds the port in a 229 reply. @param replyText The octets after the reply code. */
export function findExtendedPort(replyText: Uint8Array): Parsed<number> {
  const text = latin1(replyText);
  const found = text.includes('(') ? portAfterParenthesis(text) : PORT_IN_TEXT.exec(text)?.[2];
  if (found === undefined) return unreadable('there is no port between the delimiters of RFC 2428');
  return parsePort(found);
}

// Each parenthesis in turn, because of texts as `Entering (extended) passive mode (|||5000|)`.
function portAfterParenthesis(text: string): string | undefined {
  for (let at = text.indexOf('('); at >= 0; at = text.indexOf('(', at + 1)) {
    const port = PORT_AFTER_PARENTHESIS.exec(text.slice(at + 1))?.[2];
    if (port !== undefined) return port;
  }
  return undefined;
}

function eprtEndpoint(family: 4 | 6, addressText: string, portText: string): ParsedEprt {
  const address = parseAddress(addressText);
  if (!address.ok) return malformedEprt(address.reason);
  // An IPv4-mapped text in family 2 is an IPv4 host under another name, and family 1 has dotted decimal only.
  if (address.value.family !== family || addressText.includes(':') !== (family === 6))
    return malformedEprt('the address is not of the family named');
  const port = parsePort(portText);
  if (!port.ok) return malformedEprt(port.reason);
  return { ok: true, value: { address: address.value, port: port.value } };
}

function malformedEprt(text: string): ParsedEprt {
  return { ok: false, reason: { cause: 'malformed', text } };
}
