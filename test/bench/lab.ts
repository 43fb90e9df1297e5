// Where does the measuring take place? In three network namespaces of this run alone, joined by veth pairs:
//
//   client 198.51.100.2 ——— 198.51.100.1 gateway 10.77.0.1 ——— 10.77.0.2 server
//
// The rule: nothing outside these namespaces is changed, so the machine's own sysctls and routes stay as they are.
// The gateway forwards between its sides (the `direct` target); the load generator refuses a 227 that leads past a
// gateway.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { CannotRun } from './cannot-run.ts';
import { onCleanUp } from './clean-up.ts';

export const addresses = {
  client: '198.51.100.2',
  /** Another address of the client's namespace. */
  attacker: '198.51.100.3',
  gateway: '198.51.100.1',
  gatewayInside: '10.77.0.1',
  server: '10.77.0.2',
} as const;

export interface Lab {
  readonly client: string;
  readonly gateway: string;
  readonly server: string;
  /** Settings and logs, on tmpfs: writing a log must not measure a disk. */
  readonly folder: string;
}

// The run's own id in every name lets two runs live side by side and shows the next run what a killed one left behind.
const namePattern = /\bpcb-(?:client|gateway|server)-(\d+)\b/g;

export function buildLab(): Lab {
  removeAbandoned();
  const lab = {
    client: `pcb-client-${process.pid}`,
    gateway: `pcb-gateway-${process.pid}`,
    server: `pcb-server-${process.pid}`,
    folder: `/dev/shm/pcb-${process.pid}`,
  };
  onCleanUp(() => removeLab(lab));
  mkdirSync(lab.folder, { recursive: true });
  for (const namespace of [lab.client, lab.gateway, lab.server]) command(`ip netns add ${namespace}`);
  join(lab.client, addresses.client, lab.gateway, addresses.gateway, 'outside');
  command(`ip -n ${lab.client} addr add ${addresses.attacker}/24 dev eth0`);
  join(lab.server, addresses.server, lab.gateway, addresses.gatewayInside, 'inside');
  for (const namespace of [lab.client, lab.gateway, lab.server]) setSysctls(namespace, sysctls);
  setSysctls(lab.client, ['net.ipv4.ip_local_port_range=10000 65000']);
  // Above the gateway's own ports: 30000–30999 a static passive range, 40000–59999 ways opened on demand.
  setSysctls(lab.gateway, ['net.ipv4.ip_local_port_range=10000 29999', 'net.ipv4.ip_forward=1']);
  return lab;
}

const sysctls = [
  // The client opens thousands of connections a second to few ports.
  'net.ipv4.tcp_tw_reuse=1',
  'net.core.somaxconn=4096',
  'net.ipv4.tcp_max_syn_backlog=8192',
];

/** Ends every TIME_WAIT in the lab: those of one cell would slow the next one's bind and connect. */
export function purgeTimeWait(lab: Lab): void {
  for (const namespace of [lab.client, lab.gateway, lab.server]) {
    spawnSync('nsenter', [`--net=/run/netns/${namespace}`, 'ss', '-K', '-tanH', 'state', 'time-wait'], {
      stdio: 'ignore',
    });
  }
}

function join(host: string, hostAddress: string, gateway: string, gatewayAddress: string, side: string): void {
  const network = hostAddress.replace(/\d+$/, '0/24');
  command(`ip link add eth0 netns ${host} type veth peer name ${side} netns ${gateway}`);
  command(`ip -n ${host} link set lo up`);
  command(`ip -n ${gateway} link set lo up`);
  command(`ip -n ${host} addr add ${hostAddress}/24 dev eth0`);
  command(`ip -n ${gateway} addr add ${gatewayAddress}/24 dev ${side}`);
  command(`ip -n ${host} link set eth0 up`);
  command(`ip -n ${gateway} link set ${side} up`);
  // Cubic, the usual default, by route: a namespace cannot set the sysctl, and a paced default (bbr) would be the
  // limit.
  command(`ip -n ${host} route add default via ${gatewayAddress} congctl cubic`);
  command(`ip -n ${host} route change ${network} dev eth0 proto kernel scope link src ${hostAddress} congctl cubic`);
  command(
    `ip -n ${gateway} route change ${network} dev ${side} proto kernel scope link src ${gatewayAddress} congctl cubic`,
  );
}

function setSysctls(namespace: string, assignments: readonly string[]): void {
  run('nsenter', [`--net=/run/netns/${namespace}`, 'sysctl', '-qw', ...assignments]);
}

function command(line: string): void {
  const [program = '', ...argv] = line.split(' ');
  run(program, argv);
}

function run(program: string, argv: readonly string[]): void {
  const result = spawnSync(program, argv, { encoding: 'utf8' });
  if (result.status !== 0) throw new CannotRun(`${program} ${argv.join(' ')}: ${(result.stderr ?? '').trim()}`);
}

function removeLab(lab: Lab): void {
  for (const namespace of [lab.client, lab.gateway, lab.server]) removeNamespace(namespace);
  rmSync(lab.folder, { recursive: true, force: true });
}

function removeAbandoned(): void {
  const names = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout ?? '';
  for (const [namespace, pid] of names.matchAll(namePattern)) {
    if (existsSync(`/proc/${pid}`)) continue;
    removeNamespace(namespace);
    rmSync(`/dev/shm/pcb-${pid}`, { recursive: true, force: true });
  }
}

function removeNamespace(namespace: string): void {
  const pids = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout ?? '';
  for (const pid of pids.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // it has just ended
    }
  }
  spawnSync('ip', ['netns', 'delete', namespace], { stdio: 'ignore' });
}
