// Which error did a system call report? Numbers of Linux become names here and nowhere else;
// every other file speaks of SysErrorCode. Names and meanings: errno(3).

const codes = {
  1: 'EPERM',
  2: 'ENOENT',
  4: 'EINTR',
  9: 'EBADF',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  16: 'EBUSY',
  17: 'EEXIST',
  22: 'EINVAL',
  23: 'ENFILE',
  24: 'EMFILE',
  28: 'ENOSPC',
  32: 'EPIPE',
  71: 'EPROTO',
  88: 'ENOTSOCK',
  90: 'EMSGSIZE',
  92: 'ENOPROTOOPT',
  95: 'EOPNOTSUPP',
  97: 'EAFNOSUPPORT',
  98: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
  100: 'ENETDOWN',
  101: 'ENETUNREACH',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  105: 'ENOBUFS',
  107: 'ENOTCONN',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  112: 'EHOSTDOWN',
  113: 'EHOSTUNREACH',
  115: 'EINPROGRESS',
} as const;

/** A failed system call's cause; `EOTHER` stands for numbers that this program never has to tell apart. */
export type SysErrorCode = (typeof codes)[keyof typeof codes] | 'EOTHER';

/** The name of an errno number. */
export function nameOfErrno(errno: number): SysErrorCode {
  return (codes as Record<number, SysErrorCode | undefined>)[errno] ?? 'EOTHER';
}

/**
 * The world failed: which call, with which code. Thrown only where no caller can go on (set-up); hot paths return it.
 */
export class SysError extends Error {
  readonly call: string;
  readonly code: SysErrorCode;

  constructor(call: string, code: SysErrorCode) {
    super(`${call}: ${code}`);
    this.name = 'SysError';
    this.call = call;
    this.code = code;
  }
}
