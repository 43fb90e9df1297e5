// Is another process of this network namespace at the same thing? What tells so is a netlink socket that is a member of
// groups: no process gets into one without CAP_NET_ADMIN, so nobody else can keep the gateway out, and it goes with its
// process, however that ends. A file would stay behind, and the name of a local socket is anybody's to take.
// netlink(7).

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Result } from '../result.ts';
import type { SysErrorCode } from './errno.ts';
import * as libc from './libc.ts';

// The first nine groups have a meaning (NFNLGRP_*); nothing is ever told to the others. The name is in which of these
// are joined, so that two names are taken for one in four million cases.
const meaningfulGroups = 9;
const alwaysJoined = 0x8000_0000;

export class HeldName {
  private fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * In the network namespace of this thread. `ss -f netlink` shows the processes that have such sockets. EADDRINUSE:
   * somebody else holds it; EPERM without CAP_NET_ADMIN.
   */
  static hold(name: string): Result<HeldName, SysErrorCode> {
    const hash = createHash('sha256').update(name).digest().readUInt32BE();
    const groups = ((hash << meaningfulGroups) | alwaysJoined) >>> 0;
    const fd = libc.socket(libc.AF_NETLINK, libc.SOCK_RAW | libc.SOCK_CLOEXEC, libc.NETLINK_NETFILTER);
    if (fd < 0) return { ok: false, reason: libc.lastError() };
    // Of two that begin at once only one gets the number. Others may have it without being members: then any number
    // will do.
    const number = hash >>> 1;
    const code = joined(fd, number, groups) ?? (members(groups) > 1 ? 'EADDRINUSE' : undefined);
    const second = code === 'EADDRINUSE' && members(groups) === 0 ? joined(fd, 0, groups) : code;
    if (second === undefined && members(groups) === 1) return { ok: true, value: new HeldName(fd) };
    libc.close(fd);
    return { ok: false, reason: second ?? 'EADDRINUSE' };
  }

  /** Others may have it. */
  release(): void {
    if (this.fd >= 0) libc.close(this.fd);
    this.fd = -1;
  }
}

/** struct sockaddr_nl: family, padding, port number, groups. Number 0 leaves the choice to the kernel. */
function joined(fd: number, number: number, groups: number): SysErrorCode | undefined {
  const address = new Uint8Array(Uint32Array.of(libc.AF_NETLINK, number, groups).buffer);
  return libc.bindSocket(fd, address, address.length) === 0 ? undefined : libc.lastError();
}

/**
 * How many sockets are members of these groups and no others above the meaningful ones. proc(5): socket, protocol,
 * port, groups.
 */
function members(groups: number): number {
  const lines = readFileSync('/proc/thread-self/net/netlink', 'latin1').split('\n').slice(1);
  return lines.filter((line) => {
    const [, protocol, , joinedGroups] = line.split(/\s+/);
    if (Number(protocol) !== libc.NETLINK_NETFILTER || joinedGroups === undefined) return false;
    return Number.parseInt(joinedGroups, 16) >>> meaningfulGroups === groups >>> meaningfulGroups;
  }).length;
}
