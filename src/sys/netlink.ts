// How are netlink messages laid out? Writes them one after another into one buffer and reads what the kernel answers.
// Whoever writes too much is told by `full`, and nothing beyond the buffer is touched; whatever is read, nothing
// outside the octets received is looked at. Headers and lengths are in host order, which is little-endian on both
// processors that Portcullis is built for; values inside netfilter's attributes are in network order. netlink(7), RFC
// 3549 §2.2.

/** nlmsghdr: length u32, type u16, flags u16, sequence u32, port id u32. */
export const headerOctets = 16;

// linux/netlink.h
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE = 0x400;

const attributeHeaderOctets = 4;
// NLA_F_NESTED; the two upper bits of an attribute's type are flags.
const nested = 0x8000;
const typeMask = 0x3fff;

/** Lengths on the wire leave out the padding that follows. */
function padded(octets: number): number {
  return (octets + 3) & ~3;
}

export class MessageWriter {
  readonly octets: Uint8Array;
  /** How many of them are written. */
  length = 0;
  /** Something did not fit: what is in the buffer must not be sent. */
  full = false;
  private readonly view: DataView;
  private message = 0;

  constructor(octetsMax: number) {
    const store = new ArrayBuffer(octetsMax);
    this.octets = new Uint8Array(store);
    this.view = new DataView(store);
  }

  reset(): void {
    this.length = 0;
    this.full = false;
  }

  /** Begins a message; everything until `endMessage` is its body. */
  beginMessage(type: number, flags: number, sequence: number): void {
    const at = this.take(headerOctets);
    if (at < 0) return;
    this.message = at;
    this.view.setUint16(at + 4, type, true);
    this.view.setUint16(at + 6, flags, true);
    this.view.setUint32(at + 8, sequence, true);
    this.view.setUint32(at + 12, 0, true);
  }

  endMessage(): void {
    if (!this.full) this.view.setUint32(this.message, this.length - this.message, true);
  }

  /** nfgenmsg, the fixed part of every netfilter message: family, version 0, resource in network order. */
  netfilterHeader(family: number, resource: number): void {
    const at = this.take(4);
    if (at < 0) return;
    this.octets[at] = family;
    this.octets[at + 1] = 0;
    this.view.setUint16(at + 2, resource);
  }

  /** A fixed part of whole words, as it is. */
  octetsPlain(octets: Uint8Array): void {
    const at = this.take(octets.length);
    if (at >= 0) this.octets.set(octets, at);
  }

  attribute(type: number, value: Uint8Array): void {
    const at = this.take(attributeHeaderOctets + padded(value.length));
    if (at < 0) return;
    const end = at + attributeHeaderOctets + value.length;
    this.view.setUint16(at, end - at, true);
    this.view.setUint16(at + 2, type, true);
    this.octets.set(value, at + attributeHeaderOctets);
    this.octets.fill(0, end, this.length);
  }

  /** A whole number below 2^53 in network order. */
  attributeUint64(type: number, value: number): void {
    const at = this.take(attributeHeaderOctets + 8);
    if (at < 0) return;
    this.view.setUint16(at, attributeHeaderOctets + 8, true);
    this.view.setUint16(at + 2, type, true);
    this.view.setUint32(at + 4, Math.floor(value / 2 ** 32));
    this.view.setUint32(at + 8, value >>> 0);
  }

  /** Begins an attribute that holds attributes; `endNest` wants what this returns. */
  beginNest(type: number): number {
    const at = this.take(attributeHeaderOctets);
    if (at >= 0) this.view.setUint16(at + 2, type | nested, true);
    return at;
  }

  endNest(at: number): void {
    if (!this.full) this.view.setUint16(at, this.length - at, true);
  }

  /** Where the next so many octets go, -1 where they do not fit. */
  private take(octets: number): number {
    const at = this.length;
    if (this.full || at + octets > this.octets.length) {
      this.full = true;
      return -1;
    }
    this.length = at + octets;
    return at;
  }
}

/** As netlink wants strings: NUL-terminated. */
export function nameOctets(name: string): Uint8Array {
  return new TextEncoder().encode(`${name}\0`);
}

/** Octets `from` to `to` of the buffer that is read. */
export interface Span {
  /** The message's type, or the attribute's without its flags. */
  readonly type: number;
  /** Of a message; 0 for an attribute. */
  readonly sequence: number;
  readonly from: number;
  readonly to: number;
}

/** The bodies of the messages of one datagram; ends early where a length is wrong. */
export function* messagesIn(octets: Uint8Array, length: number): Generator<Span, void> {
  const view = new DataView(octets.buffer, octets.byteOffset, length);
  for (let at = 0; at + headerOctets <= length; ) {
    const size = view.getUint32(at, true);
    if (size < headerOctets || at + size > length) return;
    const type = view.getUint16(at + 4, true);
    yield { type, sequence: view.getUint32(at + 8, true), from: at + headerOctets, to: at + size };
    at += padded(size);
  }
}

/** The attributes of a message's body or of a nested attribute; ends early where a length is wrong. */
export function* attributesIn(octets: Uint8Array, from: number, to: number): Generator<Span, void> {
  const view = new DataView(octets.buffer, octets.byteOffset, to);
  for (let at = from; at + attributeHeaderOctets <= to; ) {
    const size = view.getUint16(at, true);
    if (size < attributeHeaderOctets || at + size > to) return;
    const type = view.getUint16(at + 2, true) & typeMask;
    yield { type, sequence: 0, from: at + attributeHeaderOctets, to: at + size };
    at += padded(size);
  }
}
