// What holds where the settings file says nothing? (For the bounds of a session: session/limits.ts.)
// Must not break: deploy/reverse.yaml and deploy/inbound.yaml state the same, and a test compares them.

import type { Endpoint } from '../address/endpoint.ts';
import type { KernelSettings, ReverseListener, Settings, TransparentListener } from './settings.ts';

// Only this host: the pages tell about users and files, and have no login.
const adminEndpoint: Endpoint = { address: { family: 4, text: '127.0.0.1' }, port: 9121 };

export const defaultSettings = {
  admin: { listen: adminEndpoint, hosts: [] },
  log: { level: 'info' },
  // More is a decision about processors, which other services of the host share.
  engines: 1,
  // The control connections of 8192 sessions are 16,384 sockets, a quarter of a descriptor limit of 65,536; the rest is
  // for data. 256 hold a whole office behind one address, and it takes 32 such addresses to fill the gateway, not one.
  // A mirror of small files on a fast network sends some 10,000 commands a second over all its sessions, and no client
  // begins 1,000 sessions a second; 256 data ports are one for each session of such an office.
  sessions: {
    totalMax: 8192,
    perClientMax: 256,
    connectionsPerSecond: 1000,
    commandsPerSecond: 100_000,
    waysPerClientMax: 512,
    dataPortsPerClientMax: 256,
    drainTimeoutMs: 60_000,
  },
} as const satisfies Partial<Settings>;

export const defaultListener = {
  // RFC 6335 §6: no service is registered from 49152 up. 1000 ports are 1000 transfers at once.
  dataPorts: [{ from: 50_000, to: 50_999 }],
  serverMode: 'as-client',
} as const satisfies Partial<ReverseListener>;

export const defaultReverse = { dataPath: 'relay' } as const satisfies Partial<ReverseListener>;

export const defaultTransparent = {
  // At forwarding speed where the kernel can join the legs, and never without data where it cannot.
  dataPath: 'auto',
  // RFC 959 §8: the port of FTP.
  intercept: { ports: [21], interface: undefined },
  publish: [],
  // What the server would see if the gateway were a router and no more.
  source: 'client',
} as const satisfies Partial<TransparentListener>;

export const defaultKernel = {
  table: 'portcullis',
  divertMark: 1,
  dataMark: 0xf7b,
  // Beside it, and unlike the small numbers that operators take for their own.
  serverMark: 0xf7d,
  endFlows: false,
} as const satisfies Partial<KernelSettings>;
