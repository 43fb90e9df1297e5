// What is an IP address, and what an address with a port? Text of operators and peers, and octets of the kernel, become
// one canonical form here, so that equal addresses have equal texts everywhere.
// Must not break: a text that some reader could take for another address (octal, short, scoped) is unreadable.
// RFC 4291 §2.2 (texts), §2.5.5.2 (IPv4-mapped), RFC 5952 (canonical IPv6), RFC 3986 §3.2.2 (brackets before a port).

import { collapseIPv6Number, expandIPv6Number } from 'ip-num';
import { type Parsed, parsed, unreadable } from './parsed.ts';

/** An IP address. Two are the same exactly when their texts are: RFC 5952 for IPv6, four decimal numbers for IPv4. */
export interface Address {
  readonly family: 4 | 6;
  readonly text: string;
}

/** An address and a TCP port. What the parsers of this file return has a port from 1 to 65535. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

// No leading zeros: inet_aton and its descendants read 010 as eight, so 192.0.2.010 would name two hosts.
const IPV4_TEXT = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
// The octets an IPv6 text can have at all, up to the 45 of the longest form (six groups and dotted IPv4). It keeps
// zone ids and prefixes, which the library would take, from reaching it. A zone names a link of somebody else's host.
const IPV6_OCTETS = /^[0-9a-f:.]{2,45}$/;
// Of the 96 bits before an IPv4-mapped address only the last sixteen are set: RFC 4291 §2.5.5.2.
const MAPPED_PREFIX = '0000:0000:0000:0000:0000:ffff:';

/**
 * Reads an IPv4 or IPv6 address, strictly: no leading zeros in IPv4, no short forms, no zone ids.
 * IPv4-mapped IPv6 becomes the plain IPv4 address.
 */
export function parseAddress(text: string): Parsed<Address> {
  if (IPV4_TEXT.test(text)) return parsed({ family: 4, text });
  if (!text.includes(':')) return unreadable('expected an IPv4 address of four decimal numbers, or an IPv6 address');
  const lower = text.toLowerCase();
  if (!IPV6_OCTETS.test(lower)) return unreadable('expected an IPv6 address without zone and prefix');
  try {
    return parsed(addressFromGroups(expandIPv6Number(lower)));
  } catch {
    return unreadable('expected an IPv6 address as in RFC 4291');
  }
}

/** Reads `192.0.2.1:21` or `[2001:db8::1]:21`; the port is 1 to 65535. */
export function parseEndpoint(text: string): Parsed<Endpoint> {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return unreadable('expected an address and a port, as 192.0.2.1:21 or [2001:db8::1]:21');
  const host = text.slice(0, colon);
  const bracketed = host.startsWith('[') && host.endsWith(']');
  // Brackets and IPv6 need one another: without them the last group of 2001:db8::1:21 could be a port or not.
  if (bracketed !== host.includes(':')) return unreadable('expected brackets around an IPv6 address and only there');
  const address = parseAddress(bracketed ? host.slice(1, -1) : host);
  if (!address.ok) return address;
  const port = parsePort(text.slice(colon + 1));
  return port.ok ? parsed({ address: address.value, port: port.value }) : port;
}

/** Reads a TCP port, 1 to 65535, in decimal digits without a sign or leading zeros. */
export function parsePort(text: string): Parsed<number> {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? parsed(port) : unreadable('expected a port from 1 to 65535');
}

/** The address in 4 or 16 octets, network order; IPv4-mapped IPv6 becomes IPv4. Throws RangeError on another length. */
export function addressFromOctets(octets: Uint8Array): Address {
  if (octets.length === 4) return ipv4FromNumber(numberOf(octets));
  if (octets.length !== 16) throw new RangeError(`an address has 4 or 16 octets, not ${octets.length}`);
  const hex = Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
  return addressFromGroups(hex.replace(/.{4}(?!$)/g, '$&:'));
}

// The same few addresses, of gateways, servers and clients, come back at every data connection.
const remembered = new Map<string, Uint8Array>();
const rememberedIpv4 = new Map<number, Address>();
const rememberedMax = 4096;

function ipv4FromNumber(number: number): Address {
  const known = rememberedIpv4.get(number);
  if (known !== undefined) return known;
  const text = `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
  const address: Address = { family: 4, text };
  if (rememberedIpv4.size >= rememberedMax) rememberedIpv4.clear();
  rememberedIpv4.set(number, address);
  return address;
}

/** As a signed number of 32 bits, which needs no allocation. */
function numberOf(octets: Uint8Array): number {
  return (octets[0]! << 24) | (octets[1]! << 16) | (octets[2]! << 8) | octets[3]!;
}

/** The 4 or 16 octets of an address, network order. Not to be written to: they are everyone's. */
export function octetsOfAddress(address: Address): Uint8Array {
  const known = remembered.get(address.text);
  if (known !== undefined) return known;
  const octets = readOctets(address);
  if (remembered.size >= rememberedMax) remembered.clear();
  remembered.set(address.text, octets);
  return octets;
}

/** What tells clients apart: an IPv6 client owns a /64 (RFC 6177), so that is one. The first 8 octets, or all 4. */
export function octetsOfClient(address: Address): Uint8Array {
  const octets = octetsOfAddress(address);
  return address.family === 4 ? octets : octets.subarray(0, 8);
}

function readOctets(address: Address): Uint8Array {
  if (address.family === 4) return Uint8Array.from(address.text.split('.'), Number);
  return Uint8Array.from(
    expandIPv6Number(address.text)
      .split(':')
      .flatMap((group) => [Number.parseInt(group.slice(0, 2), 16), Number.parseInt(group.slice(2), 16)]),
  );
}

/** `192.0.2.1:21` or `[2001:db8::1]:21`. */
export function printEndpoint(endpoint: Endpoint): string {
  const { address, port } = endpoint;
  return address.family === 4 ? `${address.text}:${port}` : `[${address.text}]:${port}`;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.text === b.text;
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && sameAddress(a.address, b.address);
}

/** 0.0.0.0 or ::, by which some clients of PORT and EPRT mean "the address that you see". */
export function isUnspecified(address: Address): boolean {
  return address.text === '0.0.0.0' || address.text === '::';
}

/** fe80::/10, RFC 4291 §2.5.6: it means something on its own link only, and no router passes it on. */
export function isLinkLocal(address: Address): boolean {
  return address.family === 6 && /^fe[89ab]/.test(address.text);
}

// Eight groups of four lower-case digits. The mapped form is unwrapped so that a rule written for 10.0.0.0/8 cannot be
// walked around by naming ::ffff:10.0.0.1, and so that peers of a [::] listener are the same hosts as those of 0.0.0.0.
function addressFromGroups(groups: string): Address {
  if (!groups.startsWith(MAPPED_PREFIX)) return { family: 6, text: collapseIPv6Number(groups) };
  return ipv4FromNumber(Number.parseInt(groups.slice(-9).replace(':', ''), 16) | 0);
}
