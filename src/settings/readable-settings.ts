// What of this file could be read, although other parts of it are wrong? Food for the checks between keys.
// Must not break: a key that is wrong is absent here and never its default, so that one mistake is not told twice.

import type { Endpoint } from '../address/endpoint.ts';
import { defaultKernel, defaultListener, defaultSettings, defaultTransparent } from './defaults.ts';
import type {
  ReadableKernel,
  ReadableListener,
  ReadableSettings,
  ReadableTls,
  ReadableTransparent,
} from './finding.ts';
import {
  listenerShapes,
  type PublishedFile,
  publishedSchema,
  type ReverseFile,
  type TransparentFile,
} from './listener-schema.ts';
import { type SettingsFile, settingsSchema } from './schema.ts';
import { type ClientTlsFile, type ServerTlsFile, tlsShapes } from './tls-schema.ts';

export function readableSettings(data: unknown): ReadableSettings {
  const file = readableKeys<SettingsFile>(settingsSchema.shape, data);
  const { listeners, sessions, kernel } = asRecord(data);
  return {
    listeners: Array.isArray(listeners) ? listeners.map(readableListener) : [],
    admin: 'admin' in file ? adminOf(file.admin) : undefined,
    ...readableSessions(sessions),
    kernel: readableKernel(kernel),
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

/** The public endpoint of an entry under `publish`. */
export function publishedFrom({ address, port }: Pick<PublishedFile, 'address' | 'port'>): Endpoint {
  // RFC 959 §8: the port of FTP.
  return { address, port: port ?? 21 };
}

function readableListener(data: unknown): ReadableListener {
  const { mode } = asRecord(data);
  const isKnown = mode === 'reverse' || mode === 'transparent';
  // Of a listener without a mode only that is judged which would mean the same in any.
  const keys = readableKeys<Omit<ReverseFile, 'mode'> & Omit<TransparentFile, 'mode'>>(
    listenerShapes[isKnown ? mode : 'common'],
    data,
  );
  return {
    name: keys.name,
    mode: isKnown ? mode : undefined,
    listen: keys.listen,
    upstream: keys.upstream,
    advertiseFamily: keys.advertise?.family,
    advertiseToServerFamily: keys.advertiseToServer?.family,
    dataPorts: 'dataPorts' in keys ? (keys.dataPorts ?? defaultListener.dataPorts) : [],
    dataPath: keys.dataPath,
    tls: readableTls(asRecord(data)),
    transparent: mode === 'transparent' ? readableTransparent(keys, data) : undefined,
  };
}

function readableTls({ tls }: Record<string, unknown>): ReadableTls {
  const off = { mode: 'off' } as const;
  if (tls === undefined) return { client: off, server: off };
  const { client, server } = asRecord(tls);
  return {
    client: client === undefined ? off : readableKeys<ClientTlsFile>(tlsShapes.client, client),
    server: server === undefined ? off : readableKeys<ServerTlsFile>(tlsShapes.server, server),
  };
}

function readableTransparent(keys: Partial<TransparentFile>, data: unknown): ReadableTransparent {
  const { publish } = asRecord(data);
  return {
    intercept:
      'intercept' in keys
        ? { ports: keys.intercept?.ports ?? defaultTransparent.intercept.ports, interface: keys.intercept?.interface }
        : undefined,
    clients: keys.clients,
    servers: keys.servers,
    publish: Array.isArray(publish) ? publish.map(readablePublished) : [],
    source: keys.source,
  };
}

function readablePublished(data: unknown): ReadableTransparent['publish'][number] {
  const entry = publishedSchema.safeParse(data);
  return entry.success ? { from: publishedFrom(entry.data), to: entry.data.to } : undefined;
}

function readableKernel(data: unknown): ReadableKernel | undefined {
  if (data === undefined) return undefined;
  const keys = readableKeys<NonNullable<SettingsFile['kernel']>>(settingsSchema.shape.kernel.unwrap().shape, data);
  return {
    divertMark: 'divertMark' in keys ? (keys.divertMark ?? defaultKernel.divertMark) : undefined,
    dataMark: 'dataMark' in keys ? (keys.dataMark ?? defaultKernel.dataMark) : undefined,
    serverMark: 'serverMark' in keys ? (keys.serverMark ?? defaultKernel.serverMark) : undefined,
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
