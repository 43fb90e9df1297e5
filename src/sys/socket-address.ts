// struct sockaddr_in and sockaddr_in6 to plain data and back. Addresses stay octets here (4 or 16 of them,
// network order); what they mean is for address/ to say. Layout: ip(7), ipv6(7).

import { AF_INET, AF_INET6 } from './libc.ts';

export interface SocketAddress {
  /** 4 octets (IPv4) or 16 (IPv6, IPv4-mapped ones included), network order. */
  readonly octets: Uint8Array;
  readonly port: number;
}

/** Octets of the larger of the two structures. */
const socketAddressOctetsMax = 28;

// One structure for all calls, with a store outside the JavaScript heap: a fresh small array would have to be moved
// there each time, which costs more than the system call it is for.
const store = new ArrayBuffer(socketAddressOctetsMax);
const view = new DataView(store);
const structures = { 4: new Uint8Array(store, 0, 16), 16: new Uint8Array(store, 0, 28) } as const;

/** The structure that bind() and connect() want; good until the next call of this function. */
export function encodeSocketAddress({ octets, port }: SocketAddress): Uint8Array {
  const v4 = octets.length === 4;
  const structure = structures[v4 ? 4 : 16];
  structure.fill(0);
  view.setUint16(0, v4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  structure.set(octets, v4 ? 4 : 8);
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
