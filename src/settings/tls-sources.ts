// Which files do the settings name for TLS, and where do they name them? Known without opening any of them.
// Must not break: a key that is wrong names nothing; paths are relative to the settings file.

import { dirname, isAbsolute, join } from 'node:path';
import { type Path, printPath } from '../yaml/problem.ts';
import type { YamlSource } from '../yaml/yaml-source.ts';
import type { ReadableTls } from './finding.ts';
import type { NamedFile, NamedPlace, TlsSources } from './tls-settings.ts';

/** Of one listener, whose section stands under `listener` in the source. */
export function tlsSourcesOf(source: YamlSource, listener: Path, { client, server }: ReadableTls): TlsSources {
  const place = (...keys: Path): NamedPlace => {
    const path = [...listener, 'tls', ...keys];
    return { file: source.file, ...source.placeOf(path), key: printPath(path) };
  };
  const named = (file: string | undefined, ...keys: Path): NamedFile | undefined =>
    file === undefined ? undefined : { path: besides(source.file, file), ...place(...keys) };
  const pairs = pairsIn(client).map(({ certificate, key, path }) => ({
    certificate: named(certificate, 'client', ...path, 'certificate')!,
    key: named(key, 'client', ...path, 'key')!,
  }));
  const terminated = client.mode !== undefined && client.mode !== 'off' && client.mode !== 'pass-through';
  const isProtected = server.mode !== undefined && server.mode !== 'off';
  const isJudged = isProtected && server.verify !== false && server.fingerprint === undefined;
  return {
    pairs: terminated ? pairs : [],
    clientCa: terminated ? named(client.clientCa, 'client', 'clientCa') : undefined,
    ca: isJudged ? (named(server.ca, 'server', 'ca') ?? systemUnlessWrong(server)) : undefined,
    unverified: isProtected && server.verify === false ? place('server', 'verify') : undefined,
  };
}

interface PairInFile {
  readonly certificate: string;
  readonly key: string;
  readonly path: Path;
}

function pairsIn({ certificate, key, certificates }: ReadableTls['client']): readonly PairInFile[] {
  if (certificates !== undefined)
    return certificates.map((pair, index) => ({ ...pair, path: ['certificates', index] }));
  return certificate === undefined || key === undefined ? [] : [{ certificate, key, path: [] }];
}

/** A `ca` that is wrong is told, and the system's is not what was meant. */
function systemUnlessWrong(server: ReadableTls['server']): 'system' | undefined {
  return Object.hasOwn(server, 'ca') ? 'system' : undefined;
}

function besides(settings: string, file: string): string {
  return isAbsolute(file) ? file : join(dirname(settings), file);
}
