// Is an nftables table there? The cheapest question that netfilter answers: a few microseconds, whatever the table
// holds, so that it can be asked often. linux/netfilter/nf_tables.h.

import { NFNL_SUBSYS_NFTABLES, NFPROTO_INET } from './element-batch.ts';
import { MessageWriter, NLM_F_REQUEST, nameOctets } from './netlink.ts';
import { NetlinkSocket } from './netlink-socket.ts';

const NFT_MSG_GETTABLE = (NFNL_SUBSYS_NFTABLES << 8) | 1;
const NFTA_TABLE_NAME = 1;
const requestOctetsMax = 512;

/** Of the network namespace of the thread that asks first. */
export class NftPresence {
  private readonly socket = new NetlinkSocket();
  private readonly writer = new MessageWriter(requestOctetsMax);
  private sequence = 0;

  /** Is a table of the family inet there? Only a clear no is a no: whoever cannot be asked has not said so. */
  isAbsent(table: string): boolean {
    this.sequence = (this.sequence + 1) >>> 0;
    const { writer, sequence } = this;
    writer.reset();
    writer.beginMessage(NFT_MSG_GETTABLE, NLM_F_REQUEST, sequence);
    writer.netfilterHeader(NFPROTO_INET, 0);
    writer.attribute(NFTA_TABLE_NAME, nameOctets(table));
    writer.endMessage();
    return !writer.full && this.socket.hasNone(writer, sequence);
  }

  close(): void {
    this.socket.close();
  }
}
