// Which data connections does somebody ask for who opens /pinholes?state=open&client=192.0.2.7? What cannot be read is
// told and not ignored: a list that left out the filter would be believed.

import { type Address, parseAddress } from '../address/endpoint.ts';
import { type WayEntry, type WayState, wayStates } from './way-entry.ts';

export type WayFilter =
  | { readonly ok: true; readonly matches: (entry: WayEntry) => boolean }
  | { readonly ok: false; readonly reason: string };

export function readWayFilter(query: URLSearchParams): WayFilter {
  let state: WayState | undefined;
  let client: string | undefined;
  for (const [name, value] of query) {
    if (name === 'state') {
      state = wayStates.find((known) => known === value);
      if (state === undefined) return { ok: false, reason: `state is one of ${wayStates.join(', ')}` };
    } else if (name === 'client') {
      const address = parseAddress(value);
      if (!address.ok) return { ok: false, reason: `client: ${address.reason}` };
      client = beforePort(address.value);
    } else return { ok: false, reason: 'only state=… and client=… can be asked for' };
  }
  return {
    ok: true,
    matches: (entry) =>
      (state === undefined || entry.state === state) && (client === undefined || entry.client.startsWith(client)),
  };
}

/** How every endpoint with this address is printed, as far as the port. */
function beforePort({ family, text }: Address): string {
  return family === 4 ? `${text}:` : `[${text}]:`;
}
