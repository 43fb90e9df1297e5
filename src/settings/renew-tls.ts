// What do settings become once the files of their certificates are read again? For those that change on the disk while
// the settings file, which somebody may be in the middle of changing, stays as it was read.

import { type Checked, inReadingOrder } from '../yaml/problem.ts';
import { renewedTls } from './build-tls.ts';
import { loadTls } from './load-tls.ts';
import type { Settings } from './settings.ts';

/** The settings with what the files hold now, or all that is wrong with these. */
export function renewTls(settings: Settings, nowMs: number = Date.now()): Checked<Settings> {
  const loaded = settings.listeners.map(({ tlsSources }) => loadTls(tlsSources, nowMs));
  const problems = loaded.flatMap((each) => each.problems);
  if (problems.length > 0) return { ok: false, reason: inReadingOrder(problems) };
  const listeners = settings.listeners.map((each, index) => ({ ...each, tls: renewedTls(each.tls, loaded[index]!) }));
  return { ok: true, value: { ...settings, listeners, warnings: loaded.flatMap((each) => each.warnings) } };
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
