// struct sockaddr_in and sockaddr_in6 to plain data and back. Addresses stay octets here (4 or 16 of them,
// network order); what they mean is for address/ to say. Layout: ip(7), ipv6(7).

import { AF_INET, AF_INET6 } from './libc.ts';

export interface SocketAddress {
  /** 4 octets (IPv4) or 16 (IPv6, IPv4-mapped ones included), network order. */
  readonly octets: Uint8Array;
  readonly port: number;
}

/** Octets of the larger of the two structures. */
export const socketAddressOctetsMax = 28;

/** The structure that bind() and connect() want. */
export function encodeSocketAddress(address: SocketAddress): Uint8Array {
  const v4 = address.octets.length === 4;
  const structure = new Uint8Array(v4 ? 16 : 28);
  const view = new DataView(structure.buffer);
  view.setUint16(0, v4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, address.port);
  structure.set(address.octets, v4 ? 4 : 8);
  return structure;
}

/** What accept4() or getsockname() filled in. The octets are a copy. */
export function decodeSocketAddress(structure: Uint8Array): SocketAddress {
  const family = structure[0]! | (structure[1]! << 8);
  const port = (structure[2]! << 8) | structure[3]!;
  return { octets: family === AF_INET ? structure.slice(4, 8) : structure.slice(8, 24), port };
}

/** The address family of an address, as socket() wants it. */
export function familyOf(address: SocketAddress): number {
  return address.octets.length === 4 ? AF_INET : AF_INET6;
}
