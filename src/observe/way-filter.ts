// Which data connections does somebody ask for who opens /pinholes?state=open&client=192.0.2.7? What cannot be read is
// told and not ignored: a list that left out the filter would be believed.

import { type Address, parseAddress } from '../address/endpoint.ts';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { type WayEntry, type WayState, wayStates } from './way-entry.ts';

/** Whether it is one of those that are asked for. */
type WayFilter = (entry: WayEntry) => boolean;

export function readWayFilter(query: URLSearchParams): Parsed<WayFilter> {
  let state: WayState | undefined;
  let client: string | undefined;
  for (const [name, value] of query) {
    if (name === 'state') {
      state = wayStates.find((known) => known === value);
      if (state === undefined) return unreadable(`state is one of ${wayStates.join(', ')}`);
    } else if (name === 'client') {
      const address = parseAddress(value);
      if (!address.ok) return unreadable(`client: ${address.reason}`);
      client = beforePort(address.value);
    } else return unreadable('only state=… and client=… can be asked for');
  }
  return parsed(
    (entry) =>
      (state === undefined || entry.state === state) && (client === undefined || entry.client.startsWith(client)),
  );
}

/** How every endpoint with this address is printed, as far as the port. */
function beforePort({ family, text }: Address): string {
  return family === 4 ? `${text}:` : `[${text}]:`;
}
