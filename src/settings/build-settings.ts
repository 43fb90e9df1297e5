// What does this file mean, once its defaults are filled in? From the names that operators use to those of the program.
// Must not break: it only renames and completes; whether a value may be, the schema has said before.

import { availableParallelism } from 'node:os';
import type { Network } from '../address/network.ts';
import type { Ruleset } from '../policy/ruleset.ts';
import { defaultLimits, type Limits } from '../session/limits.ts';
import { buildTls } from './build-tls.ts';
import { defaultKernel, defaultListener, defaultReverse, defaultSettings, defaultTransparent } from './defaults.ts';
import type { ListenerFile, TransparentFile } from './listener-schema.ts';
import type { LoadedTls } from './load-tls.ts';
import { adminOf, publishedFrom } from './readable-settings.ts';
import type { SettingsFile } from './schema.ts';
import type { KernelSettings, ListenerSettings, SessionSettings, Settings, TransparentListener } from './settings.ts';
import type { TlsSources } from './tls-settings.ts';

/** What the files hold that a listener names for TLS, and which they are. */
export interface ReadTls {
  readonly sources: TlsSources;
  readonly loaded: LoadedTls;
}

/** @param tls Of each listener. */
export function buildSettings(file: SettingsFile, rules: Ruleset, tls: readonly ReadTls[]): Settings {
  const listeners = file.listeners.map((listener, index) => buildListener(listener, tls[index]!));
  return {
    listeners,
    rules,
    admin: buildAdmin(file.admin),
    log: { level: file.log?.level ?? defaultSettings.log.level },
    engines: buildEngines(file.engines),
    sessions: buildSessions(file.sessions),
    limits: buildLimits(file.limits),
    kernel: buildKernel(file.kernel, listeners),
    warnings: tls.flatMap(({ loaded }) => loaded.warnings),
  };
}

function buildAdmin(file: SettingsFile['admin']): Settings['admin'] {
  const listen = adminOf(file);
  if (listen === undefined) return undefined;
  return { listen, hosts: (file === 'off' ? undefined : file?.hosts) ?? defaultSettings.admin.hosts };
}

function buildListener(file: ListenerFile, { sources, loaded }: ReadTls): ListenerSettings {
  const common = {
    name: file.name,
    listen: file.listen,
    advertise: file.advertise,
    advertiseToServer: file.advertiseToServer,
    dataPorts: file.dataPorts ?? defaultListener.dataPorts,
    serverMode: file.serverMode ?? defaultListener.serverMode,
    activeSourcePort: file.activeSourcePort,
    tls: buildTls(file.tls, loaded),
    tlsSources: sources,
  };
  if (file.mode === 'transparent') return { ...common, ...buildTransparent(file) };
  return { ...common, mode: 'reverse', upstream: file.upstream, dataPath: file.dataPath ?? defaultReverse.dataPath };
}

type OwnOfTransparent = Pick<
  TransparentListener,
  'mode' | 'intercept' | 'clients' | 'egress' | 'servers' | 'publish' | 'source' | 'dataPath'
>;

function buildTransparent(file: TransparentFile): OwnOfTransparent {
  const defaults = defaultTransparent;
  return {
    mode: 'transparent',
    intercept: { ports: file.intercept?.ports ?? defaults.intercept.ports, interface: file.intercept?.interface },
    clients: file.clients,
    egress: file.egress,
    servers: file.servers,
    publish: (file.publish ?? defaults.publish).map((entry) => ({ from: publishedFrom(entry), to: entry.to })),
    source: file.source ?? defaults.source,
    dataPath: file.dataPath ?? defaults.dataPath,
  };
}

function buildEngines(engines: SettingsFile['engines']): number {
  // The bound of the schema holds for `auto` too.
  return engines === 'auto' ? Math.min(64, availableParallelism()) : (engines ?? defaultSettings.engines);
}

function buildSessions(file: SettingsFile['sessions']): SessionSettings {
  const defaults = defaultSettings.sessions;
  const totalMax = file?.max ?? defaults.totalMax;
  return {
    totalMax,
    perClientMax: file?.perClient ?? Math.min(totalMax, defaults.perClientMax),
    connectionsPerSecond: file?.connectionsPerSecond ?? defaults.connectionsPerSecond,
    commandsPerSecond: file?.commandsPerSecond ?? defaults.commandsPerSecond,
    waysPerClientMax: file?.waysPerClient ?? defaults.waysPerClientMax,
    dataPortsPerClientMax: file?.dataPortsPerClient ?? defaults.dataPortsPerClientMax,
    drainTimeoutMs: file?.drainTimeout ?? defaults.drainTimeoutMs,
  };
}

function buildLimits(file: SettingsFile['limits']): Limits {
  return {
    lineOctetsMax: file?.line ?? defaultLimits.lineOctetsMax,
    replyLinesMax: file?.replyLines ?? defaultLimits.replyLinesMax,
    replyOctetsMax: file?.replySize ?? defaultLimits.replyOctetsMax,
    commandsInFlightMax: file?.commandsInFlight ?? defaultLimits.commandsInFlightMax,
    connectTimeoutMs: file?.connectTimeout ?? defaultLimits.connectTimeoutMs,
    greetingTimeoutMs: file?.greetingTimeout ?? defaultLimits.greetingTimeoutMs,
    tlsHandshakeTimeoutMs: file?.tlsHandshakeTimeout ?? defaultLimits.tlsHandshakeTimeoutMs,
    loginTimeoutMs: file?.loginTimeout ?? defaultLimits.loginTimeoutMs,
    idleTimeoutMs: file?.idleTimeout ?? defaultLimits.idleTimeoutMs,
    expectationTimeoutMs: file?.expectationTimeout ?? defaultLimits.expectationTimeoutMs,
    dataIdleTimeoutMs: file?.dataIdleTimeout ?? defaultLimits.dataIdleTimeoutMs,
    holdTimeoutMs: file?.holdTimeout ?? defaultLimits.holdTimeoutMs,
    farewellTimeoutMs: file?.farewellTimeout ?? defaultLimits.farewellTimeoutMs,
    waysPerSessionMax: file?.waysPerSession ?? defaultLimits.waysPerSessionMax,
    ...buildPace(file),
  };
}

/** How much work one session may ask for. */
function buildPace(
  file: SettingsFile['limits'],
): Pick<Limits, 'commandsPerSecond' | 'commandBurst' | 'refusedCommandsMax'> {
  return {
    commandsPerSecond: file?.commandsPerSecond ?? defaultLimits.commandsPerSecond,
    commandBurst: file?.commandBurst ?? defaultLimits.commandBurst,
    refusedCommandsMax: file?.refusedCommands ?? defaultLimits.refusedCommandsMax,
  };
}

function buildKernel(file: SettingsFile['kernel'], listeners: readonly ListenerSettings[]): KernelSettings {
  return {
    table: file?.table ?? defaultKernel.table,
    divertMark: file?.divertMark ?? defaultKernel.divertMark,
    dataMark: file?.dataMark ?? defaultKernel.dataMark,
    serverMark: file?.serverMark ?? defaultKernel.serverMark,
    guard: file?.guard ?? guardOf(listeners),
    endFlows: file?.endFlows ?? defaultKernel.endFlows,
    dscp: { control: file?.dscp?.control, data: file?.dscp?.data },
  };
}

// Where every host may be a server (0.0.0.0/0), the networks are other people's, and a guard would keep all that is
// behind this machine from them.
function guardOf(listeners: readonly ListenerSettings[]): Network[] {
  const servers = listeners.flatMap((listener) => (listener.mode === 'transparent' ? listener.servers : []));
  return servers.filter(({ prefixLength }) => prefixLength > 0);
}
