// Which sockets of other processes listen on a port? Sockets that share a port (SO_REUSEPORT) share it with every
// program of the same user that says so, silently; this process's own are known by their descriptors. proc(5): net/tcp,
// fd.

import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { endianness } from 'node:os';

const listenState = '0A';
const chunkOctets = 65_536;

/** Their addresses, 4 or 16 octets each; undefined where /proc does not tell. */
export function othersListening(port: number): Uint8Array[] | undefined {
  try {
    const found = [...listening('/proc/self/net/tcp', port), ...listeningOrNone('/proc/self/net/tcp6', port)];
    const others = withoutOwn(new Map(found.map(({ inode, octets }) => [inode, octets])));
    return [...others.values()];
  } catch {
    return undefined;
  }
}

interface Listening {
  readonly inode: string;
  readonly octets: Uint8Array;
}

function listeningOrNone(table: string, port: number): Listening[] {
  try {
    return listening(table, port);
  } catch {
    // A kernel without IPv6 has no such table.
    return [];
  }
}

/**
 * One line each, `sl local remote state tx:rx tr:when retransmits uid timeout inode …`; those that listen come first.
 */
function listening(table: string, port: number): Listening[] {
  const found: Listening[] = [];
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  for (const line of linesOf(table)) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    // The head of the table has no state.
    if (state !== listenState && /^\d+:/.test(line.trim())) break;
    const [address = '', at] = local.split(':');
    if (state === listenState && at === wanted) found.push({ inode, octets: octetsOf(address) });
  }
  return found;
}

/** Words of 32 bits, each printed as a number of this machine. */
function octetsOf(words: string): Uint8Array {
  const octets = Buffer.from(words, 'hex');
  return endianness() === 'LE' ? octets.swap32() : octets;
}

/** Reads no further than it is asked: behind those that listen come all connections of the machine. */
function* linesOf(table: string): Generator<string> {
  const fd = openSync(table, 'r');
  try {
    const chunk = Buffer.alloc(chunkOctets);
    let rest = '';
    for (;;) {
      const count = readSync(fd, chunk, 0, chunk.length, null);
      if (count === 0) return;
      const lines = (rest + chunk.toString('latin1', 0, count)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    closeSync(fd);
  }
}

function withoutOwn(byInode: Map<string, Uint8Array>): Map<string, Uint8Array> {
  if (byInode.size === 0) return byInode;
  for (const fd of readdirSync('/proc/self/fd')) {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(targetOf(fd)) ?? [];
    if (inode !== undefined) byInode.delete(inode);
    if (byInode.size === 0) break;
  }
  return byInode;
}

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // Closed meanwhile, as the descriptor of the folder itself.
    return '';
  }
}
