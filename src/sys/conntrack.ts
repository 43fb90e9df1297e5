// What became of the connections that our pinholes let through? The kernel's tracker tells over netlink that one begins
// and that it is forgotten, to those who ask for one ct mark; what lies between must be asked for. To be told that too
// is dear: the kernel would build messages for every step of every connection through this machine, ours or not, in the
// path of its packets. It may tell late and, when it cannot keep up, not at all (`onLost`); nothing here waits or
// throws. Seen by a router between real peers:
//
//   SYN passed                                   new syn-sent
//   handshake done, data can flow                [syn-recv] established
//   one side closes, the other later             [fin-wait, close-wait (half-closed), last-ack] time-wait: in order
//   both close at once                           [fin-wait, last-ack] time-wait: in order; 120 s later forgotten
//   reset by either side, half-closed or not     close; 10 s later destroy close
//   SYN to a closed port                         new syn-sent, destroy close: nothing to ask for
//   SYN without an answer                        new syn-sent; 120 s later destroy syn-sent
//   forgotten by `kill` or an administrator      destroy with the last state
//
// last-ack is not yet the end in order: octets before the last FIN may still meet a reset. That a flow in time-wait is
// forgotten flow-filter.ts keeps in the kernel. nf_conntrack_proto_tcp.c; sysctl
// net.netfilter.nf_conntrack_tcp_timeout_*.

import {
  type Flow,
  type FlowAnswer,
  type FlowEvent,
  type FlowTuple,
  flowAnswersIn,
  flowListRequest,
  flowRequest,
  readFlowAnswer,
  readFlowEvents,
  type TcpState,
} from './conntrack-message.ts';
import { SysError, type SysErrorCode } from './errno.ts';
import { filterFlowEvents } from './flow-filter.ts';
import * as libc from './libc.ts';
import { NetlinkSocket } from './netlink-socket.ts';
import { levelIn, type Pollable, type Poller } from './poller.ts';
import { setInteger } from './socket-option.ts';

export type { Flow, FlowEvent, FlowOctets, FlowTuple } from './conntrack-message.ts';

// An event is some 250 octets, for which the kernel counts 1,280, and it doubles what it is asked for: room for 13,000,
// or 4,000 connections that begin and end during one long turn. Memory is taken only while they wait.
const queueOctetsDefault = 8 * 1024 * 1024;
// The longest event is below 1 KiB.
const datagramOctetsMax = 8192;
// Some events take part in a turn; others' descriptors want their share of it. The rest is there at the next turn.
const eventsPerTurn = 256;
// Answers to earlier requests are passed over, but not for ever.
const answersMax = 8;

// struct sockaddr_nl: family, padding, port 0 (the kernel chooses), groups 1 and 3: NFNLGRP_CONNTRACK_NEW, _DESTROY.
const conntrackGroups = new Uint8Array(Uint32Array.of(libc.AF_NETLINK, 0, 0b101).buffer);

/**
 * Where a data connection stands: `opening` until both sides have agreed to it, `half-closed` where one has ended its
 * direction, `completed` where both closed in order.
 */
export type FlowStage = 'opening' | 'joined' | 'half-closed' | 'completed' | 'failed';

const stages: Readonly<Record<TcpState, FlowStage>> = {
  'syn-sent': 'opening',
  'syn-recv': 'opening',
  established: 'joined',
  'fin-wait': 'half-closed',
  'close-wait': 'half-closed',
  'last-ack': 'half-closed',
  // Both sides have closed and have heard so.
  'time-wait': 'completed',
  close: 'failed',
};

/** Of a flow that the kernel knows. A state that it does not tell is nothing to act upon. */
export function stageOf({ tcpState }: Pick<Flow, 'tcpState'>): FlowStage {
  return tcpState === undefined ? 'opening' : stages[tcpState];
}

export interface FlowWatchOptions {
  /** `when-asked`: events wait until `onReady` is called. */
  readonly telling?: 'at-once' | 'when-asked';
  /** Room for events that wait. */
  readonly queueOctets?: number;
}

/** Hears where flows with one ct mark begin and are forgotten, in the network namespace of the thread that opens it. */
export class FlowWatch implements Pollable {
  private readonly poller: Poller;
  private readonly onFlow: (event: FlowEvent) => void;
  private readonly onLost: () => void;
  private readonly requests: NetlinkSocket;
  private readonly datagram = new Uint8Array(datagramOctetsMax);
  private readonly mark: number;
  private fd: number;
  /** Events found no room since the queue was last empty. */
  private lost = false;
  private sequence = 0;

  private constructor(
    poller: Poller,
    fd: number,
    mark: number,
    requests: NetlinkSocket,
    onFlow: (event: FlowEvent) => void,
    onLost: () => void,
  ) {
    this.poller = poller;
    this.fd = fd;
    this.mark = mark;
    this.requests = requests;
    this.onFlow = onFlow;
    this.onLost = onLost;
  }

  /**
   * Only TCP flows with this mark (not 0) are told, and only those whose first packet comes after this. `onLost`: some
   * events were not told; `ask` says how the flows stand. Throws SysError (EPERM without CAP_NET_ADMIN).
   */
  static open(
    poller: Poller,
    mark: number,
    onFlow: (event: FlowEvent) => void,
    onLost: () => void,
    { telling = 'at-once', queueOctets = queueOctetsDefault }: FlowWatchOptions = {},
  ): FlowWatch {
    const fd = openEvents(mark, queueOctets);
    let watch: FlowWatch | undefined;
    try {
      watch = new FlowWatch(poller, fd, mark, NetlinkSocket.open(), onFlow, onLost);
      if (telling === 'at-once') poller.add(fd, watch, levelIn);
      return watch;
    } catch (problem) {
      watch?.requests.close();
      libc.close(fd);
      throw problem;
    }
  }

  /** May also be called unasked: tells what has happened up to now; `behind` where more waits than one turn's share. */
  onReady(): 'caught-up' | 'behind' {
    for (let count = 0; count < eventsPerTurn && this.fd >= 0; count++) {
      const length = libc.recv(this.fd, this.datagram, datagramOctetsMax, 0);
      if (length >= 0) {
        for (const event of readFlowEvents(this.datagram, length)) this.onFlow(event);
        continue;
      }
      const code = libc.lastError();
      if (code === 'ENOBUFS') this.lost = true;
      else if (code !== 'EINTR') {
        // The kernel goes on dropping, without another word, until the queue is empty: only now asking misses nothing.
        if (this.lost) this.tellLost();
        return 'caught-up';
      }
    }
    return 'behind';
  }

  /** How the flow stands now; undefined where the kernel knows it no more. */
  ask(tuple: FlowTuple): Flow | undefined {
    const answer = this.request('get', tuple);
    return typeof answer === 'object' && answer.kind === 'flow' ? answer.flow : undefined;
  }

  /**
   * The kernel forgets the flow, and tells its end as of any other. Its packets are no longer translated nor marked, so
   * what a guard or the operator's rules keep out passes no more; all else is a new flow to the tracker
   * (net.netfilter.nf_conntrack_tcp_loose), which the rules of chains.ts for kernel.endFlows reset. False where it was
   * gone.
   */
  kill(tuple: FlowTuple): boolean {
    const answer = this.request('delete', tuple);
    return typeof answer === 'object' && answer.kind === 'done' && answer.code === undefined;
  }

  close(): void {
    if (this.fd < 0) return;
    this.poller.forget(this.fd);
    libc.close(this.fd);
    this.requests.close();
    this.fd = -1;
  }

  private tellLost(): void {
    this.lost = false;
    this.onLost();
  }

  /**
   * Every flow with the mark whose handshake is complete, as the kernel knows them now: it looks through all
   * connections of this machine, so this is for when nothing less will do. Undefined where it could not be asked to the
   * end.
   */
  list(): readonly Flow[] | undefined {
    this.sequence = (this.sequence + 1) >>> 0;
    const message = flowListRequest(this.mark, this.sequence);
    if (this.requests.send(message, message.length) !== undefined) return undefined;
    const flows: Flow[] = [];
    for (let idle = 0; idle < answersMax; ) {
      const length = this.requests.receive();
      if (typeof length === 'string') return undefined;
      idle += 1;
      for (const answer of flowAnswersIn(this.requests.answer, length, this.sequence)) {
        idle = 0;
        if (answer.kind === 'end') return flows;
        if (answer.kind === 'done') return undefined;
        flows.push(answer.flow);
      }
    }
    return undefined;
  }

  /** Synchronous: the kernel has answered when send(2) returns. */
  private request(ask: 'get' | 'delete', tuple: FlowTuple): FlowAnswer | SysErrorCode {
    this.sequence = (this.sequence + 1) >>> 0;
    const message = flowRequest(ask, tuple, this.sequence);
    const code = this.requests.send(message, message.length);
    if (code !== undefined) return code;
    for (let patience = answersMax; patience > 0; patience--) {
      const length = this.requests.receive();
      if (typeof length === 'string') return length;
      const answer = readFlowAnswer(this.requests.answer, length, this.sequence);
      if (answer !== undefined) return answer;
    }
    return 'ETIMEDOUT';
  }
}

function openEvents(mark: number, queueOctets: number): number {
  const type = libc.SOCK_RAW | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC;
  const fd = libc.socket(libc.AF_NETLINK, type, libc.NETLINK_NETFILTER);
  if (fd < 0) throw new SysError('socket', libc.lastError());
  // Above net.core.rmem_max where we may, else as much as there is.
  if (!setInteger(fd, libc.SOL_SOCKET, libc.SO_RCVBUFFORCE, queueOctets)) {
    setInteger(fd, libc.SOL_SOCKET, libc.SO_RCVBUF, queueOctets);
  }
  // Filtered before the first event can come.
  if (!filterFlowEvents(fd, mark)) throw closedAfter(fd, 'setsockopt');
  if (libc.bindSocket(fd, conntrackGroups, conntrackGroups.length) < 0) throw closedAfter(fd, 'bind');
  return fd;
}

function closedAfter(fd: number, call: string): SysError {
  const error = new SysError(call, libc.lastError());
  libc.close(fd);
  return error;
}
