// Where do tests of the perimeter live? In four network namespaces of their own, with the router in the middle
// (topology.ts draws them). Closing the laboratory ends what runs in them and removes them, also after a failure; what
// a killed run left behind is removed by the next one.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { dial } from '../data-ends.ts';
import { type Lab, openLab } from '../lab.ts';
import { whyNoPeers } from '../peers.ts';
import { runProgram } from '../process.ts';
import { patienceMs } from '../watch.ts';
import { Network } from './network.ts';
import { gatewaysOf, type Topology, topologyScript } from './topology.ts';

const namespaces = '/run/netns';
/** The run's process id stands in every name. */
const namePattern = /^ptp-(\d+)-\d+-(?:client|router|server|stranger)$/;

let labs = 0;
const living = new Set<string>();
process.on('exit', () => {
  for (const name of living) removeNamespace(name);
});

export class PerimeterLab {
  /** Its folder and its programs. */
  readonly lab: Lab;
  readonly client: Network;
  readonly router: Network;
  readonly server: Network;
  readonly stranger: Network;

  constructor(lab: Lab, prefix: string) {
    this.lab = lab;
    this.client = new Network(`${prefix}-client`);
    this.router = new Network(`${prefix}-router`);
    this.server = new Network(`${prefix}-server`);
    this.stranger = new Network(`${prefix}-stranger`);
  }

  get networks(): readonly Network[] {
    return [this.client, this.router, this.server, this.stranger];
  }

  /** Ends and removes everything; rejects when something was left that should have ended by itself. */
  async close(): Promise<void> {
    const failure = await this.lab.close().then(
      () => undefined,
      (error: unknown) => error,
    );
    const left = this.networks.flatMap(({ name }) => removeNamespace(name));
    if (failure !== undefined) throw failure;
    if (left.length > 0) throw new Error(`processes were left in the namespaces: ${left.join(' ')}`);
  }
}

/** False where a laboratory can be built, otherwise why not; throws instead of skipping where CI=true. */
export function whyNoPerimeter(): string | false {
  return whyNoPeers(['/usr/sbin/ip', '/usr/sbin/nft', '/usr/sbin/sysctl', '/usr/bin/nsenter']);
}

/** Builds a laboratory; every neighbour of the router can reach it when the promise resolves. */
export async function openPerimeter(topology: Topology): Promise<PerimeterLab> {
  await removeAbandoned();
  labs += 1;
  const built = new PerimeterLab(await openLab(), `ptp-${process.pid}-${labs}`);
  try {
    await build(topology, built);
  } catch (error) {
    await built.close();
    throw error;
  }
  return built;
}

async function build(topology: Topology, built: PerimeterLab): Promise<void> {
  const { client, router, server, stranger } = built;
  for (const { name } of built.networks) living.add(name);
  const names = { client: client.name, router: router.name, server: server.name, stranger: stranger.name };
  const input = topologyScript(topology, names);
  const { exitCode, output } = await runProgram('sh', ['-ex'], { input });
  if (exitCode !== 0) throw new Error(`the namespaces cannot be built:\n${output}`);
  await Promise.all(gatewaysOf(topology).map(({ host, router: address }) => reaches(built[host], address)));
}

/** Resolves once the address answers; a refused connection is an answer too. */
async function reaches(from: Network, host: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const code = await from
      .enter(() => dial({ host, port: 9 }))
      .then(
        (socket) => String(socket.destroy().destroyed),
        (error: NodeJS.ErrnoException) => error.code,
      );
    if (code === 'ECONNREFUSED') return;
    if (Date.now() > deadline) throw new Error(`${from.name} does not reach ${host}: ${code}`);
    await delay(10);
  }
}

async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(namespaces).catch(() => [])) {
    const [, pid] = namePattern.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeNamespace(name);
  }
}

/** Ends what still runs in it, and gives the process ids. */
function removeNamespace(name: string): string[] {
  living.delete(name);
  if (!existsSync(`${namespaces}/${name}`)) return [];
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  const left = (stdout ?? '').split('\n').filter((pid) => pid !== '' && Number(pid) !== process.pid);
  for (const pid of left) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
  return left;
}
