// What of this file could be read, although other parts of it are wrong? Food for the checks between keys.
// Must not break: a key that is wrong is absent here and never its default, so that one mistake is not told twice.

import type { Endpoint } from '../address/endpoint.ts';
import type { ReadableListener, ReadableSettings } from './cross-check.ts';
import { defaultListener, defaultSettings } from './defaults.ts';
import { type ListenerFile, listenerSchema, type SettingsFile, settingsSchema } from './schema.ts';

export function readableSettings(data: unknown): ReadableSettings {
  const file = readableKeys<SettingsFile>(settingsSchema.shape, data);
  const { listeners, sessions } = asRecord(data);
  return {
    listeners: Array.isArray(listeners) ? listeners.map(readableListener) : [],
    admin: 'admin' in file ? adminOf(file.admin) : undefined,
    ...readableSessions(sessions),
  };
}

/** What `admin` of the file means; undefined for `off`. */
export function adminOf(admin: SettingsFile['admin']): Endpoint | undefined {
  if (admin === 'off') return undefined;
  return (admin ?? defaultSettings.admin).listen;
}

/** The path that the file gives for its rules; undefined where it gives none, or something that is no path. */
export function rulesPathOf(data: unknown): string | undefined {
  return readableKeys<SettingsFile>(settingsSchema.shape, data).rules;
}

function readableListener(data: unknown): ReadableListener {
  const keys = readableKeys<ListenerFile>(listenerSchema.shape, data);
  return {
    name: keys.name,
    listen: keys.listen,
    upstream: keys.upstream,
    advertiseFamily: keys.advertise?.family,
    advertiseToServerFamily: keys.advertiseToServer?.family,
    dataPorts: 'dataPorts' in keys ? (keys.dataPorts ?? defaultListener.dataPorts) : [],
  };
}

// Without perClient its default gives way to a smaller max, so only what the file states can contradict it.
function readableSessions(data: unknown): Pick<ReadableSettings, 'sessionsMax' | 'perClientMax'> {
  const keys = readableKeys<NonNullable<SettingsFile['sessions']>>(sessionsShape, data ?? {});
  const sessionsMax = 'max' in keys ? (keys.max ?? defaultSettings.sessions.totalMax) : undefined;
  return { sessionsMax, perClientMax: keys.perClient };
}

const sessionsShape = settingsSchema.shape.sessions.unwrap().shape;

type KeySchemas = Readonly<Record<string, { safeParse(value: unknown): { success: boolean; data?: unknown } }>>;

// Left out and optional: present with the value undefined. Wrong: not present.
function readableKeys<File>(schemas: KeySchemas, data: unknown): Partial<File> {
  const record = asRecord(data);
  const results = Object.entries(schemas).map(([key, schema]) => [key, schema.safeParse(record[key])] as const);
  return Object.fromEntries(
    results.filter(([, result]) => result.success).map(([key, result]) => [key, result.data]),
  ) as Partial<File>;
}

function asRecord(data: unknown): Record<string, unknown> {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
}
