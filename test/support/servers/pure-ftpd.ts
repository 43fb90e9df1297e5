// Pure-FTPd in the foreground with a user database of its own.

import { join } from 'node:path';
import { portOpen, type RunningProgram, runProgram } from '../process.ts';
import { type ServerSite, unprivilegedId } from '../real-servers.ts';
import { packageEnvironment, serverPackages } from '../server-packages.ts';

const user = 'tester';
const password = 'open-sesame';

export async function startPureFtpd({
  lab,
  host,
  port,
  settings,
  root,
}: ServerSite): Promise<{ user: string; password: string; program: RunningProgram }> {
  const tree = await serverPackages();
  const env = packageEnvironment(tree);
  const database = join(settings, 'users.pdb');
  const added = await runProgram(
    join(tree, 'usr/bin/pure-pw'),
    ['useradd', user, '-u', String(unprivilegedId), '-g', String(unprivilegedId), '-d', root].concat([
      '-f',
      join(settings, 'users'),
      '-F',
      database,
      '-m',
    ]),
    { env, input: `${password}\n${password}\n` },
  );
  if (added.exitCode !== 0) throw new Error(`pure-pw: ${added.output}`);
  const program = await lab.start(
    join(tree, 'usr/sbin/pure-ftpd'),
    // -E no anonymous login, -A chroot, -H no name lookups, -c and -C sessions in all and per address.
    ['-S', `${host},${port}`, '-l', `puredb:${database}`, '-E', '-A', '-H', '-c', '100', '-C', '100'].concat([
      '-f',
      'none',
      '-g',
      join(settings, 'pid'),
    ]),
    { env },
  );
  await portOpen(host, port, program);
  return { user, password, program };
}
