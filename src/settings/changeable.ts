// Which settings can a running process take up? The rest stays as it is until a restart, and each such key is named.
// Must not break: what is given back here is what holds, so that it can be compared with the next file.

import { printEndpoint } from '../address/endpoint.ts';
import type { AdminSettings, Settings } from './settings.ts';

export interface Changeable {
  readonly settings: Settings;
  /** Keys of the file that need a restart. */
  readonly fixed: readonly string[];
}

/** `kernel`: what of the asked kernel settings can be had. */
export function changeable(asked: Settings, running: Settings, kernel: Settings['kernel']): Changeable {
  const fixed: string[] = [];
  if (asked.engines !== running.engines) fixed.push('engines');
  if (placeOf(asked.admin) !== placeOf(running.admin)) fixed.push('admin');
  if (JSON.stringify(asked.kernel) !== JSON.stringify(kernel)) fixed.push('kernel');
  const admin = running.admin && { ...running.admin, hosts: asked.admin?.hosts ?? running.admin.hosts };
  return { settings: { ...asked, engines: running.engines, admin, kernel }, fixed };
}

function placeOf(admin: AdminSettings | undefined): string {
  return admin === undefined ? 'off' : printEndpoint(admin.listen);
}
