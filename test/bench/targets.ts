// What stands between client and server? Each target is one way to carry the same FTP sessions over the same lab.
//   direct      nothing but forwarding in the kernel: the most that the lab itself can do
//   haproxy     a plain TCP relay with splice and a static passive range: the reference for relaying, not an ALG
//   portcullis  the gateway, relay data path, log level info
//   helper      the kernel's own ALG (nf_conntrack_ftp by a ct helper object), a public address before the server
//   pinholes    the gateway as transparent proxy at the same place, data in the kernel
// The rule: one process each, in the foreground, so that its id stands for all its processor time and memory.

import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attackedBackend, backends } from './backends.ts';
import { sessionsWithin } from './descriptors.ts';
import { loadHelper, setUpTracking } from './kernel-side.ts';
import { addresses, type Lab } from './lab.ts';
import { type Running, startAt, stop } from './process.ts';
import { untilListening, untilLogged } from './ready.ts';

export const targetNames = ['direct', 'haproxy', 'portcullis', 'helper', 'pinholes'] as const;
export type TargetName = (typeof targetNames)[number];

/** Those that put rules into the kernel. */
export const inKernel: readonly TargetName[] = ['helper', 'pinholes'];

/** A target that serves. */
export interface Gateway {
  readonly name: TargetName;
  /** ADDRESS:PORT that clients connect to. */
  readonly server: string;
  /** Undefined where the kernel is the gateway. */
  readonly process: Running | undefined;
  /** Where a gateway that counts can be asked. */
  readonly metrics?: MetricsPage;
  /** Takes away what it put into the lab. */
  readonly clear?: () => void;
}

/** Reached from within the namespace alone: it listens on that one's loopback. */
export interface MetricsPage {
  readonly namespace: string;
  readonly url: string;
}

/** How many sessions a target can hold with the descriptors it gets here. */
export function sessionsPossible(name: TargetName): number {
  const spare = spareDescriptors[name];
  return spare === undefined ? sessionsMax : Math.min(sessionsMax, sessionsWithin(spare));
}

// HAProxy counts in its 1,000 passive listeners and both ends of its pipes, and refuses to start with less.
const spareDescriptors: Partial<Record<TargetName, number>> = { haproxy: 2_200, portcullis: 300, pinholes: 300 };

export interface TargetSetUp {
  readonly lab: Lab;
  /** dist/main.js of the gateway. */
  readonly executable: string;
  /** As taskset lists them. */
  readonly processors: string;
  /** Threads with an event loop of their own. */
  readonly engines: number;
  /**
   * What one client address may have: all that the bench wants, because its clients have one, or what operators get.
   */
  readonly clientBounds?: 'none' | 'defaults';
  /** Whether clients may have TLS. */
  readonly tls?: boolean;
  /** Whether a second listener leads to a server of its own. */
  readonly attacked?: boolean;
}

export async function startTarget(name: TargetName, setUp: TargetSetUp): Promise<Gateway> {
  switch (name) {
    case 'direct':
      return { name, server: `${addresses.server}:${backends.plain.port}`, process: undefined };
    case 'haproxy':
      return { name, server: `${addresses.gateway}:${haproxyPort}`, process: await startHaproxy(setUp) };
    case 'portcullis': {
      const process = await startPortcullis(setUp, reverseSettings(setUp));
      return { name, server: publicServer, process, metrics: metricsOf(setUp) };
    }
    case 'helper':
      return { name, server: publicServer, process: undefined, clear: loadHelper(setUp.lab) };
    case 'pinholes': {
      setUpTracking(setUp.lab);
      const process = await startPortcullis(setUp, perimeterSettings(setUp));
      return { name, server: publicServer, process, metrics: metricsOf(setUp) };
    }
  }
}

export async function stopTarget(gateway: Gateway): Promise<void> {
  if (gateway.process !== undefined) await stop(gateway.process);
  gateway.clear?.();
}

/** The gateway's own address: what clients of every target but `direct` and `haproxy` connect to. */
const publicServer = `${addresses.gateway}:21`;
/** Where a gateway leads to the server of those who attack. */
export const attackedServer = `${addresses.gateway}:2222`;
const haproxyPort = 2121;
const adminAddress = '127.0.0.1:9121';

// 10,000 sessions at once, and some more that are on their way in or out.
const sessionsMax = 12_000;

async function startHaproxy(setUp: TargetSetUp): Promise<Running> {
  const file = join(setUp.lab.folder, 'haproxy.cfg');
  writeFileSync(file, haproxyConfiguration(setUp.engines));
  const argv = ['haproxy', '-db', '-f', file]; // -db: no fork
  const running = startAt(placeOf(setUp), argv, join(setUp.lab.folder, 'haproxy.log'));
  await untilListening(running, haproxyPort);
  return running;
}

function haproxyConfiguration(threads: number): string {
  const { port, ports } = backends.behindRelay;
  return `global
  nbthread ${threads}
  maxconn ${sessionsPossible('haproxy')}
  maxpipes 500
  tune.pipesize 1048576
defaults
  mode tcp
  option splice-request
  option splice-response
  maxconn ${sessionsPossible('haproxy')}
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen control
  bind ${addresses.gateway}:${haproxyPort} backlog 4096
  server ftp ${addresses.server}:${port}
listen data
  bind ${addresses.gateway}:${ports}
  server ftp ${addresses.server}
`;
}

async function startPortcullis(setUp: TargetSetUp, settings: object): Promise<Running> {
  const file = join(setUp.lab.folder, 'portcullis.yaml');
  writeFileSync(file, JSON.stringify(settings, null, 2)); // JSON is YAML
  const argv = [process.execPath, setUp.executable, 'run', file];
  const running = startAt(placeOf(setUp), argv, join(setUp.lab.folder, 'portcullis.log'));
  await untilLogged(running, '"msg":"ready"');
  return running;
}

function reverseSettings(setUp: TargetSetUp): object {
  const tls = setUp.tls === true ? { tls: { client: { mode: 'optional', ...pairFor(setUp) } } } : {};
  const manner = { mode: 'reverse', advertise: addresses.gateway, dataPath: 'relay', ...tls };
  const listener = { ...manner, listen: publicServer, upstream: `${addresses.server}:${backends.plain.port}` };
  if (setUp.attacked !== true) return settingsFor(setUp, listener);
  const upstream = `${addresses.server}:${attackedBackend.port}`;
  const dataPorts = '30000-39999';
  return settingsFor(setUp, listener, { ...manner, name: 'attacked', listen: attackedServer, upstream, dataPorts });
}

/** A pair as `portcullis cert` makes it. */
function pairFor({ lab, executable }: TargetSetUp): { certificate: string; key: string } {
  const words = [executable, 'cert', '--out', lab.folder, 'bench.example'];
  const pair = { certificate: join(lab.folder, 'cert.pem'), key: join(lab.folder, 'key.pem') };
  if (!existsSync(pair.certificate)) execFileSync(process.execPath, words, { stdio: 'ignore' });
  return pair;
}

/**
 * As the helper's rules: a public address, and the server sees the gateway. Both are the gateway's own, so that there
 * is no policy routing either: an `ip rule` would cost everything that is forwarded some five per cent, the helper's
 * data as well.
 */
function perimeterSettings(setUp: TargetSetUp): object {
  return settingsFor(setUp, {
    mode: 'transparent',
    listen: '0.0.0.0:2121',
    intercept: { ports: [21], interface: 'outside' },
    servers: [addresses.server],
    publish: [{ address: addresses.gateway, to: `${addresses.server}:${backends.plain.port}` }],
    source: 'gateway',
    dataPath: 'kernel',
  });
}

const boundlessSessions = {
  max: sessionsMax,
  perClient: sessionsMax,
  connectionsPerSecond: 1_000_000,
  commandsPerSecond: 10_000_000,
  waysPerClient: 100_000,
  dataPortsPerClient: 65_535,
};

function settingsFor({ engines, clientBounds }: TargetSetUp, listener: object, ...further: object[]): object {
  return {
    listeners: [{ name: 'bench', dataPorts: '40000-59999', ...listener }, ...further],
    // All clients of the bench have one address.
    sessions: clientBounds === 'defaults' ? {} : boundlessSessions,
    admin: { listen: adminAddress },
    log: { level: 'info' },
    engines,
  };
}

function metricsOf({ lab }: TargetSetUp): MetricsPage {
  return { namespace: lab.gateway, url: `http://${adminAddress}/metrics` };
}

function placeOf(setUp: TargetSetUp) {
  return { namespace: setUp.lab.gateway, processors: setUp.processors };
}
