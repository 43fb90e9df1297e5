// Which words may enter the text of a ruleset? Each is read by its own narrow grammar, whatever has checked it before:
// a name with a brace or a line end in it would be a rule of its own. A word that fails is our mistake, so it throws.

import { type Address, addressFromOctets, parseAddress } from '../address/endpoint.ts';
import { contains, type Network, parseNetwork } from '../address/network.ts';

/** Of a table, a listener: what nft takes for an identifier, short enough for the kernel (NFT_NAME_MAXLEN is 256). */
export function identifier(text: string): string {
  return word(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, text, 'an identifier');
}

/** A listener's name, which stands only in comments. */
export function listenerName(text: string): string {
  return word(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, text, 'the name of a listener');
}

/** In quotes. An interface has at most 15 octets (IFNAMSIZ); a trailing * would match many, so there is none. */
export function interfaceName(text: string): string {
  return `"${word(/^[A-Za-z0-9_.-]{1,15}$/, text, 'the name of an interface')}"`;
}

export function addressWord({ text }: Address): string {
  const address = parseAddress(text);
  if (!address.ok) throw new RangeError(`not an address: ${JSON.stringify(text)}`);
  return address.value.text;
}

function networkWord({ text }: Network): string {
  const network = parseNetwork(text);
  if (!network.ok) throw new RangeError(`not a network: ${JSON.stringify(text)}`);
  return network.value.text;
}

export function wholeNumber(value: number, least: number, most: number, what: string): string {
  if (Number.isInteger(value) && value >= least && value <= most) return value.toString();
  throw new RangeError(`${what}: ${value} is not a whole number from ${least} to ${most}`);
}

export function port(value: number): string {
  return wholeNumber(value, 1, 65_535, 'port');
}

/** Not 0, which is every packet's mark before somebody sets one. */
export function mark(value: number): string {
  wholeNumber(value, 1, 0xffff_ffff, 'mark');
  return `0x${value.toString(16)}`;
}

export function portSet(values: readonly number[]): string {
  if (values.length === 0) throw new RangeError('no ports');
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  return `{ ${distinct.map(port).join(', ')} }`;
}

/** Elements of an interval set may not overlap; of two networks that do, one is inside the other. */
export function networkSet(networks: readonly Network[]): string {
  if (networks.length === 0) throw new RangeError('no networks');
  const distinct = [...new Map(networks.map((network) => [network.text, network])).values()];
  const outermost = distinct.filter((inner) => !distinct.some((outer) => outer !== inner && holds(outer, inner)));
  return `{ ${outermost.map(networkWord).join(', ')} }`;
}

function holds(outer: Network, inner: Network): boolean {
  return outer.prefixLength <= inner.prefixLength && contains(outer, addressFromOctets(inner.octets));
}

function word(grammar: RegExp, text: string, what: string): string {
  if (grammar.test(text)) return text;
  throw new RangeError(`not ${what}: ${JSON.stringify(text)}`);
}
