// A plan of our nftables table to change a thing in, and networks and addresses by their texts.

import assert from 'node:assert/strict';
import { type Address, type Endpoint, parseAddress, parseEndpoint } from '../../src/address/endpoint.ts';
import { type Network, parseNetwork } from '../../src/address/network.ts';
import type { Parsed } from '../../src/address/parsed.ts';
import type { Intercept, TablePlan } from '../../src/nftables/table-plan.ts';

export const intercept: Intercept = {
  listener: 'perimeter',
  interface: undefined,
  egress: undefined,
  clients: undefined,
  ports: [21],
  serverPorts: [21],
  families: [4, 6],
  listenAddress: undefined,
  listenPort: 2121,
};

export const tablePlan: TablePlan = {
  table: 'portcullis',
  divertMark: 1,
  dataMark: 0xf7b,
  serverMark: 0xf7d,
  intercepts: [intercept],
  passiveRanges: [],
  engines: 1,
  guard: [],
  endFlows: false,
  expectationTimeoutMs: 30_000,
  pinholesMax: 65_536,
  dscp: { control: undefined, data: undefined },
};

export function address(text: string): Address {
  return must(parseAddress(text));
}

export function endpoint(text: string): Endpoint {
  return must(parseEndpoint(text));
}

export function networks(...texts: string[]): Network[] {
  return texts.map((text) => must(parseNetwork(text)));
}

function must<T>(result: Parsed<T>): T {
  assert.ok(result.ok, result.ok ? '' : result.reason);
  return result.value;
}
