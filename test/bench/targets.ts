// What stands between client and server? Each target is one way to carry the same FTP sessions over the same lab.
//   direct      nothing but forwarding in the kernel: the most that the lab itself can do
//   haproxy     a plain TCP relay with splice and a static passive range: the reference for relaying, not an ALG
//   portcullis  the gateway, relay data path, log level info
// The rule: one process each, in the foreground, so that its id stands for all its processor time and memory.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sessionsWithin } from './descriptors.ts';
import { addresses, type Lab } from './lab.ts';
import { type Running, startAt, stop } from './process.ts';
import { untilListening, untilLogged } from './ready.ts';

export const targetNames = ['direct', 'haproxy', 'portcullis'] as const;
export type TargetName = (typeof targetNames)[number];

/** A target that serves. */
export interface Gateway {
  readonly name: TargetName;
  /** ADDRESS:PORT that clients connect to. */
  readonly server: string;
  /** Undefined for `direct`, where the kernel is the gateway. */
  readonly process: Running | undefined;
}

/** How many sessions a target can hold with the descriptors it gets here. */
export function sessionsPossible(name: TargetName): number {
  return name === 'direct' ? sessionsMax : Math.min(sessionsMax, sessionsWithin(spareDescriptors[name]));
}

// HAProxy counts in its 1,000 passive listeners and both ends of its pipes, and refuses to start with less.
const spareDescriptors = { haproxy: 2_200, portcullis: 300 } as const;

/** What the backend announces to clients of a target: the target's rewriting decides which backend it needs. */
export const backends = {
  // 1,000 ports each: a port rests for 1,000 transfers before it is used again, and a pool of this size stays cheap.
  plain: { port: 21, advertise: addresses.server, ports: '20000-20999' },
  // For a relay that does not read FTP: the announced address and ports are the relay's own.
  behindRelay: { port: 2121, advertise: addresses.gateway, ports: '30000-30999' },
} as const;

export interface TargetSetUp {
  readonly lab: Lab;
  /** dist/main.js of the gateway. */
  readonly executable: string;
  /** As taskset lists them. */
  readonly processors: string;
  /** Threads with an event loop of their own. */
  readonly engines: number;
}

export async function startTarget(name: TargetName, setUp: TargetSetUp): Promise<Gateway> {
  switch (name) {
    case 'direct':
      return { name, server: `${addresses.server}:${backends.plain.port}`, process: undefined };
    case 'haproxy':
      return { name, server: `${addresses.gateway}:${haproxyPort}`, process: await startHaproxy(setUp) };
    case 'portcullis':
      return { name, server: `${addresses.gateway}:${portcullisPort}`, process: await startPortcullis(setUp) };
  }
}

export async function stopTarget(gateway: Gateway): Promise<void> {
  if (gateway.process !== undefined) await stop(gateway.process);
}

const portcullisPort = 21;
const haproxyPort = 2121;

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

async function startPortcullis(setUp: TargetSetUp): Promise<Running> {
  const file = join(setUp.lab.folder, 'portcullis.yaml');
  writeFileSync(file, JSON.stringify(portcullisSettings(setUp.engines), null, 2)); // JSON is YAML
  const argv = [process.execPath, setUp.executable, 'run', file];
  const running = startAt(placeOf(setUp), argv, join(setUp.lab.folder, 'portcullis.log'));
  await untilLogged(running, '"msg":"ready"');
  return running;
}

function portcullisSettings(engines: number) {
  return {
    listeners: [
      {
        name: 'bench',
        mode: 'reverse',
        listen: `${addresses.gateway}:${portcullisPort}`,
        upstream: `${addresses.server}:${backends.plain.port}`,
        advertise: addresses.gateway,
        dataPath: 'relay',
        dataPorts: '40000-59999',
      },
    ],
    // All clients of the bench have one address.
    sessions: { max: sessionsMax, perClient: sessionsMax },
    admin: { listen: '127.0.0.1:9121' },
    log: { level: 'info' },
    engines,
  };
}

function placeOf(setUp: TargetSetUp) {
  return { namespace: setUp.lab.gateway, processors: setUp.processors };
}
