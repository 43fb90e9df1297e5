// Which real FTP servers stand behind the gateway in tests, and how is one started? Each runs as it does in service: as root
// where it changes users itself, with one login, on a root folder of its own in which only files/ may be written.

import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab, LabEndpoint } from './lab.ts';
import type { RunningProgram } from './process.ts';
import { startProftpd } from './servers/proftpd.ts';
import { startPureFtpd } from './servers/pure-ftpd.ts';
import { startPyftpdlib } from './servers/pyftpdlib.ts';
import { startVsftpd } from './servers/vsftpd.ts';

export interface RealServer extends LabEndpoint {
  readonly user: string;
  readonly password: string;
  /** The real folder of the path /files, in which the login may do everything. */
  readonly files: string;
  readonly program: RunningProgram;
}

/** What a server's own starter gets to work with. */
export interface ServerSite extends LabEndpoint {
  readonly lab: Lab;
  /** For its own settings and state. */
  readonly settings: string;
  /** The login's root folder. */
  readonly root: string;
}

export type ServerName = 'vsftpd' | 'ProFTPD' | 'Pure-FTPd' | 'pyftpdlib';

/** Debian's `nobody` and `nogroup`: all four servers write files as this user. */
export const unprivilegedId = 65_534;

type Started = Pick<RealServer, 'user' | 'password' | 'program'>;

const starters: Record<ServerName, (site: ServerSite) => Promise<Started>> = {
  vsftpd: startVsftpd,
  ProFTPD: startProftpd,
  'Pure-FTPd': startPureFtpd,
  pyftpdlib: startPyftpdlib,
};

export const serverNames = Object.keys(starters) as readonly ServerName[];

/** Starts a server that accepts connections when the promise resolves; the lab ends it. */
export async function startServer(lab: Lab, name: ServerName, family: 4 | 6 = 4): Promise<RealServer> {
  const endpoint = await lab.endpoint(family);
  const folder = await lab.makeFolder(`${name}-${endpoint.host.replaceAll(':', '')}-${endpoint.port}`);
  const [settings, root] = [join(folder, 'settings'), join(folder, 'root')];
  const files = join(root, 'files');
  for (const path of [settings, root, files]) await mkdir(path);
  await chown(files, unprivilegedId, unprivilegedId);
  const started = await starters[name]({ ...endpoint, lab, settings, root });
  return { ...endpoint, files, ...started };
}
