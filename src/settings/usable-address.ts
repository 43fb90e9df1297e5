// Can this address do what the operator wants of it? The addresses that read well and never work.
// Must not break: what is refused here could never have worked; doubt passes. RFC 5771 and RFC 4291 §2.7 (multicast),
// RFC 1122 §3.2.1.3 (0.0.0.0/8 names no other host), RFC 1112 §4 (240.0.0.0/4 is reserved).

import { type Address, type Endpoint, isUnspecified, parseAddress, parseEndpoint } from '../address/endpoint.ts';
import { containsAny, type Network, parseNetwork } from '../address/network.ts';
import { type Parsed, unreadable } from '../address/parsed.ts';
import { text } from '../yaml/schema-parts.ts';

const multicast = networks('224.0.0.0/4', 'ff00::/8');
const nobody = networks('0.0.0.0/8', '240.0.0.0/4', '::/128');

/** Where sockets listen: an own address, or 0.0.0.0 or [::] for all of them. */
export const listenEndpoint = text('an address and a port, as 0.0.0.0:21 or "[::]:21"', (value) => {
  const endpoint = parseEndpoint(value);
  return endpoint.ok && !isUnspecified(endpoint.value.address) ? ofOneHost(endpoint, endpoint.value.address) : endpoint;
});

/** Another host's socket. */
export const remoteEndpoint = text('an address and a port, as 10.0.0.5:21', (value): Parsed<Endpoint> => {
  const endpoint = parseEndpoint(value);
  return endpoint.ok ? ofOneHost(endpoint, endpoint.value.address) : endpoint;
});

/** An address that is told to somebody, who shall connect to it. */
export const toldAddress = text('an address, as 203.0.113.10', (value): Parsed<Address> => {
  const address = parseAddress(value);
  return address.ok ? ofOneHost(address, address.value) : address;
});

/** The result, unless nobody can have this address. */
export function ofOneHost<T>(result: Parsed<T>, address: Address): Parsed<T> {
  if (containsAny(multicast, address)) return unreadable('expected the address of one host, not of a multicast group');
  if (containsAny(nobody, address)) return unreadable('expected the address of a host; nobody has this one');
  return result;
}

function networks(...texts: string[]): Network[] {
  return texts.map((cidr) => {
    const network = parseNetwork(cidr);
    if (!network.ok) throw new Error(`${cidr}: ${network.reason}`);
    return network.value;
  });
}
