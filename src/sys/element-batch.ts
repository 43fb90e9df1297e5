// How is a transaction of set elements written for nf_tables? The same as `add element inet TABLE SET { KEY timeout 30s
// : VALUE }` and `delete element inet TABLE SET { KEY }`, one message for each change, so that a refusal names the
// change it is for. linux/netfilter/nfnetlink.h (batches), linux/netfilter/nf_tables.h (messages and attributes).

import { MessageWriter, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, nameOctets } from './netlink.ts';

/** Every field of `key` and `value` is padded to four octets: an IPv4 address or a port is 4, an IPv6 address 16. */
export interface ElementChange {
  readonly kind: 'add' | 'delete';
  readonly set: string;
  readonly key: Uint8Array;
  /** Only in maps. */
  readonly value?: Uint8Array;
  /** Without it the set's own; none where it has none. */
  readonly timeoutMs?: number;
}

/** 'destroy' takes a missing key for deleted (since Linux 6.3), 'delete' refuses. */
export type Deletion = 'destroy' | 'delete';

// Room for a hundred changes and more, of which a way has at most six. All of them may be refused, and the refusals
// must fit the receive buffer, which by default (net.core.rmem_default) holds some 250.
const octetsMax = 16_384;

const AF_UNSPEC = 0;
export const NFPROTO_INET = 1;
export const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG_NEWSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 12;
const NFT_MSG_GETSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 13;
const NFT_MSG_DELSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 14;
const NFT_MSG_DESTROYSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 30;
const NLM_F_EXCL = 0x200;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_SET_ELEM_TIMEOUT = 4;
const NFTA_DATA_VALUE = 1;

/** Writes one transaction after another into the same buffer. */
export class ElementBatch {
  readonly writer = new MessageWriter(octetsMax);
  private readonly table: Uint8Array;
  // A table has a handful of sets, all named by us.
  private readonly names = new Map<string, Uint8Array>();

  constructor(table: string) {
    this.table = nameOctets(table);
  }

  /**
   * Message `first` begins the batch, each change has the next number, one more ends it. False where it is too long.
   */
  write(changes: readonly ElementChange[], deletion: Deletion, first: number): boolean {
    this.writer.reset();
    this.writeBoundary(NFNL_MSG_BATCH_BEGIN, first);
    for (let place = 1; place <= changes.length; place++) {
      // Refusals come unasked. Asked for is the last one's acknowledgement, which ends the answer in either case.
      const acknowledge = place === changes.length ? NLM_F_ACK : 0;
      this.writeChange(changes[place - 1]!, deletion, (first + place) >>> 0, acknowledge);
    }
    this.writeBoundary(NFNL_MSG_BATCH_END, (first + changes.length + 1) >>> 0);
    return !this.writer.full;
  }

  private writeBoundary(type: number, sequence: number): void {
    this.writer.beginMessage(type, NLM_F_REQUEST, sequence);
    this.writer.netfilterHeader(AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    this.writer.endMessage();
  }

  /** Outside a batch: the question whether the key is there. */
  writeQuestion(set: string, key: Uint8Array, sequence: number): boolean {
    this.writer.reset();
    this.writeElement(NFT_MSG_GETSETELEM, NLM_F_REQUEST, sequence, set, key);
    return !this.writer.full;
  }

  private writeChange(change: ElementChange, deletion: Deletion, sequence: number, acknowledge: number): void {
    const { kind, set, key, value, timeoutMs } = change;
    if (kind === 'delete') {
      const type = deletion === 'destroy' ? NFT_MSG_DESTROYSETELEM : NFT_MSG_DELSETELEM;
      this.writeElement(type, NLM_F_REQUEST | acknowledge, sequence, set, key);
    } else {
      // EXCL: a key that is there belongs to another way, and two ways must never share it.
      const flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | acknowledge;
      this.writeElement(NFT_MSG_NEWSETELEM, flags, sequence, set, key, value, timeoutMs);
    }
  }

  private writeElement(
    type: number,
    flags: number,
    sequence: number,
    set: string,
    key: Uint8Array,
    value?: Uint8Array,
    timeoutMs?: number,
  ): void {
    const { writer } = this;
    writer.beginMessage(type, flags, sequence);
    writer.netfilterHeader(NFPROTO_INET, 0);
    writer.attribute(NFTA_SET_ELEM_LIST_TABLE, this.table);
    writer.attribute(NFTA_SET_ELEM_LIST_SET, this.nameOf(set));
    const elements = writer.beginNest(NFTA_SET_ELEM_LIST_ELEMENTS);
    const element = writer.beginNest(NFTA_LIST_ELEM);
    this.writeData(NFTA_SET_ELEM_KEY, key);
    if (value !== undefined) this.writeData(NFTA_SET_ELEM_DATA, value);
    if (timeoutMs !== undefined) writer.attributeUint64(NFTA_SET_ELEM_TIMEOUT, timeoutMs);
    writer.endNest(element);
    writer.endNest(elements);
    writer.endMessage();
  }

  private writeData(type: number, octets: Uint8Array): void {
    const data = this.writer.beginNest(type);
    this.writer.attribute(NFTA_DATA_VALUE, octets);
    this.writer.endNest(data);
  }

  private nameOf(set: string): Uint8Array {
    const known = this.names.get(set);
    if (known !== undefined) return known;
    const octets = nameOctets(set);
    this.names.set(set, octets);
    return octets;
  }
}
