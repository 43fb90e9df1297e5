// Where would a packet to this address go? The kernel's own answer, asked anew each time, because addresses and routes
// of a router change while it runs. rtnetlink(7), linux/rtnetlink.h.

import * as libc from './libc.ts';
import { attributesIn, MessageWriter, messagesIn, NLM_F_REQUEST } from './netlink.ts';
import { NetlinkSocket } from './netlink-socket.ts';

export type Route =
  /** To this machine itself, or to everybody on a link. */
  | { readonly kind: 'own' }
  | { readonly kind: 'out'; readonly interfaceIndex: number }
  /** Nowhere: no route, or one that says so. */
  | { readonly kind: 'none' };

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_MARK = 16;
// struct rtmsg: family, destination and source prefix lengths, tos, table, protocol, scope, type, u32 flags.
const routeHeaderOctets = 12;
const typeAt = 7;
const RTN_UNICAST = 1;
// RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST
const ownTypes: readonly number[] = [2, 3, 4, 5];
const requestOctetsMax = 128;
// Answers to earlier questions are passed over, but not for ever.
const answersMax = 8;
const none: Route = { kind: 'none' };

/** In the network namespace of the thread that asks first. */
export class Routes {
  private readonly socket = new NetlinkSocket(libc.NETLINK_ROUTE);
  private readonly writer = new MessageWriter(requestOctetsMax);
  private sequence = 0;

  /** Of a packet that this machine sends with this mark; octets in network order. Who cannot be asked knows no way. */
  to(destination: Uint8Array, mark: number): Route {
    this.sequence = (this.sequence + 1) >>> 0;
    const { writer, sequence } = this;
    const header = new Uint8Array(routeHeaderOctets);
    header[0] = destination.length === 4 ? libc.AF_INET : libc.AF_INET6;
    header[1] = destination.length * 8;
    writer.reset();
    writer.beginMessage(RTM_GETROUTE, NLM_F_REQUEST, sequence);
    writer.octetsPlain(header);
    writer.attribute(RTA_DST, destination);
    writer.attribute(RTA_MARK, new Uint8Array(Uint32Array.of(mark).buffer));
    writer.endMessage();
    if (this.socket.send(writer.octets, writer.length) !== undefined) return none;
    for (let patience = answersMax; patience > 0; patience--) {
      const length = this.socket.receive();
      if (typeof length === 'string') return none;
      for (const message of messagesIn(this.socket.answer, length)) {
        if (message.sequence !== sequence) continue;
        return message.type === RTM_NEWROUTE ? this.routeIn(message.from, message.to) : none;
      }
    }
    return none;
  }

  close(): void {
    this.socket.close();
  }

  private routeIn(from: number, to: number): Route {
    if (to - from < routeHeaderOctets) return none;
    const type = this.socket.answer[from + typeAt]!;
    if (ownTypes.includes(type)) return { kind: 'own' };
    if (type !== RTN_UNICAST) return none;
    for (const attribute of attributesIn(this.socket.answer, from + routeHeaderOctets, to)) {
      if (attribute.type !== RTA_OIF || attribute.to - attribute.from < 4) continue;
      return { kind: 'out', interfaceIndex: this.socket.answerView.getUint32(attribute.from, true) };
    }
    return none;
  }
}
