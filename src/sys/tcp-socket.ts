// A non-blocking TCP connection: octets in and out, half-close, reset, and the exact reason when it fails.
// Edge-triggered: after a readiness event the owner reads or writes until WOULD_BLOCK. A short count says the same of
// `send` only: `receive` also stops short at an urgent mark and before the end of the stream, `spliceInto` where the
// kernel's fragments or the slots of the pipe end. A connection that has failed never reads as ended. tcp(7),
// socket(7), epoll(7).

import type { Result } from '../result.ts';
import type { SysErrorCode } from './errno.ts';
import * as libc from './libc.ts';
import { edgeTriggered, type Pollable, type Poller, Ready } from './poller.ts';
import { decodeSocketAddress, encodeSocketAddress, familyOf, type SocketAddress } from './socket-address.ts';
import {
  asTransparent,
  boundToInterface,
  integerOption,
  lingerNot,
  lingerZero,
  type Purpose,
  preparedFor,
  setDscp,
  setInteger,
  setMark,
} from './socket-option.ts';
import { pipeOctets, type SplicePipe } from './splice-pipe.ts';
import { FAILED, type SpliceableStream, WOULD_BLOCK } from './stream.ts';

export interface DialOptions {
  /** Local address, and port when it matters; port 0 leaves the choice to the kernel at connect time. */
  readonly from?: SocketAddress;
  readonly purpose?: Purpose;
  /** `from` may be another machine's address, whose packets pass here. */
  readonly transparent?: boolean;
  /** Code point of what is sent (0 to 63); the kernel's default where undefined. */
  readonly dscp?: number | undefined;
  /** Packet mark of what is sent; none where undefined. */
  readonly mark?: number | undefined;
  /** The only interface that it may leave by; whichever the routes say where undefined. */
  readonly egress?: string | undefined;
}

const nameBuffer = new Uint8Array(28);
const nameLength = new Int32Array(1);
const nameLengthOctets = new Uint8Array(nameLength.buffer);
const none = new Uint8Array(0);
const peeked = new Uint8Array(1);

// After one of these a short read may stop at the end, the failure or the urgent mark, and the next one tells.
const toTheEnd = Ready.peerShutdown | Ready.error | Ready.hangUp | Ready.priority;

export class TcpSocket implements SpliceableStream {
  fd: number;
  /** Why the connection failed, once it has. */
  failure: SysErrorCode | undefined;
  private readonly poller: Poller;
  private parting: 'in-order' | 'reset' = 'in-order';
  /** What waits to be read: nothing, octets until a short read, or whatever there is up to the end or a mark. */
  private waiting: 'nothing' | 'octets' | 'to-the-end' = 'nothing';

  private constructor(poller: Poller, fd: number) {
    this.poller = poller;
    this.fd = fd;
  }

  /** Takes over a descriptor that accept4() returned. */
  static accepted(poller: Poller, fd: number, pollable: Pollable): TcpSocket {
    poller.adopt(fd, pollable, edgeTriggered);
    return new TcpSocket(poller, fd);
  }

  /** Begins a connection; the first `out` event, or `error`, tells how it ended (ask `connected()`). */
  static dial(
    poller: Poller,
    remote: SocketAddress,
    pollable: Pollable,
    options: DialOptions = {},
  ): Result<TcpSocket, SysErrorCode> {
    const fd = libc.socket(familyOf(remote), libc.SOCK_STREAM | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC, 0);
    if (fd < 0) return { ok: false, reason: libc.lastError() };
    const code = beginConnection(fd, remote, options);
    if (code !== undefined) {
      libc.close(fd);
      return { ok: false, reason: code };
    }
    poller.adopt(fd, pollable, edgeTriggered);
    return { ok: true, value: new TcpSocket(poller, fd) };
  }

  get isOpen(): boolean {
    return this.fd >= 0;
  }

  get mayHaveMore(): boolean {
    return this.waiting !== 'nothing';
  }

  hear(events: number): void {
    if ((events & toTheEnd) !== 0) this.waiting = 'to-the-end';
    else if ((events & Ready.in) !== 0 && this.waiting === 'nothing') this.waiting = 'octets';
  }

  /** After the first event of a dialled socket: did the connection come about? False leaves the reason in `failure`. */
  connected(): boolean {
    const error = integerOption(this.fd, libc.SOL_SOCKET, libc.SO_ERROR);
    if (error === undefined) return true;
    this.failure = error;
    return false;
  }

  /** Octets read (0: the peer has ended its direction), WOULD_BLOCK or FAILED. */
  receive(into: Uint8Array): number {
    const count = libc.recv(this.fd, into, into.length, 0);
    if (count > 0) {
      if (count < into.length && this.waiting === 'octets') this.waiting = 'nothing';
      return count;
    }
    this.waiting = 'nothing';
    return count < 0 ? this.blockedOrFailed() : this.endedOrFailed();
  }

  /** Sends the first `length` octets: how many the kernel took, WOULD_BLOCK or FAILED. */
  send(from: Uint8Array, length = from.length): number {
    const count = libc.send(this.fd, from, length, libc.MSG_NOSIGNAL);
    return count >= 0 ? count : this.blockedOrFailed();
  }

  sendAt(address: bigint, length: number): number {
    const count = libc.sendAt(this.fd, address, length, libc.MSG_NOSIGNAL);
    return count >= 0 ? count : this.blockedOrFailed();
  }

  /**
   * As `send`, for the last octets before `endWriting` or `close`, which must follow: the kernel holds them back for
   * it.
   */
  sendBeforeEnd(from: Uint8Array, length: number): number {
    const count = libc.send(this.fd, from, length, libc.MSG_NOSIGNAL | libc.MSG_MORE);
    return count >= 0 ? count : this.blockedOrFailed();
  }

  /** Sends with the last octet marked urgent (RFC 959 §4.1.3: the Telnet Synch before ABOR). */
  sendUrgent(from: Uint8Array): number {
    const count = libc.send(this.fd, from, from.length, libc.MSG_NOSIGNAL | libc.MSG_OOB);
    return count >= 0 ? count : this.blockedOrFailed();
  }

  /**
   * Moves octets from the socket into the pipe without reading them; results as `receive`. A full pipe blocks too, and
   * no event tells.
   */
  spliceInto(pipe: SplicePipe): number {
    const count = libc.splice(this.fd, null, pipe.writeEnd, null, pipeOctets, spliceFlags);
    if (count > 0) return count;
    if (count < 0) return this.blockedOrFailed();
    return this.stoppedAtUrgentMark() ? FAILED : this.endedOrFailed();
  }

  /** Moves at most `octets` from the pipe into the socket; results as `send`. */
  spliceFrom(pipe: SplicePipe, octets: number): number {
    const count = libc.splice(pipe.readEnd, null, this.fd, null, octets, spliceFlags);
    return count >= 0 ? count : this.blockedOrFailed();
  }

  /** Ends our direction; the peer reads the end of the stream after what was sent. */
  endWriting(): void {
    libc.shutdown(this.fd, libc.SHUT_WR);
  }

  localAddress(): SocketAddress {
    return localAddressOf(this.fd);
  }

  /**
   * Closes; what the kernel has taken is still delivered, unless received octets were left unread: then the kernel
   * sends a reset (RFC 1122 §4.2.2.13), which may overtake them. Harmless when closed already.
   */
  close(): void {
    if (this.fd < 0) return;
    this.poller.forget(this.fd);
    libc.close(this.fd);
    this.fd = -1;
  }

  /**
   * From now on every close but `closeCleanly` is a reset, also the one by the kernel when the process dies: to a
   * server that stores a file an orderly end is the end of the file, and half of one must not end like that.
   */
  partWithReset(): void {
    if (this.parting === 'reset' || this.fd < 0) return;
    this.parting = 'reset';
    lingerZero(this.fd);
  }

  /**
   * Closes a data connection that came to its proper end: the peer sees the end of the stream, not a reset. At the end
   * of the turn, because it takes as long as several sends and others wait for theirs.
   */
  closeCleanly(): void {
    const { fd } = this;
    if (fd < 0) return;
    if (this.parting === 'reset') lingerNot(fd);
    this.poller.forget(fd);
    this.fd = -1;
    this.poller.atLast(() => libc.close(fd));
  }

  /** Closes so that the peer sees a reset: a broken transfer must look broken. */
  reset(): void {
    this.partWithReset();
    this.close();
  }

  // The kernel reports a reset once, to whichever call comes first. When that was a `send`, the next read is given a
  // clean end, and a broken transfer would look complete.
  private endedOrFailed(): number {
    return this.failure === undefined ? 0 : FAILED;
  }

  // splice() does not pass an urgent mark: once the peer has ended its direction, it calls the mark the end. A sender
  // of one urgent octet could so have the rest of a file left out unseen. A data connection has no use for the mark: it
  // is broken.
  private stoppedAtUrgentMark(): boolean {
    if (libc.recv(this.fd, peeked, 1, libc.MSG_PEEK) <= 0) return false;
    this.failure = 'EPROTO';
    return true;
  }

  private blockedOrFailed(): number {
    const code = libc.lastError();
    // EINTR does not happen to non-blocking calls in practice; treating it as "later" would lose an edge, so it fails
    // loudly.
    if (code === 'EAGAIN') return WOULD_BLOCK;
    this.failure = code;
    return FAILED;
  }
}

/** The local end of a connected or bound socket; no octets and port 0 where there is none. */
export function localAddressOf(fd: number): SocketAddress {
  nameLength[0] = nameBuffer.length;
  if (libc.getsockname(fd, nameBuffer, nameLengthOctets) < 0) return { octets: none, port: 0 };
  return decodeSocketAddress(nameBuffer);
}

// Without SPLICE_F_MORE: it corks the socket and stalls the tail of a transfer for 200 ms and more.
const spliceFlags = libc.SPLICE_F_MOVE | libc.SPLICE_F_NONBLOCK;

function beginConnection(fd: number, remote: SocketAddress, options: DialOptions): SysErrorCode | undefined {
  preparedFor(options.purpose, fd);
  if (options.dscp !== undefined) setDscp(fd, familyOf(remote), options.dscp);
  if (options.mark !== undefined && !setMark(fd, options.mark)) return libc.lastError();
  if (options.egress !== undefined && !boundToInterface(fd, options.egress)) return libc.lastError();
  if (options.transparent === true && !asTransparent(fd, familyOf(remote))) return libc.lastError();
  if (options.from !== undefined) {
    // Port 0 would make bind() search a port without knowing the destination; the kernel is to choose it at connect().
    if (options.from.port === 0) setInteger(fd, libc.IPPROTO_IP, libc.IP_BIND_ADDRESS_NO_PORT, 1);
    else setInteger(fd, libc.SOL_SOCKET, libc.SO_REUSEADDR, 1);
    const local = encodeSocketAddress(options.from);
    if (libc.bindSocket(fd, local, local.length) < 0) return libc.lastError();
  }
  const structure = encodeSocketAddress(remote);
  if (libc.connect(fd, structure, structure.length) === 0) return undefined;
  const code = libc.lastError();
  return code === 'EINPROGRESS' ? undefined : code;
}
