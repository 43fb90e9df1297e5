// The system calls that Node hides, bound once. Thin: numbers in, numbers out, -1 and errno as in C.
// Lengths stay below 2^31 at every caller, so results of ssize_t are read as int and never arrive as BigInt.
// Symbols are resolved from the running process, so glibc and musl both serve. Manual pages: section 2.

import koffi from 'koffi';
import { nameOfErrno, type SysErrorCode } from './errno.ts';

const libc = koffi.load(null);

type Octets = Uint8Array;
type Call<A extends unknown[]> = (...args: A) => number;

function bind<A extends unknown[]>(prototype: string): Call<A> {
  return libc.func(prototype) as unknown as Call<A>;
}

export const socket = bind<[family: number, type: number, protocol: number]>('int socket(int, int, int)');
export const bindSocket = bind<[fd: number, address: Octets, length: number]>('int bind(int, const void *, uint32_t)');
export const listen = bind<[fd: number, backlog: number]>('int listen(int, int)');
export const accept4 = bind<[fd: number, address: Octets, length: Octets, flags: number]>(
  'int accept4(int, void *, void *, int)',
);
export const connect = bind<[fd: number, address: Octets, length: number]>('int connect(int, const void *, uint32_t)');
export const getsockname = bind<[fd: number, address: Octets, length: Octets]>('int getsockname(int, void *, void *)');
export const setsockopt = bind<[fd: number, level: number, option: number, value: Octets, length: number]>(
  'int setsockopt(int, int, int, const void *, uint32_t)',
);
export const getsockopt = bind<[fd: number, level: number, option: number, value: Octets, length: Octets]>(
  'int getsockopt(int, int, int, void *, void *)',
);
export const recv = bind<[fd: number, into: Octets, length: number, flags: number]>(
  'int recv(int, void *, size_t, int)',
);
export const send = bind<[fd: number, from: Octets, length: number, flags: number]>(
  'int send(int, const void *, size_t, int)',
);
/** send() of octets that lie outside of JavaScript's memory. */
export const sendAt = bind<[fd: number, address: bigint, length: number, flags: number]>(
  'int send(int, uintptr_t, size_t, int)',
);
export const shutdown = bind<[fd: number, how: number]>('int shutdown(int, int)');
export const close = bind<[fd: number]>('int close(int)');
export const read = bind<[fd: number, into: Octets, length: number]>('int read(int, void *, size_t)');
export const write = bind<[fd: number, from: Octets, length: number]>('int write(int, const void *, size_t)');
export const pipe2 = bind<[ends: Octets, flags: number]>('int pipe2(void *, int)');
export const fcntl = bind<[fd: number, command: number, argument: number]>('int fcntl(int, int, int)');
export const splice = bind<[from: number, offIn: null, to: number, offOut: null, length: number, flags: number]>(
  'int splice(int, void *, int, void *, size_t, unsigned int)',
);
export const epollCreate1 = bind<[flags: number]>('int epoll_create1(int)');
export const epollCtl = bind<[epoll: number, operation: number, fd: number, event: Octets]>(
  'int epoll_ctl(int, int, int, void *)',
);
export const epollWait = bind<[epoll: number, events: Octets, max: number, timeoutMs: number]>(
  'int epoll_wait(int, void *, int, int)',
);
export const eventfd = bind<[initial: number, flags: number]>('int eventfd(unsigned int, int)');
export const getrlimit = bind<[resource: number, limit: Octets]>('int getrlimit(int, void *)');
export const setrlimit = bind<[resource: number, limit: Octets]>('int setrlimit(int, const void *)');

/** if_nametoindex(3): 0 where there is no such interface in the network namespace of this thread. */
export const interfaceIndex = libc.func('unsigned int if_nametoindex(const char *)') as unknown as (
  name: string,
) => number;

/** struct sock_fprog: a classic BPF program, as many instructions of eight octets as `length` says. */
interface FilterProgram {
  readonly length: number;
  readonly instructions: Octets;
}

const filterProgram = koffi.struct({ length: 'uint16_t', instructions: 'void *' });
/** setsockopt() for SO_ATTACH_FILTER, whose value holds a pointer. */
export const attachFilter = libc.func('setsockopt', 'int', [
  'int',
  'int',
  'int',
  koffi.pointer(filterProgram),
  'uint32_t',
]) as unknown as Call<[fd: number, level: number, option: number, program: FilterProgram, length: number]>;
export const filterProgramOctets = koffi.sizeof(filterProgram);

/** Why the last call on this thread returned -1. */
export function lastError(): SysErrorCode {
  return nameOfErrno(koffi.errno());
}

// asm-generic values: the same on x86-64 and arm64, the two processors that Portcullis is built for.
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_KEEPALIVE = 9;
export const SO_OOBINLINE = 10;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
export const SO_RCVTIMEO = 20;
export const SO_BINDTODEVICE = 25;
export const SO_MARK = 36;
export const IPPROTO_IP = 0;
export const IP_TRANSPARENT = 19;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const IPV6_TRANSPARENT = 75;
export const MSG_OOB = 1;
export const MSG_PEEK = 2;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const SHUT_WR = 1;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const F_SETPIPE_SZ = 1031;
export const SPLICE_F_MOVE = 1;
export const SPLICE_F_NONBLOCK = 2;
export const RLIMIT_NOFILE = 7;
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const SOL_NETLINK = 270;
export const NETLINK_CAP_ACK = 10;
export const SO_RCVBUF = 8;
export const SO_ATTACH_FILTER = 26;
export const SO_RCVBUFFORCE = 33;
