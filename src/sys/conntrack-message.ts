// The octets of ctnetlink: what does the kernel tell of a TCP flow, and how is it asked about one? Only layout here; no
// octets make the reader throw, and what is not a TCP flow over IPv4 or IPv6 it leaves out. Numbers inside the
// attributes are in network order. linux/netfilter/nfnetlink_conntrack.h.

import { nameOfErrno, type SysErrorCode } from './errno.ts';
import {
  headerOctets,
  MessageWriter,
  messagesIn,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  type Span,
} from './netlink.ts';

/** One direction of a flow. Addresses are 4 or 16 octets, network order. */
export interface FlowTuple {
  readonly family: 4 | 6;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** Numbered as enum tcp_conntrack. */
export const tcpStates = [
  undefined,
  'syn-sent',
  'syn-recv',
  'established',
  'fin-wait',
  'close-wait',
  'last-ack',
  'time-wait',
  'close',
  // Both sides called at once; the kernel goes on from here as from the first SYN.
  'syn-sent',
] as const;

/** The state of the kernel's TCP tracker (enum tcp_conntrack), which is not that of either end. */
export type TcpState = Exclude<(typeof tcpStates)[number], undefined>;

/** Octets of IP packets, headers included. */
export interface FlowOctets {
  readonly original: number;
  readonly reply: number;
}

/** What the kernel knows of a TCP flow. */
export interface Flow {
  /** As the initiator sent it, before any translation. */
  readonly original: FlowTuple;
  /** The ct mark, 0 where there is none. */
  readonly mark: number;
  readonly tcpState: TcpState | undefined;
  /** The ct label, 16 octets with bit 0 first; undefined where it has none, and in events. */
  readonly label: Uint8Array | undefined;
  /** Told in `destroy` events and answers, where accounting was on at the first packet. */
  readonly octets: FlowOctets | undefined;
}

export interface FlowEvent extends Flow {
  readonly kind: 'new' | 'destroy';
}

/** What came back for one request. */
export type FlowAnswer =
  | { readonly kind: 'flow'; readonly flow: Flow }
  /** No more of those that were listed. */
  | { readonly kind: 'end' }
  /** The request was carried out (`undefined`), or why not. */
  | { readonly kind: 'done'; readonly code: SysErrorCode | undefined };

// nfgenmsg, which follows the header of every message: family, version, resource.
const familyHeaderOctets = 4;
// u16 length, u16 type with two flags.
const attributeHeaderOctets = 4;
const attributeTypeMask = 0x3fff;
/** Where nlmsghdr has its flags. */
const flagsAt = 6;
// Of IPv6, the longer one: 16 + 4 + 3 × 4 of nests + 2 × 20 + 3 × 8 is less.
const requestOctetsMax = 128;
const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;

// NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_*
const CT_NEW = 0x100;
const CT_GET = 0x101;
export const CT_DELETE = 0x102;

const CTA_TUPLE_ORIG = 1;
const CTA_STATUS = 3;
export const CTA_PROTOINFO = 4;
export const CTA_MARK = 8;
const CTA_COUNTERS_ORIG = 9;
const CTA_COUNTERS_REPLY = 10;
const CTA_MARK_MASK = 21;
const CTA_LABELS = 22;
const CTA_STATUS_MASK = 26;
const labelOctets = 16;
/** IPS_ASSURED: both have taken part in the handshake. */
const assured = 4;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
export const CTA_PROTOINFO_TCP = 1;
export const CTA_PROTOINFO_TCP_STATE = 1;
const CTA_COUNTERS_BYTES = 2;

/** Where the first attribute of a ctnetlink message begins. */
export const attributesAt = headerOctets + familyHeaderOctets;

/** The TCP flows that begin or end as the first `length` octets, a datagram of the kernel's, tell. */
export function readFlowEvents(datagram: Uint8Array, length: number): FlowEvent[] {
  const events: FlowEvent[] = [];
  for (const message of messagesIn(datagram, length)) {
    const kind = kindOf(datagram, message);
    const flow = kind === undefined ? undefined : flowIn(datagram, message);
    if (kind !== undefined && flow !== undefined) events.push({ kind, ...flow });
  }
  return events;
}

/** The first answer to the request with this sequence number, undefined where the datagram holds none. */
export function readFlowAnswer(datagram: Uint8Array, length: number, sequence: number): FlowAnswer | undefined {
  for (const answer of flowAnswersIn(datagram, length, sequence)) return answer;
  return undefined;
}

/** All answers to that request which one datagram holds: a list comes in many. */
export function* flowAnswersIn(datagram: Uint8Array, length: number, sequence: number): Generator<FlowAnswer, void> {
  for (const message of messagesIn(datagram, length)) {
    if (message.sequence !== sequence) continue;
    if (message.type === NLMSG_DONE) yield { kind: 'end' };
    if (message.type === NLMSG_ERROR && message.to - message.from >= 4) {
      const errno = -new DataView(datagram.buffer, datagram.byteOffset, message.to).getInt32(message.from, true);
      yield { kind: 'done', code: errno === 0 ? undefined : nameOfErrno(errno) };
    }
    const flow = message.type === CT_NEW ? flowIn(datagram, message) : undefined;
    if (flow !== undefined) yield { kind: 'flow', flow };
  }
}

// One for all requests, with a store outside the JavaScript heap: a fresh small array would be moved there each time.
const writer = new MessageWriter(requestOctetsMax);

/**
 * Asks for one flow, or has the kernel forget it: `get` is answered with the flow, `delete` with `done`. Good until the
 * next call.
 */
export function flowRequest(ask: 'get' | 'delete', tuple: FlowTuple, sequence: number): Uint8Array {
  const v4 = tuple.family === 4;
  const addressOctets = v4 ? 4 : 16;
  // Without its tuple a delete empties the whole table, so a wrong one must never get as far as the kernel.
  if (tuple.source.length !== addressOctets || tuple.destination.length !== addressOctets) {
    throw new RangeError(`addresses of ${tuple.source.length} and ${tuple.destination.length} octets`);
  }
  writer.reset();
  const flags = ask === 'get' ? NLM_F_REQUEST : NLM_F_REQUEST | NLM_F_ACK;
  writer.beginMessage(ask === 'get' ? CT_GET : CT_DELETE, flags, sequence);
  writer.netfilterHeader(v4 ? AF_INET : AF_INET6, 0);
  const original = writer.beginNest(CTA_TUPLE_ORIG);
  const ip = writer.beginNest(CTA_TUPLE_IP);
  writer.attribute(v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, tuple.source);
  writer.attribute(v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, tuple.destination);
  writer.endNest(ip);
  const protocol = writer.beginNest(CTA_TUPLE_PROTO);
  writer.attribute(CTA_PROTO_NUM, Uint8Array.of(IPPROTO_TCP));
  writer.attribute(CTA_PROTO_SRC_PORT, portOctets(tuple.sourcePort));
  writer.attribute(CTA_PROTO_DST_PORT, portOctets(tuple.destinationPort));
  writer.endNest(protocol);
  writer.endNest(original);
  writer.endMessage();
  return writer.octets.subarray(0, writer.length);
}

/**
 * Asks for all flows with this mark whose handshake is complete, answered with each of them and an `end`. Good until
 * the next call.
 */
export function flowListRequest(mark: number, sequence: number): Uint8Array {
  writer.reset();
  writer.beginMessage(CT_GET, NLM_F_REQUEST | NLM_F_DUMP, sequence);
  writer.netfilterHeader(AF_UNSPEC, 0);
  writer.attribute(CTA_MARK, numberOctets(mark));
  writer.attribute(CTA_MARK_MASK, numberOctets(0xffff_ffff));
  // A kernel that does not know these two lists more than was asked for.
  writer.attribute(CTA_STATUS, numberOctets(assured));
  writer.attribute(CTA_STATUS_MASK, numberOctets(assured));
  writer.endMessage();
  return writer.octets.subarray(0, writer.length);
}

/** An entry is announced as one to be created; the same message without that flag tells of a change of it. */
function kindOf(datagram: Uint8Array, { type, from }: Span): FlowEvent['kind'] | undefined {
  if (type === CT_DELETE) return 'destroy';
  if (type !== CT_NEW) return undefined;
  const flags = from - headerOctets + flagsAt;
  return ((datagram[flags]! | (datagram[flags + 1]! << 8)) & NLM_F_CREATE) === 0 ? undefined : 'new';
}

function flowIn(octets: Uint8Array, { from, to }: Span): Flow | undefined {
  const attribute = (type: number): number => attributeAt(octets, from + familyHeaderOctets, to, type);
  const original = tupleIn(octets, attribute(CTA_TUPLE_ORIG));
  if (original === undefined) return undefined;
  const tcp = nestedAt(octets, attribute(CTA_PROTOINFO), CTA_PROTOINFO_TCP);
  const there = numberIn(octets, nestedAt(octets, attribute(CTA_COUNTERS_ORIG), CTA_COUNTERS_BYTES), 8);
  const back = numberIn(octets, nestedAt(octets, attribute(CTA_COUNTERS_REPLY), CTA_COUNTERS_BYTES), 8);
  return {
    original,
    mark: numberIn(octets, attribute(CTA_MARK), 4) ?? 0,
    tcpState: tcpStates[numberIn(octets, nestedAt(octets, tcp, CTA_PROTOINFO_TCP_STATE), 1) ?? 0],
    label: octetsIn(octets, attribute(CTA_LABELS), labelOctets),
    octets: there === undefined || back === undefined ? undefined : { original: there, reply: back },
  };
}

/** Undefined for all but TCP. */
function tupleIn(octets: Uint8Array, tuple: number): FlowTuple | undefined {
  const protocol = nestedAt(octets, tuple, CTA_TUPLE_PROTO);
  if (numberIn(octets, nestedAt(octets, protocol, CTA_PROTO_NUM), 1) !== IPPROTO_TCP) return undefined;
  const sourcePort = numberIn(octets, nestedAt(octets, protocol, CTA_PROTO_SRC_PORT), 2);
  const destinationPort = numberIn(octets, nestedAt(octets, protocol, CTA_PROTO_DST_PORT), 2);
  const ip = nestedAt(octets, tuple, CTA_TUPLE_IP);
  const family = nestedAt(octets, ip, CTA_IP_V4_SRC) < 0 ? 6 : 4;
  const source = addressIn(octets, nestedAt(octets, ip, family === 4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC), family);
  const destination = addressIn(octets, nestedAt(octets, ip, family === 4 ? CTA_IP_V4_DST : CTA_IP_V6_DST), family);
  if (sourcePort === undefined || destinationPort === undefined) return undefined;
  if (source === undefined || destination === undefined) return undefined;
  return { family, source, destination, sourcePort, destinationPort };
}

function addressIn(octets: Uint8Array, at: number, family: 4 | 6): Uint8Array | undefined {
  return octetsIn(octets, at, family === 4 ? 4 : 16);
}

/** A copy of exactly so many octets: the buffer is used for the next datagram. */
function octetsIn(octets: Uint8Array, at: number, length: number): Uint8Array | undefined {
  return at < 0 || sizeAt(octets, at) !== attributeHeaderOctets + length
    ? undefined
    : octets.slice(at + attributeHeaderOctets, at + attributeHeaderOctets + length);
}

/** A number of exactly so many octets, network order; exact up to 2^53, which is 9 PB. */
function numberIn(octets: Uint8Array, at: number, length: number): number | undefined {
  if (at < 0 || sizeAt(octets, at) !== attributeHeaderOctets + length) return undefined;
  const from = at + attributeHeaderOctets;
  let number = 0;
  for (let index = from; index < from + length; index++) number = number * 256 + octets[index]!;
  return number;
}

// Attributes are looked up by plain numbers and not with netlink.ts's spans: a message has 25 of them, and the objects
// would cost as much as its system call.

/** Where the first attribute of this type between two places begins, -1 where there is none; it ends before `to`. */
function attributeAt(octets: Uint8Array, from: number, to: number, type: number): number {
  for (let at = from; at + attributeHeaderOctets <= to; ) {
    const size = sizeAt(octets, at);
    if (size < attributeHeaderOctets || at + size > to) return -1;
    if (((octets[at + 2]! | (octets[at + 3]! << 8)) & attributeTypeMask) === type) return at;
    at += (size + 3) & ~3;
  }
  return -1;
}

/** As `attributeAt`, within the attribute at `outer`. */
function nestedAt(octets: Uint8Array, outer: number, type: number): number {
  if (outer < 0) return -1;
  return attributeAt(octets, outer + attributeHeaderOctets, outer + sizeAt(octets, outer), type);
}

/** The length that an attribute gives itself, header included. */
function sizeAt(octets: Uint8Array, at: number): number {
  return octets[at]! | (octets[at + 1]! << 8);
}

function portOctets(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}

function numberOctets(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
