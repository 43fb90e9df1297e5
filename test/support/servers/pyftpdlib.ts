// pyftpdlib under the system's Python: the one server of the four that is a single process for all sessions.

import { portOpen, type RunningProgram } from '../process.ts';
import type { ServerSite } from '../real-servers.ts';
import { packageEnvironment, serverPackages } from '../server-packages.ts';

const user = 'tester';
const password = 'open-sesame';
const script = new URL('pyftpdlib-server.py', import.meta.url).pathname;

export async function startPyftpdlib({
  lab,
  host,
  port,
  root,
}: ServerSite): Promise<{ user: string; password: string; program: RunningProgram }> {
  const tree = await serverPackages();
  const program = await lab.start('/usr/bin/python3', [script, host, String(port), root, user, password], {
    env: packageEnvironment(tree),
  });
  await portOpen(host, port, program);
  return { user, password, program };
}
