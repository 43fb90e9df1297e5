// ProFTPD in the foreground with a password file of its own.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { portOpen } from '../process.ts';
import { packageEnvironment, serverPackages } from '../server-packages.ts';
import {
  type ServerSite,
  type ServerTlsSite,
  type StartedServer,
  testPassword,
  testPasswordHash,
  testUser,
  unprivilegedId,
} from './site.ts';

export async function startProftpd({
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
  const users = join(settings, 'users');
  // ProFTPD refuses a password file that others may read.
  await writeFile(users, `${testUser}:${testPasswordHash}:${unprivilegedId}:${unprivilegedId}::${root}:/bin/false\n`, {
    mode: 0o600,
  });
  const lines = [
    'ServerType standalone',
    'ServerName "test server"',
    'UseIPv6 on',
    `DefaultAddress ${host}`,
    'SocketBindTight on',
    `Port ${port}`,
    `ModulePath ${join(tree, 'usr/lib/proftpd')}`,
    ...(tls === undefined ? [] : tlsLines(tls)),
    ...(passivePorts === undefined ? [] : [`PassivePorts ${passivePorts.replace('-', ' ')}`]),
    `PidFile ${join(settings, 'pid')}`,
    `ScoreboardFile ${join(settings, 'scoreboard')}`,
    `DelayTable none`,
    'User nobody',
    'Group nogroup',
    `AuthUserFile ${users}`,
    'AuthOrder mod_auth_file.c',
    'RequireValidShell off',
    'DefaultRoot ~',
    'Umask 022',
    ...['AllowOverwrite', 'AllowStoreRestart', 'AllowRetrieveRestart'].map((right) => `${right} on`),
    ...['UseReverseDNS', 'WtmpLog', 'DelayEngine', 'AuthPAM', 'UseEncoding'].map((habit) => `${habit} off`),
    'TransferLog none',
    `SystemLog ${join(settings, 'log')}`,
  ];
  const file = join(settings, 'proftpd.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  const program = await lab.start(join(tree, 'usr/sbin/proftpd'), ['-n', '-q', '-c', file], {
    env: packageEnvironment(tree),
    network,
  });
  await portOpen(host, port, program);
  return { user: testUser, password: testPassword, program };
}

/** Data connections must resume the session of their control connection: there is no NoSessionReuseRequired. */
function tlsLines({ pair, mode }: ServerTlsSite): readonly string[] {
  return [
    'LoadModule mod_tls.c',
    'TLSEngine on',
    'TLSRequired on',
    'TLSProtocol TLSv1.2 TLSv1.3',
    ...(mode === 'implicit' ? ['TLSOptions UseImplicitSSL'] : []),
    `TLSECCertificateFile ${pair.certificateFile}`,
    `TLSECCertificateKeyFile ${pair.keyFile}`,
  ];
}
