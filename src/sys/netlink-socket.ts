// Asks a part of the kernel (netfilter, the routes) and reads its answers, with a bound on every wait. The kernel
// answers before send(2) returns; should an answer be lost all the same, the socket is closed and the next question
// opens another: nothing that comes late is ever taken for the answer to something else. netlink(7).

import { nameOfErrno, SysError, type SysErrorCode } from './errno.ts';
import * as libc from './libc.ts';
import { type MessageWriter, messagesIn, NLMSG_ERROR } from './netlink.ts';

const answerOctetsMax = 8192;
const answerWaitMs = 1000;
// A signal that interrupts is no failure, but a storm of them must not keep the thread for ever.
const interruptionsMax = 64;
// Answers to earlier questions are passed over, but not for ever.
export const staleMax = 64;
const EPROTO = 71;

// struct timeval, both fields 64 bits wide.
const answerWait = new Uint8Array(
  BigInt64Array.of(BigInt(Math.floor(answerWaitMs / 1000)), BigInt(answerWaitMs % 1000) * 1000n).buffer,
);
const one = new Uint8Array(Int32Array.of(1).buffer);
// struct sockaddr_nl with port id 0, which is the kernel.
const kernel = new Uint8Array(Uint16Array.of(libc.AF_NETLINK, 0, 0, 0, 0, 0).buffer);

/** In the network namespace of the thread that opens it. */
export class NetlinkSocket {
  /** What `receive` fills. */
  readonly answer = new Uint8Array(answerOctetsMax);
  readonly answerView = new DataView(this.answer.buffer);
  private readonly protocol: number;
  private fd = -1;

  /** Opened by the first question. */
  constructor(protocol: number = libc.NETLINK_NETFILTER) {
    this.protocol = protocol;
  }

  /** Throws SysError. */
  static open(): NetlinkSocket {
    const socket = new NetlinkSocket();
    const code = socket.ensureOpen();
    if (code !== undefined) throw new SysError('socket', code);
    return socket;
  }

  /** Undefined when it has been sent whole. */
  send(octets: Uint8Array, length: number): SysErrorCode | undefined {
    const unopened = this.ensureOpen();
    if (unopened !== undefined) return unopened;
    for (let interruptions = 0; ; interruptions++) {
      if (libc.send(this.fd, octets, length, 0) >= 0) return undefined;
      const code = libc.lastError();
      if (code !== 'EINTR' || interruptions === interruptionsMax) return code;
    }
  }

  /** How many octets came. ETIMEDOUT where none did; after that, and any other failure, the socket is another one. */
  receive(): number | SysErrorCode {
    for (let interruptions = 0; ; interruptions++) {
      const count = libc.recv(this.fd, this.answer, answerOctetsMax, 0);
      if (count >= 0) return count;
      const code = libc.lastError();
      if (code === 'EINTR' && interruptions < interruptionsMax) continue;
      this.close();
      return code === 'EAGAIN' ? 'ETIMEDOUT' : code;
    }
  }

  /** struct nlmsgerr, between two places of `answer`: zero is the acknowledgement, else a negative errno. */
  errorAt(from: number, to: number): SysErrorCode | undefined {
    const errno = to - from < 4 ? EPROTO : -this.answerView.getInt32(from, true);
    return errno === 0 ? undefined : nameOfErrno(errno);
  }

  /** Asks for the one thing that `question` names. Only a clear no is a no: whoever cannot be asked has not said so. */
  hasNone(question: MessageWriter, sequence: number): boolean {
    if (this.send(question.octets, question.length) !== undefined) return false;
    for (let stale = 0; stale < staleMax; stale++) {
      const count = this.receive();
      if (typeof count !== 'number') return false;
      for (const message of messagesIn(this.answer, count)) {
        if (message.sequence !== sequence) continue;
        return message.type === NLMSG_ERROR && this.errorAt(message.from, message.to) === 'ENOENT';
      }
    }
    return false;
  }

  /** Whatever is still to come finds nobody. */
  close(): void {
    if (this.fd >= 0) libc.close(this.fd);
    this.fd = -1;
  }

  private ensureOpen(): SysErrorCode | undefined {
    if (this.fd >= 0) return undefined;
    const fd = libc.socket(libc.AF_NETLINK, libc.SOCK_RAW | libc.SOCK_CLOEXEC, this.protocol);
    if (fd < 0) return libc.lastError();
    if (prepared(fd)) {
      this.fd = fd;
      return undefined;
    }
    const code = libc.lastError();
    libc.close(fd);
    return code;
  }
}

function prepared(fd: number): boolean {
  return (
    libc.setsockopt(fd, libc.SOL_SOCKET, libc.SO_RCVTIMEO, answerWait, answerWait.length) === 0 &&
    // Refusals come without a copy of what was asked.
    libc.setsockopt(fd, libc.SOL_NETLINK, libc.NETLINK_CAP_ACK, one, one.length) === 0 &&
    // Connected, so that no other process can put answers of its own among the kernel's.
    libc.connect(fd, kernel, kernel.length) === 0
  );
}
