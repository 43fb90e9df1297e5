// The pinhole path (src/datapath/pinhole.ts) as a data path: in the router between client and server, each a network
// namespace of this process, with our table as the gateway installs it and an operator's firewall that drops all else.
// Both addresses are translated, so each peer sees the router alone, as with the relay.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import type { Address } from '../../src/address/endpoint.ts';
import { KernelPlane } from '../../src/datapath/kernel-plane.ts';
import { PinholePath } from '../../src/datapath/pinhole.ts';
import { PortPool } from '../../src/datapath/port-pool.ts';
import { install } from '../../src/nftables/table.ts';
import type { Side } from '../../src/session/expectation.ts';
import { Poller } from '../../src/sys/poller.ts';
import { whyNoOwnNetwork } from '../support/own-network.ts';
import { address, networks, tablePlan } from '../support/table-plans.ts';
import { openRoutedNetwork, type RoutedNetwork } from '../unit/sys/routed-network.ts';
import type { MakeFixture, Places } from './data-path-fixture.ts';
import { dataPathCompliance } from './data-path-suite.ts';

const operatorsTable = `table inet filter
delete table inet filter
table inet filter {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct mark ${tablePlan.dataMark} accept
  }
}
`;

const addresses: Readonly<Record<'gateway' | 'peer', Readonly<Record<Side, Readonly<Record<4 | 6, Address>>>>>> = {
  gateway: {
    client: { 4: address('198.51.100.1'), 6: address('2001:db8:1::1') },
    server: { 4: address('10.77.0.1'), 6: address('2001:db8:77::1') },
  },
  peer: {
    client: { 4: address('198.51.100.2'), 6: address('2001:db8:1::2') },
    server: { 4: address('10.77.0.2'), 6: address('2001:db8:77::2') },
  },
};
const strangers = { client: address('198.51.100.66'), server: address('10.77.0.66') };

const skip = whyNoOwnNetwork();
const network = skip === false ? preparedNetwork() : undefined;
after(() => network?.close());

function preparedNetwork(): RoutedNetwork {
  const opened = openRoutedNetwork();
  for (const side of ['client', 'server'] as const)
    opened[side].command(`ip address add ${strangers[side].text}/24 dev eth0`);
  opened.router.command('nft -f -', operatorsTable);
  opened.router.sysctl('net/netfilter/nf_conntrack_acct', 1);
  return opened;
}

const places: Places = {
  gateway: (side, family) => addresses.gateway[side][family],
  peer: (side, family) => addresses.peer[side][family],
  stranger: (side) => strangers[side],
  within: (side, body) => network![side].within(body),
};

const { table, dataMark } = tablePlan;
const guard = networks('10.77.0.0/24', '198.51.100.0/24', '2001:db8::/32');

function making(endFlows: boolean): MakeFixture {
  return ({ dataPorts, expectationTimeoutMs }) => {
    const poller = new Poller();
    const ports = new PortPool(dataPorts);
    const plane = network!.router.within(() => {
      const installed = install({ ...tablePlan, guard, expectationTimeoutMs, endFlows }, { replace: true });
      assert.ok(installed.ok, installed.ok ? '' : installed.reason);
      return new KernelPlane({ poller, table, dataMark });
    });
    return {
      path: new PinholePath({ poller, plane, ports, expectationTimeoutMs, endFlows }),
      poller,
      ports,
      close: () => {
        plane.shutDown();
        poller.close();
      },
    };
  };
}

for (const [name, closing] of [
  ['pinhole', 'lets-go'],
  ['pinhole with endFlows', 'cuts'],
] as const) {
  const make = making(closing === 'cuts');
  dataPathCompliance({ name, traits: { connections: 'one-through', closing }, places, make }, { skip });
}
