// vsftpd with an anonymous login that may write: its local logins would need PAM settings in /etc.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { portOpen } from '../process.ts';
import { packageEnvironment, serverPackages } from '../server-packages.ts';
import type { ServerSite, ServerTlsSite, StartedServer } from './site.ts';

export async function startVsftpd({
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
  await mkdir(join(settings, 'empty'));
  const listen = host.includes(':')
    ? ['listen=NO', 'listen_ipv6=YES', `listen_address6=${host}`]
    : ['listen=YES', `listen_address=${host}`];
  const lines = [
    ...listen,
    `listen_port=${port}`,
    'background=NO',
    'anonymous_enable=YES',
    'local_enable=NO',
    // Its home must exist, and that of `nobody` does not.
    'ftp_username=daemon',
    'nopriv_user=nobody',
    `anon_root=${root}`,
    `secure_chroot_dir=${join(settings, 'empty')}`,
    ...['write_enable', 'anon_upload_enable', 'anon_mkdir_write_enable', 'anon_other_write_enable'].map(
      (right) => `${right}=YES`,
    ),
    'anon_umask=022',
    // Without it ABOR waits for the end of the transfer that it is to end.
    'async_abor_enable=YES',
    'xferlog_enable=NO',
    ...(tls === undefined ? [] : tlsLines(tls)),
    ...(passivePorts?.split('-').map((end, at) => `pasv_${at === 0 ? 'min' : 'max'}_port=${end}`) ?? []),
    // Containers often forbid what these two want to do.
    ...['seccomp_sandbox', 'isolate', 'isolate_network'].map((wall) => `${wall}=NO`),
  ];
  const file = join(settings, 'vsftpd.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  const program = await lab.start(join(tree, 'usr/sbin/vsftpd'), [file], { env: packageEnvironment(tree), network });
  await portOpen(host, port, program);
  return { user: 'anonymous', password: 'guest@example.net', program };
}

/** As strict as it can be told to be. */
function tlsLines({ pair, mode }: ServerTlsSite): readonly string[] {
  const demands = ['ssl_enable', 'allow_anon_ssl', 'force_anon_logins_ssl', 'force_anon_data_ssl', 'require_ssl_reuse'];
  return [
    ...demands.map((demand) => `${demand}=YES`),
    `implicit_ssl=${mode === 'implicit' ? 'YES' : 'NO'}`,
    'strict_ssl_read_eof=YES',
    'ssl_ciphers=HIGH',
    `rsa_cert_file=${pair.certificateFile}`,
    `rsa_private_key_file=${pair.keyFile}`,
  ];
}
