// Is another process of this network namespace at the same thing? A name in the abstract namespace of local sockets, which
// has one holder at a time and goes with its process, however that ends: a file would stay behind. unix(7).

import type { SysErrorCode } from './errno.ts';
import * as libc from './libc.ts';

export type Holding =
  | { readonly ok: true; readonly name: HeldName }
  /** EADDRINUSE: somebody else holds it; EINVAL: the name is too long. */
  | { readonly ok: false; readonly code: SysErrorCode };

// struct sockaddr_un: u16 family, then the name; the NUL before it makes it abstract, and its length is all that ends it.
const familyOctets = 2;
const nameOctetsMax = 107;

export class HeldName {
  private fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** `ss -xa` shows who holds what. */
  static hold(name: string): Holding {
    const octets = new TextEncoder().encode(`\0${name}`);
    if (octets.length > nameOctetsMax) return { ok: false, code: 'EINVAL' };
    const address = new Uint8Array(familyOctets + octets.length);
    new DataView(address.buffer).setUint16(0, libc.AF_UNIX, true);
    address.set(octets, familyOctets);
    const fd = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM | libc.SOCK_CLOEXEC, 0);
    if (fd < 0) return { ok: false, code: libc.lastError() };
    if (libc.bindSocket(fd, address, address.length) === 0) return { ok: true, name: new HeldName(fd) };
    const code = libc.lastError();
    libc.close(fd);
    return { ok: false, code };
  }

  /** Others may have it. */
  release(): void {
    if (this.fd >= 0) libc.close(this.fd);
    this.fd = -1;
  }
}
