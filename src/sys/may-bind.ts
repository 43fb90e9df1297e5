// Can this address and port be bound at all? Asked before they are needed, so that a missing right or a port in use
// shows at start-up. bind(2).

import type { SysErrorCode } from './errno.ts';
import * as libc from './libc.ts';
import { encodeSocketAddress, familyOf, type SocketAddress } from './socket-address.ts';
import { setInteger } from './socket-option.ts';

/** Undefined where it can, else why not. Nothing stays bound. */
export function mayBind(local: SocketAddress): SysErrorCode | undefined {
  const fd = libc.socket(familyOf(local), libc.SOCK_STREAM | libc.SOCK_CLOEXEC, 0);
  if (fd < 0) return libc.lastError();
  // As the listeners do: old connections in TIME_WAIT are no obstacle, a socket that listens is.
  setInteger(fd, libc.SOL_SOCKET, libc.SO_REUSEADDR, 1);
  const structure = encodeSocketAddress(local);
  const code =
    libc.bindSocket(fd, structure, structure.length) < 0 || libc.listen(fd, 1) < 0 ? libc.lastError() : undefined;
  libc.close(fd);
  return code;
}
