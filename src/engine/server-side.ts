// Which server does a client of this listener get to, and how does the connection to it leave this machine? For
// transparent listeners by the machine's own addresses and routes as they are at that moment.

import { type Address, type Endpoint, octetsOfAddress } from '../address/endpoint.ts';
import type { DoorTerms } from '../control/front-door.ts';
import { destinationOf, type WayThere } from '../policy/destination.ts';
import type { KernelSettings, ListenerSettings } from '../settings/settings.ts';
import { interfaceIndex } from '../sys/libc.ts';
import { Routes } from '../sys/routes.ts';
import type { DialOptions } from '../sys/tcp-socket.ts';

export class ServerSide {
  private readonly routes = new Routes();

  destinations(listener: ListenerSettings, { serverMark }: KernelSettings): DoorTerms['destinationOf'] {
    if (listener.mode === 'reverse') {
      const destination = { ok: true, value: listener.upstream } as const;
      return () => destination;
    }
    const wayTo = (address: Address): WayThere => this.wayTo(address, listener.egress, serverMark);
    return (client, dialled) => destinationOf(listener, client.address, dialled, wayTo);
  }

  close(): void {
    this.routes.close();
  }

  private wayTo(address: Address, egress: string | undefined, mark: number): WayThere {
    const route = this.routes.to(octetsOfAddress(address), mark);
    if (route.kind === 'own') return 'own';
    // By name each time: an interface that comes back has another number.
    const isEgress = egress !== undefined && route.kind === 'out' && route.interfaceIndex === interfaceIndex(egress);
    return isEgress ? 'egress' : 'elsewhere';
  }
}

/** How the server leg of a session leaves. */
export function serverDial(listener: ListenerSettings, { dscp, serverMark }: KernelSettings): DoorTerms['serverDial'] {
  if (listener.mode === 'reverse') {
    const byTheRoutes: DialOptions = { purpose: 'control' };
    return () => byTheRoutes;
  }
  const { source, egress } = listener;
  // Transparent also at an address of this machine's own: it is how our table knows the connection for one of ours.
  const common: DialOptions = { purpose: 'control', transparent: true, dscp: dscp.control, mark: serverMark, egress };
  if (source === 'gateway') return () => common;
  return (client: Endpoint) => {
    const { address } = source === 'client' ? client : { address: source };
    return { ...common, from: { octets: octetsOfAddress(address), port: 0 } };
  };
}
