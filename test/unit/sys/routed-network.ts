// A network of this process alone: client – router – server, each a network namespace without a name that ends when its
// descriptor is closed. A socket belongs to the namespace of the thread that makes it, so one process and one poller
// can have sockets in all three.
//
//   client 198.51.100.2 ── 198.51.100.1 router 10.77.0.1 ── 10.77.0.2 server
//          2001:db8:1::2 ── 2001:db8:1::1      2001:db8:77::1 ── 2001:db8:77::2

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import koffi from 'koffi';
import { lastError } from '../../../src/sys/libc.ts';

const libc = koffi.load(null);
const unshare = libc.func('int unshare(int)') as unknown as (flags: number) => number;
const setns = libc.func('int setns(int, int)') as unknown as (fd: number, kind: number) => number;
const CLONE_NEWNET = 0x40000000;

const ownNamespace = '/proc/thread-self/ns/net';

export const clientAddress = { 4: Uint8Array.of(198, 51, 100, 2), 6: address6(1, 2) };
export const serverAddress = { 4: Uint8Array.of(10, 77, 0, 2), 6: address6(0x77, 2) };

class Namespace {
  private readonly fd: number;

  constructor() {
    const home = openSync(ownNamespace, 'r');
    if (unshare(CLONE_NEWNET) !== 0) throw new Error(`unshare: ${lastError()}`);
    this.fd = openSync(ownNamespace, 'r');
    setns(home, CLONE_NEWNET);
    closeSync(home);
    this.command('ip link set lo up');
    // No waiting for duplicate addresses: a link-local one is needed before any neighbour can be asked for (RFC 4862
    // §5.4).
    this.sysctl('net/ipv6/conf/default/accept_dad', 0);
  }

  /** Whatever the synchronous `body` opens or starts is in this namespace. */
  within<T>(body: () => T): T {
    const home = openSync(ownNamespace, 'r');
    try {
      if (setns(this.fd, CLONE_NEWNET) !== 0) throw new Error(`setns: ${lastError()}`);
      return body();
    } finally {
      if (setns(home, CLONE_NEWNET) !== 0) process.abort();
      closeSync(home);
    }
  }

  /** As `ip link … netns` wants it. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`;
  }

  /** A command of words without blanks; a failure fails the test. */
  command(line: string, input = ''): string {
    const [program = '', ...args] = line.split(' ');
    const { status, stdout, stderr, error } = this.within(() => spawnSync(program, args, { encoding: 'utf8', input }));
    if (status !== 0) throw new Error(`${line}: ${error ?? stderr}`);
    return stdout;
  }

  /** `name` with slashes, below /proc/sys. */
  sysctl(name: string, value: number): void {
    this.within(() => writeFileSync(`/proc/sys/${name}`, String(value)));
  }

  close(): void {
    closeSync(this.fd);
  }
}

export interface RoutedNetwork {
  readonly client: Namespace;
  readonly router: Namespace;
  readonly server: Namespace;
  close(): void;
}

/** Routes are there, nothing is filtered; the router tracks connections once a ruleset asks for it. */
export function openRoutedNetwork(): RoutedNetwork {
  const [client, router, server] = [new Namespace(), new Namespace(), new Namespace()];
  for (const [side, end, net4, net6] of [
    ['wan0', client, '198.51.100', '2001:db8:1:'],
    ['lan0', server, '10.77.0', '2001:db8:77:'],
  ] as const) {
    router.command(`ip link add ${side} type veth peer name eth0 netns ${end.path}`);
    for (const [place, device, number] of [
      [router, side, 1],
      [end, 'eth0', 2],
    ] as const) {
      place.command(`ip address add ${net4}.${number}/24 dev ${device}`);
      place.command(`ip -6 address add ${net6}:${number}/64 dev ${device} nodad`);
      place.command(`ip link set ${device} up`);
    }
    end.command(`ip route add default via ${net4}.1`);
    end.command(`ip -6 route add default via ${net6}:1`);
  }
  router.sysctl('net/ipv4/ip_forward', 1);
  router.sysctl('net/ipv6/conf/all/forwarding', 1);
  return {
    client,
    router,
    server,
    close: () => {
      for (const namespace of [client, router, server]) namespace.close();
    },
  };
}

function address6(subnet: number, host: number): Uint8Array {
  return Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, subnet, 0, 0, 0, 0, 0, 0, 0, 0, 0, host);
}
