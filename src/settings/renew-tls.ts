// What do settings become once the files of their certificates are read again? For those that change on the disk while
// the settings file, which somebody may be in the middle of changing, stays as it was read.
// Must not break: what cannot be used never takes the place of what can, and does not keep the others from being
// renewed.

import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../yaml/problem.ts';
import { renewedTls } from './build-tls.ts';
import { loadTls } from './load-tls.ts';
import type { Settings } from './settings.ts';

export interface Renewed {
  /** Undefined where nothing has changed: files may be touched and hold what they held. */
  readonly settings: Settings | undefined;
  /** Why some stay as they were. */
  readonly problems: readonly Problem[];
}

export function renewTls(settings: Settings, nowMs: number = Date.now()): Renewed {
  const loaded = settings.listeners.map(({ tlsSources }) => loadTls(tlsSources, nowMs));
  const problems = loaded.flatMap((each) => each.problems);
  const tls = settings.listeners.map((each, index) => renewedTls(each.tls, loaded[index]!));
  const isSame = settings.listeners.every((each, index) => isDeepStrictEqual(each.tls, tls[index]));
  if (isSame) return { settings: undefined, problems };
  const listeners = settings.listeners.map((each, index) => ({ ...each, tls: tls[index]! }));
  return { settings: { ...settings, listeners, warnings: loaded.flatMap((each) => each.warnings) }, problems };
}

/** The paths of all files that `renewTls` reads. */
export function tlsFilesOf({ listeners }: Settings): readonly string[] {
  const files = listeners.flatMap(({ tlsSources: { pairs, clientCa, ca } }) => [
    ...pairs.flatMap(({ certificate, key }) => [certificate, key]),
    ...(clientCa === undefined ? [] : [clientCa]),
    ...(ca === undefined || ca === 'system' ? [] : [ca]),
  ]);
  return [...new Set(files.map(({ path }) => path))];
}
