// Is an nftables table there? The cheapest question that netfilter answers: a few microseconds, whatever the table holds, so
// that it can be asked often. linux/netfilter/nf_tables.h.

import { nameOfErrno } from './errno.ts';
import { NetfilterSocket } from './netfilter-socket.ts';
import { MessageWriter, messagesIn } from './netlink.ts';

const NFPROTO_INET = 1;
const NFT_MSG_GETTABLE = (10 << 8) | 1;
const NFTA_TABLE_NAME = 1;
const NLM_F_REQUEST = 1;
const NLMSG_ERROR = 2;
const requestOctetsMax = 512;

/** Of the network namespace of the thread that asks first. */
export class NftPresence {
  // Opened by the first question.
  private readonly socket = new NetfilterSocket();
  private readonly writer = new MessageWriter(requestOctetsMax);
  private sequence = 0;

  /** Is a table of the family inet there? Only a clear no is a no: whoever cannot be asked has not said so. */
  isAbsent(table: string): boolean {
    this.sequence = (this.sequence + 1) >>> 0;
    const { writer, socket, sequence } = this;
    writer.reset();
    writer.beginMessage(NFT_MSG_GETTABLE, NLM_F_REQUEST, sequence);
    writer.netfilterHeader(NFPROTO_INET, 0);
    writer.attribute(NFTA_TABLE_NAME, new TextEncoder().encode(`${table}\0`));
    writer.endMessage();
    if (writer.full || socket.send(writer.octets, writer.length) !== undefined) return false;
    const count = socket.receive();
    if (typeof count !== 'number') return false;
    for (const message of messagesIn(socket.answer, count)) {
      if (message.sequence !== sequence) continue;
      if (message.type !== NLMSG_ERROR || message.to - message.from < 4) return false;
      return nameOfErrno(-socket.answerView.getInt32(message.from, true)) === 'ENOENT';
    }
    return false;
  }

  close(): void {
    this.socket.close();
  }
}
