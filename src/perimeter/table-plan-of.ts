// What do the settings want of our nftables table? It belongs to the process and not to an engine: the main thread puts
// it in before the engines open their listeners.

import { isUnspecified } from '../address/endpoint.ts';
import type { Intercept, PassiveRangePorts, TablePlan } from '../nftables/table-plan.ts';
import type { Settings, TransparentListener } from '../settings/settings.ts';

// Of the largest gateway: as many ways at once as there are ports to announce. An element takes about 200 octets.
const pinholesMax = 65_536;

/** Undefined where no listener is transparent, for then the kernel has no part in it. */
export function tablePlanOf({ listeners, kernel, limits, engines }: Settings): TablePlan | undefined {
  const transparent = listeners.filter((listener) => listener.mode === 'transparent');
  if (transparent.length === 0) return undefined;
  return {
    table: kernel.table,
    divertMark: kernel.divertMark,
    dataMark: kernel.dataMark,
    intercepts: transparent.map(interceptOf),
    passiveRanges: passiveRangesOf(transparent),
    engines,
    guard: kernel.guard,
    endFlows: kernel.endFlows,
    serverMark: kernel.serverMark,
    expectationTimeoutMs: limits.expectationTimeoutMs,
    pinholesMax,
    dscp: kernel.dscp,
  };
}

/** Listeners may have the same one. */
function passiveRangesOf(listeners: readonly TransparentListener[]): PassiveRangePorts[] {
  const ranges = new Map<string, PassiveRangePorts>();
  for (const { tls } of listeners) {
    if (tls.client.mode !== 'pass-through') continue;
    const { from, to } = tls.client.passivePorts;
    ranges.set(`${from}-${to}`, { from, to });
  }
  return [...ranges.values()];
}

function interceptOf({ name, listen, intercept, egress, clients, publish }: TransparentListener): Intercept {
  const { address, port } = listen;
  return {
    listener: name,
    interface: intercept.interface,
    egress,
    clients,
    ports: intercept.ports,
    // A server that is not published is reached at the port that its client has dialled.
    serverPorts: [...intercept.ports, ...publish.map(({ to }) => to.port)],
    // A socket on :: takes IPv4 too.
    families: address.text === '::' ? [4, 6] : [address.family],
    listenAddress: isUnspecified(address) ? undefined : address,
    listenPort: port,
  };
}
