// Under which name or address may the admin pages be asked for? As a request's Host carries it, so that the two
// compare. Must not break: one host each; a pattern would let in names that somebody else may give.

import { parseAddress } from '../address/endpoint.ts';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { text } from '../yaml/schema-parts.ts';
import { ofOneHost } from './usable-address.ts';

const expected = 'a host name or an address, as ftp-gw.example.org';

/** In lower case and without a trailing dot; an address as it is printed everywhere. */
export const hostName = text(expected, readHostName);

export function readHostName(value: string): Parsed<string> {
  const address = parseAddress(value);
  if (address.ok) return ofOneHost(parsed(address.value.text), address.value);
  if (value.includes('*')) return unreadable('expected names one by one, without a pattern');
  if (value.includes('://')) return unreadable('expected a host name alone, without http://');
  if (/:\d+$/.test(value)) return unreadable('expected a host name without a port; any port will do');
  const name = value.toLowerCase().replace(/\.$/, '');
  // RFC 1035 §2.3.4: 63 letters a label, 255 octets in all; names of services in a cluster have underscores.
  const fits =
    name.length <= 253 && name.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  // A number at the end makes browsers take it for an IPv4 address (WHATWG URL, "ends in a number").
  const number = /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name);
  return fits && !number ? parsed(name) : unreadable(`expected ${expected}; other letters in their xn-- form`);
}
