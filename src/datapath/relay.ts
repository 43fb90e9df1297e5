// The data path in this process: joins any two legs, active to passive, IPv6 to IPv4. One per listener and engine.

import type { Expectation } from '../session/expectation.ts';
import type { DataPath, Opening, WayOwner } from './data-path.ts';
import { type RelayResources, RelayWay } from './relay-way.ts';

export class Relay implements DataPath {
  private readonly resources: RelayResources;

  constructor(resources: RelayResources) {
    this.resources = resources;
  }

  open(expectation: Expectation, owner: WayOwner): Opening {
    const way = new RelayWay(expectation, this.resources, owner);
    const opened = way.open();
    return opened.ok ? { ok: true, value: { plane: 'relay', ports: opened.value, way } } : opened;
  }
}
