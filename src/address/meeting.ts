// Do two listening addresses get the same connections?
// Must not break: [::] takes IPv4 connections too, as the gateway opens it (RFC 3493 §5.3, IPV6_V6ONLY off).

import { type Address, type Endpoint, isUnspecified } from './endpoint.ts';

/** Whether one connection could arrive at either of the two. */
export function addressesMeet(a: Address, b: Address): boolean {
  return a.text === b.text || (isUnspecified(a) && covers(a, b)) || (isUnspecified(b) && covers(b, a));
}

/** The same of sockets: the kernel lets one program alone have them. */
export function socketsMeet(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && addressesMeet(a.address, b.address);
}

function covers(wildcard: Address, address: Address): boolean {
  return wildcard.family === 6 || address.family === 4;
}
