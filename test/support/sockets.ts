// Which TCP sockets has the machine, or the network of a process, at some endpoints, listening or connected? Read from
// /proc/net (proc(5)). TIME_WAIT does not count: it is the kernel's memory of a connection, no longer anyone's socket.

import { readFile } from 'node:fs/promises';
import { octetsOfAddress, parseAddress } from '../../src/address/endpoint.ts';

const timeWait = '06';
const listening = '0A';

/** Where a socket listens or stands connected. */
export interface SocketEnd {
  readonly host: string;
  readonly port: number;
}

/** One line of text per socket with either end at one of the endpoints; for IPv4 the address alone counts. */
export async function openSockets(endpoints: readonly SocketEnd[]): Promise<string[]> {
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

/** Whether somebody listens exactly there, in the network namespace of a process. */
export async function isListening(pid: number, endpoint: SocketEnd): Promise<boolean> {
  const wanted = endOf(endpoint);
  const table = await readFile(`/proc/${pid}/net/${endpoint.host.includes(':') ? 'tcp6' : 'tcp'}`, 'latin1').catch(
    () => '',
  );
  return table.split('\n').some((row) => {
    const [, local, , state] = row.trim().split(/\s+/);
    return local === wanted && state === listening;
  });
}

/** As the kernel prints it, see readEnd. */
function endOf({ host, port }: SocketEnd): string {
  const address = parseAddress(host);
  if (!address.ok) throw new Error(`${host}: ${address.reason}`);
  const words = Buffer.from(octetsOfAddress(address.value)).swap32().toString('hex');
  return `${words}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

function isAt(end: SocketEnd, endpoint: SocketEnd): boolean {
  return end.host === endpoint.host && (!endpoint.host.includes(':') || end.port === endpoint.port);
}

/**
 * The kernel prints each 32-bit word of an address in the host's order, which is little-endian on all that we run on.
 */
function readEnd(text: string): SocketEnd {
  const [words = '', port = ''] = text.split(':');
  const octets = (words.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  const tail = octets.slice(-4).join('.');
  const isIpv4 = octets.length === 4 || octets.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  const isLoopback6 = octets.length === 16 && octets.every((octet, at) => octet === (at === 15 ? 1 : 0));
  const host = isIpv4 ? tail : isLoopback6 ? '::1' : words;
  return { host, port: Number.parseInt(port, 16) };
}

function printEnd({ host, port }: SocketEnd): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
