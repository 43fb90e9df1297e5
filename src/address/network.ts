// Does this address belong to that network? Networks are CIDR texts of operators.
// Must not break: a text with host bits set is a slip of the pen that would widen or narrow a rule, so it is
// unreadable. A network is plain data and crosses threads by postMessage. RFC 4632 §3.1, RFC 4291 §2.3.

import { collapseIPv6Number, IPv4CidrRange, IPv6CidrRange } from 'ip-num';
import { type Address, octetsOfAddress, parseAddress } from './endpoint.ts';
import { type Parsed, parsed, unreadable } from './parsed.ts';

/** A network as an operator wrote it, in canonical text, with what a membership test needs at hand. */
export interface Network {
  readonly family: 4 | 6;
  /** Canonical, always with its prefix length: `192.0.2.0/24`, `2001:db8::/32`, `192.0.2.7/32`. */
  readonly text: string;
  /** Number of leading bits that addresses of the network have in common. */
  readonly prefixLength: number;
  /** The first address, 4 or 16 octets. */
  readonly octets: Uint8Array;
}

/**
 * Reads `10.0.0.0/8`, `2001:db8::/32`, or one address, which is a network of itself alone. An IPv4-mapped IPv6 network
 * becomes the IPv4 network, as its addresses do. With host bits set the reason names the network that was likely meant.
 */
export function parseNetwork(text: string): Parsed<Network> {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address.ok) return address;
  const bits = address.value.family === 4 ? 32 : 128;
  if (slash < 0) return parsed(networkOf(address.value, bits));
  const mappedBits = bits === 32 && text.includes(':') ? 96 : 0;
  const prefixLength = parsePrefixLength(text.slice(slash + 1), mappedBits, bits + mappedBits);
  if (!prefixLength.ok) return prefixLength;
  const network = networkOf(address.value, prefixLength.value - mappedBits);
  const first = firstAddress(network);
  if (first === address.value.text) return parsed(network);
  return unreadable(`host bits are set; the network is ${first}/${network.prefixLength}`);
}

/** Whether the address lies in the network; one of the other family never does. */
export function contains(network: Network, address: Address): boolean {
  return network.family === address.family && shareBits(network.octets, octetsOfAddress(address), network.prefixLength);
}

/** Whether the address lies in at least one of the networks. */
export function containsAny(networks: readonly Network[], address: Address): boolean {
  return networks.some((network) => contains(network, address));
}

function networkOf(address: Address, prefixLength: number): Network {
  const text = `${address.text}/${prefixLength}`;
  return { family: address.family, text, prefixLength, octets: octetsOfAddress(address) };
}

function parsePrefixLength(text: string, least: number, most: number): Parsed<number> {
  const length = /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : -1;
  if (length >= least && length <= most) return parsed(length);
  return unreadable(`expected a prefix length from ${least} to ${most} after the slash`);
}

function firstAddress(network: Network): string {
  if (network.family === 4) return IPv4CidrRange.fromCidr(network.text).getFirst().toString();
  return collapseIPv6Number(IPv6CidrRange.fromCidr(network.text).getFirst().toString());
}

function shareBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index += 1) if (a[index] !== b[index]) return false;
  // The octet in which the prefix ends; where it ends between two, all eight bits are shifted out.
  return ((a[whole] ?? 0) ^ (b[whole] ?? 0)) >> (8 - (bits & 7)) === 0;
}
