// What does this file mean, once its defaults are filled in? From the names that operators use to those of the program.
// Must not break: it only renames and completes; whether a value may be, the schema has said before.

import { availableParallelism } from 'node:os';
import type { Ruleset } from '../policy/ruleset.ts';
import { defaultLimits, type Limits } from '../session/limits.ts';
import { defaultListener, defaultSettings } from './defaults.ts';
import { adminOf } from './readable-settings.ts';
import type { ListenerFile, SettingsFile } from './schema.ts';
import type { ListenerSettings, SessionSettings, Settings } from './settings.ts';

export function buildSettings(file: SettingsFile, rules: Ruleset): Settings {
  const listen = adminOf(file.admin);
  return {
    listeners: file.listeners.map(buildListener),
    rules,
    admin: listen === undefined ? undefined : { listen },
    log: { level: file.log?.level ?? defaultSettings.log.level },
    engines: buildEngines(file.engines),
    sessions: buildSessions(file.sessions),
    limits: buildLimits(file.limits),
  };
}

function buildListener(file: ListenerFile): ListenerSettings {
  return {
    name: file.name,
    mode: file.mode,
    listen: file.listen,
    upstream: file.upstream,
    advertise: file.advertise,
    advertiseToServer: file.advertiseToServer,
    dataPath: file.dataPath ?? defaultListener.dataPath,
    dataPorts: file.dataPorts ?? defaultListener.dataPorts,
    serverMode: file.serverMode ?? defaultListener.serverMode,
    activeSourcePort: file.activeSourcePort,
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
    loginTimeoutMs: file?.loginTimeout ?? defaultLimits.loginTimeoutMs,
    idleTimeoutMs: file?.idleTimeout ?? defaultLimits.idleTimeoutMs,
    expectationTimeoutMs: file?.expectationTimeout ?? defaultLimits.expectationTimeoutMs,
    dataIdleTimeoutMs: file?.dataIdleTimeout ?? defaultLimits.dataIdleTimeoutMs,
    waysPerSessionMax: file?.waysPerSession ?? defaultLimits.waysPerSessionMax,
  };
}
