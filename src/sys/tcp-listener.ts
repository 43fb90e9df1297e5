// A listening TCP socket: who is at the door? Options that every accepted connection shall have are set here once,
// because Linux hands them down (no delay, keep-alive, urgent data in line). listen(2), accept(2).

import type { Result } from '../result.ts';
import type { SysErrorCode } from './errno.ts';
import * as libc from './libc.ts';
import { levelIn, type Pollable, type Poller } from './poller.ts';
import { decodeSocketAddress, encodeSocketAddress, familyOf, type SocketAddress } from './socket-address.ts';
import { asTransparent, type Purpose, preparedFor, setDscp, setInteger } from './socket-option.ts';

export interface ListenOptions {
  readonly backlog: number;
  /** Several threads listen on the same address and the kernel spreads connections over them. */
  readonly sharePort?: boolean;
  /** What accepted connections are for; they inherit what it sets. */
  readonly purpose?: Purpose;
  /** The address may be another machine's, whose connections are diverted to this one. */
  readonly transparent?: boolean;
  /** Code point of what accepted connections send (0 to 63); the kernel's default where undefined. */
  readonly dscp?: number | undefined;
}

export interface Accepted {
  readonly fd: number;
  readonly peer: SocketAddress;
}

/** Which call failed, and why. */
export interface ListenFailure {
  readonly call: 'socket' | 'setsockopt' | 'bind' | 'listen';
  readonly code: SysErrorCode;
}

export type Listened = Result<TcpListener, ListenFailure>;

const unheard = new Uint8Array(4096);
const peerBuffer = new Uint8Array(28);
const peerLength = new Int32Array(1);
const peerLengthOctets = new Uint8Array(peerLength.buffer);

export class TcpListener {
  fd: number;
  private readonly poller: Poller;
  private readonly family: number;

  private constructor(poller: Poller, fd: number, family: number) {
    this.poller = poller;
    this.fd = fd;
    this.family = family;
  }

  /** Binds, listens and registers. An IPv6 wildcard takes both families. */
  static open(poller: Poller, local: SocketAddress, pollable: Pollable, options: ListenOptions): Listened {
    const fd = libc.socket(familyOf(local), libc.SOCK_STREAM | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC, 0);
    if (fd < 0) return { ok: false, reason: { call: 'socket', code: libc.lastError() } };
    prepare(fd, local, options);
    if (options.transparent === true && !asTransparent(fd, familyOf(local))) return failed(fd, 'setsockopt');
    const structure = encodeSocketAddress(local);
    if (libc.bindSocket(fd, structure, structure.length) < 0) return failed(fd, 'bind');
    if (libc.listen(fd, options.backlog) < 0) return failed(fd, 'listen');
    poller.adopt(fd, pollable, levelIn);
    return { ok: true, value: new TcpListener(poller, fd, familyOf(local)) };
  }

  /** The next connection, undefined when none waits, or the reason why none can be taken (EMFILE …). */
  accept(): Accepted | SysErrorCode | undefined {
    for (;;) {
      peerLength[0] = peerBuffer.length;
      const fd = libc.accept4(this.fd, peerBuffer, peerLengthOctets, libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC);
      if (fd >= 0) return { fd, peer: decodeSocketAddress(peerBuffer) };
      const code = libc.lastError();
      if (code === 'EAGAIN') return undefined;
      // The client has gone between its SYN and now: nobody's fault, on to the next.
      if (code !== 'ECONNABORTED' && code !== 'EINTR') return code;
    }
  }

  /** The port in use, of interest after binding port 0. */
  localPort(): number {
    peerLength[0] = peerBuffer.length;
    return libc.getsockname(this.fd, peerBuffer, peerLengthOctets) < 0 ? 0 : decodeSocketAddress(peerBuffer).port;
  }

  /** As the option of this name, for connections accepted from now on. */
  setDscp(codePoint: number): void {
    setDscp(this.fd, this.family, codePoint);
  }

  /**
   * From now on a socket of the same user may listen on the port beside this one, if it says the same of itself
   * (socket(7)). It is not taken back: the kernel remembers of a port that it was shared, as long as anything is bound
   * to it.
   */
  sharePort(): void {
    setInteger(this.fd, libc.SOL_SOCKET, libc.SO_REUSEPORT, 1);
  }

  /** Stops listening without closing, while the process has no descriptors to accept with. */
  pause(): void {
    this.poller.remove(this.fd);
  }

  resume(pollable: Pollable): void {
    this.poller.add(this.fd, pollable, levelIn);
  }

  /** No arrival is told any more; closes at the end of the turn, then calls `closed`. */
  closeAtLast(closed: () => void): void {
    const { fd } = this;
    if (fd < 0) return;
    this.poller.forget(fd);
    this.fd = -1;
    this.poller.atLast(() => {
      libc.close(fd);
      closed();
    });
  }

  /** Closes; connections that wait unaccepted are reset by the kernel. */
  close(): void {
    if (this.fd < 0) return;
    this.poller.forget(this.fd);
    libc.close(this.fd);
    this.fd = -1;
  }
}

function prepare(fd: number, local: SocketAddress, options: ListenOptions): void {
  // Without it a restart would wait a minute for old connections' TIME_WAIT.
  setInteger(fd, libc.SOL_SOCKET, libc.SO_REUSEADDR, 1);
  if (options.sharePort === true) setInteger(fd, libc.SOL_SOCKET, libc.SO_REUSEPORT, 1);
  if (local.octets.length === 16) setInteger(fd, libc.IPPROTO_IPV6, libc.IPV6_V6ONLY, 0);
  preparedFor(options.purpose, fd);
  if (options.dscp !== undefined) setDscp(fd, familyOf(local), options.dscp);
}

/** Sends a last word on a connection that is not wanted, and closes it. */
export function turnAway(fd: number, farewell: Uint8Array): void {
  libc.send(fd, farewell, farewell.length, libc.MSG_NOSIGNAL);
  // What the peer has sent already, unread, would turn the close into a reset that can overtake the farewell.
  libc.recv(fd, unheard, unheard.length, 0);
  libc.close(fd);
}

function failed(fd: number, call: ListenFailure['call']): Listened {
  const code = libc.lastError();
  libc.close(fd);
  return { ok: false, reason: { call, code } };
}
