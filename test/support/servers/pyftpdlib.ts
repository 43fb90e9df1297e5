// pyftpdlib under the system's Python: the one server of the four that is a single process for all sessions.

import { portOpen } from '../process.ts';
import { packageEnvironment, serverPackages } from '../server-packages.ts';
import { bothInOne, type ServerSite, type StartedServer, testPassword, testUser } from './site.ts';

const script = new URL('pyftpdlib-server.py', import.meta.url).pathname;

export async function startPyftpdlib({
  lab,
  host,
  port,
  settings,
  root,
  network,
  tls,
}: ServerSite): Promise<StartedServer> {
  const tree = await serverPackages();
  const secure = tls === undefined ? [] : [await bothInOne(tls.pair, settings)];
  const words = [host, String(port), root, testUser, testPassword, ...secure];
  const program = await lab.start('/usr/bin/python3', [script, ...words], {
    env: packageEnvironment(tree),
    network,
  });
  await portOpen(host, port, program);
  return { user: testUser, password: testPassword, program };
}
