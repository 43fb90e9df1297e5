// Which addresses in a text lead to nobody outside? They tell a stranger how the network behind the gateway is built:
// loopback, link-local and private ones. RFC 1918 §3, RFC 6598 §7, RFC 3927 §2.1, RFC 4193 §3.1, RFC 4291 §2.5.6.

import { latin1, latin1Octets } from './latin1.ts';

/** The octets with such addresses crossed out; the very octets where there are none. */
export function withoutPrivateAddresses(octets: Uint8Array): Uint8Array {
  const text = latin1(octets);
  const hidden = text
    .replace(dottedQuad, (quad, first: string, second: string) =>
      isPrivate(Number(first), Number(second)) ? 'x.x.x.x' : quad,
    )
    .replace(privateIpv6, 'x:x');
  return hidden === text ? octets : latin1Octets(hidden);
}

// No part of a longer row of numbers, as versions have them.
const dottedQuad = /(?<![\d.])(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}(?!\.?\d)/g;
const privateIpv6 = /(?<![\da-f:])f(?:[cd][\da-f]{2}|e[89ab][\da-f]):[\da-f:]+(?:%[\w-]+(?:\.\w+)*)?/gi;

function isPrivate(first: number, second: number): boolean {
  if (first === 10 || first === 127) return true;
  if (first === 172) return second >= 16 && second <= 31;
  if (first === 192) return second === 168;
  if (first === 169) return second === 254;
  return first === 100 && second >= 64 && second <= 127;
}
