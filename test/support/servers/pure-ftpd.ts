// Pure-FTPd in the foreground with a user database of its own.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { portOpen, runProgram } from '../process.ts';
import { packageEnvironment, serverPackages } from '../server-packages.ts';
import {
  bothInOne,
  type ServerSite,
  type StartedServer,
  testPassword,
  testPasswordHash,
  testUser,
  unprivilegedId,
} from './site.ts';

export async function startPureFtpd({
  lab,
  host,
  port,
  settings,
  root,
  network,
  tls,
  passivePorts,
}: ServerSite): Promise<StartedServer> {
  const tree = await serverPackages();
  const env = packageEnvironment(tree);
  const [users, database] = [join(settings, 'users'), join(settings, 'users.pdb')];
  // pureftpd.passwd: the twelve fields after the folder are quotas and networks, all without limit.
  await writeFile(
    users,
    `${testUser}:${testPasswordHash}:${unprivilegedId}:${unprivilegedId}::${root}/./${':'.repeat(12)}\n`,
  );
  const made = await runProgram(join(tree, 'usr/bin/pure-pw'), ['mkdb', database, '-f', users], { env });
  if (made.exitCode !== 0) throw new Error(`pure-pw: ${made.output}`);
  const program = await lab.start(
    join(tree, 'usr/sbin/pure-ftpd'),
    // -E no anonymous login, -A chroot, -H no name lookups, -c and -C sessions in all and per address.
    ['-S', `${host},${port}`, '-l', `puredb:${database}`, '-E', '-A', '-H', '-c', '100', '-C', '100'].concat([
      '-f',
      'none',
      '-g',
      join(settings, 'pid'),
      ...(passivePorts === undefined ? [] : ['-p', passivePorts.replace('-', ':')]),
      ...(tls === undefined ? [] : ['-Y', '3', '-2', await bothInOne(tls.pair, settings)]),
    ]),
    { env, network },
  );
  await portOpen(host, port, program);
  return { user: testUser, password: testPassword, program };
}
