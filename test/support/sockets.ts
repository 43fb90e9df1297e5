// Which TCP sockets has the machine at some endpoints, listening or connected? Read from /proc/net (proc(5)).
// TIME_WAIT does not count: it is the kernel's memory of a connection, no longer anyone's socket.

import { readFile } from 'node:fs/promises';
import type { LabEndpoint } from './lab.ts';

const timeWait = '06';

/** One line of text per socket with either end at one of the endpoints; for IPv4 the address alone counts. */
export async function openSockets(endpoints: readonly LabEndpoint[]): Promise<string[]> {
  const found: string[] = [];
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const [, ...rows] = (await readFile(table, 'latin1').catch(() => '')).trimEnd().split('\n');
    for (const row of rows) {
      const [, local = '', remote = '', state] = row.trim().split(/\s+/);
      const ends = [readEnd(local), readEnd(remote)];
      const ours = ends.some((end) => endpoints.some((endpoint) => isAt(end, endpoint)));
      if (ours && state !== timeWait) found.push(`socket ${ends.map(printEnd).join(' to ')} in state ${state}`);
    }
  }
  return found;
}

function isAt(end: LabEndpoint, endpoint: LabEndpoint): boolean {
  return end.host === endpoint.host && (!endpoint.host.includes(':') || end.port === endpoint.port);
}

/** The kernel prints each 32-bit word of an address in the host's order, which is little-endian on all that we run on. */
function readEnd(text: string): LabEndpoint {
  const [words = '', port = ''] = text.split(':');
  const octets = (words.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  const tail = octets.slice(-4).join('.');
  const isIpv4 = octets.length === 4 || octets.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  const isLoopback6 = octets.length === 16 && octets.every((octet, at) => octet === (at === 15 ? 1 : 0));
  const host = isIpv4 ? tail : isLoopback6 ? '::1' : words;
  return { host, port: Number.parseInt(port, 16) };
}

function printEnd({ host, port }: LabEndpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
