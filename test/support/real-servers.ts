// Which real FTP servers stand behind the gateway in tests, and how is one started? Each runs as it does in service: as
// root where it changes users itself, with one login, on a root folder of its own in which only files/ may be written.

import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab, LabEndpoint } from './lab.ts';
import { startProftpd } from './servers/proftpd.ts';
import { startPureFtpd } from './servers/pure-ftpd.ts';
import { startPyftpdlib } from './servers/pyftpdlib.ts';
import type { ServerSite, ServerTlsSite, StartedServer } from './servers/site.ts';
import { startVsftpd } from './servers/vsftpd.ts';

export interface RealServer extends LabEndpoint, StartedServer {
  /** The real folder of the path /files, in which the login may do everything. */
  readonly files: string;
}

export type ServerName = 'vsftpd' | 'ProFTPD' | 'Pure-FTPd' | 'pyftpdlib';

const starters: Record<ServerName, (site: ServerSite) => Promise<StartedServer>> = {
  vsftpd: startVsftpd,
  ProFTPD: startProftpd,
  'Pure-FTPd': startPureFtpd,
  pyftpdlib: startPyftpdlib,
};

export const serverNames = Object.keys(starters) as readonly ServerName[];

/** Starts a server that accepts connections when the promise resolves; the lab ends it. */
export async function startServer(
  lab: Lab,
  name: ServerName,
  family: 4 | 6 = 4,
  tls?: ServerTlsSite,
): Promise<RealServer> {
  return startServerAt(lab, name, await lab.endpoint(family), tls);
}

/** The same at an endpoint of the test's choice, in another network namespace where one is named. */
export async function startServerAt(
  lab: Lab,
  name: ServerName,
  { host, port, network, passivePorts }: LabEndpoint & { readonly network?: string; readonly passivePorts?: string },
  tls?: ServerTlsSite,
): Promise<RealServer> {
  const endpoint = { host, port };
  const folder = await lab.makeFolder(`${name}-${endpoint.host.replaceAll(':', '')}-${endpoint.port}`);
  const [settings, root] = [join(folder, 'settings'), join(folder, 'root')];
  const files = join(root, 'files');
  for (const path of [settings, root, files]) await mkdir(path);
  // Each server writes as another user.
  await chmod(files, 0o777);
  const started = await starters[name]({ ...endpoint, lab, settings, root, network, tls, passivePorts });
  return { ...endpoint, files, ...started };
}
