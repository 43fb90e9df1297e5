// Which elements let a client open data connections to a range of its server's ports, for a session that is not read?
//
// The client dials `announced`, the server listens at `server` and sees `source`; ports stay as they are. What is equal
// on both sides needs no translation.

import { type Address, sameAddress } from '../address/endpoint.ts';
import type { ElementChange } from '../sys/nfnetlink.ts';
import { concatenated } from './element-octets.ts';
import { type PassiveRangePorts, rangeSets } from './table-plan.ts';

export interface RangePeers {
  readonly client: Address;
  readonly announced: Address;
  readonly server: Address;
  readonly source: Address;
  readonly ports: PassiveRangePorts;
}

/** Undefined where the addresses are not of one family: the kernel joins no two. */
export function rangeElements(
  { client, announced, server, source, ports }: RangePeers,
  engine: number,
  timeoutMs: number,
): readonly ElementChange[] | undefined {
  const { family } = client;
  if ([announced, server, source].some((address) => address.family !== family)) return undefined;
  const sets = rangeSets(family, ports, engine);
  const through = concatenated(client, server);
  const changes: ElementChange[] = [];
  if (!sameAddress(announced, server)) {
    const key = concatenated(client, announced);
    changes.push({ kind: 'add', set: sets.redirects, key, value: concatenated(server), timeoutMs });
  }
  if (!sameAddress(source, client))
    changes.push({ kind: 'add', set: sets.sources, key: through, value: concatenated(source), timeoutMs });
  changes.push({ kind: 'add', set: sets.peers, key: through, timeoutMs });
  return changes;
}
