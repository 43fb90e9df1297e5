// Does a transparent listener take connections that are somebody else's: its own, another listener's, those of data?
// Must not break: the kernel diverts by port and interface alone, before it looks for a socket that listens there.

import type { Endpoint } from '../address/endpoint.ts';
import type { Find, ReadableListener } from './finding.ts';
import { takesFamily } from './listen-overlap.ts';

export function checkInterception(
  listeners: readonly ReadableListener[],
  admin: Endpoint | undefined,
  index: number,
  find: Find,
): void {
  const own = listeners[index]!;
  const intercept = own.transparent?.intercept;
  if (intercept === undefined) return;
  intercept.ports.forEach((port, at) => {
    const problem = (message: string): void => find(['intercept', 'ports', at], `${port} ${message}`);
    if (intercept.ports.indexOf(port) < at) problem('is named twice; expected each port once');
    else if (own.listen?.port === port) problem('is where this listener listens; expected another port there');
    else checkOthers(port, problem);
    if (own.dataPorts.some(({ from, to }) => from <= port && port <= to)) {
      find(['dataPorts'], `${port} is in intercept.ports too; expected ports without it`);
    }
  });

  function checkOthers(port: number, problem: (message: string) => void): void {
    const rival = listeners.findIndex((other, at) => at < index && diverts(other, port) && bothGet(own, other));
    if (rival >= 0) problem(`is intercepted by listeners[${rival}] too; expected another port or interface`);
    // Behind a named interface the others' clients may never be.
    if (intercept?.interface !== undefined) return;
    const isTaken = (socket: Endpoint | undefined): boolean => socket?.port === port && meets(own, socket);
    const other = listeners.findIndex(({ listen }, at) => at !== index && isTaken(listen));
    const by = other >= 0 ? `listeners[${other}].listen` : isTaken(admin) ? 'admin.listen' : undefined;
    if (by !== undefined) problem(`would be taken from ${by}; expected an intercept.interface, or another port`);
  }
}

function diverts({ transparent }: ReadableListener, port: number): boolean {
  return transparent?.intercept?.ports.includes(port) ?? false;
}

function bothGet(a: ReadableListener, b: ReadableListener): boolean {
  const [one, other] = [a.transparent?.intercept?.interface, b.transparent?.intercept?.interface];
  if (one !== undefined && other !== undefined && one !== other) return false;
  return b.listen !== undefined && meets(a, b.listen);
}

function meets({ listen }: ReadableListener, { address }: Endpoint): boolean {
  if (listen === undefined) return false;
  return ([4, 6] as const).some((family) => takesFamily(listen.address, family) && takesFamily(address, family));
}
