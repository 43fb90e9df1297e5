// lftp: PASV or EPSV as told; on IPv4 its active mode is always PORT.

import { runProgram } from '../process.ts';
import { patienceMs } from '../watch.ts';
import type { ClientRun, ClientTarget, ClientTlsTarget, RealClient } from './client.ts';

/** The settings and the login that begin every script of ours; without them lftp tries again for hours. */
export function lftpOpening({ host, port, user, password, mode, tls }: ClientTarget): string {
  return `
    debug 5
    set cmd:fail-exit true
    set net:max-retries 1
    set net:timeout ${patienceMs / 1000}
    ${tls === undefined ? 'set ftp:ssl-allow no' : tlsSettings(tls)}
    set ftp:passive-mode ${mode === 'passive' || mode === 'extended'}
    set ftp:prefer-epsv ${mode === 'extended'}
    open -u ${user},${password} -p ${port} ${tls?.mode === 'implicit' ? `ftps://${host}` : host}
  `;
}

function tlsSettings({ ca, version }: ClientTlsTarget): string {
  const older = version === '1.2' ? 'set ssl:priority "NORMAL:-VERS-TLS1.3"' : '';
  return `
    set ssl:ca-file ${ca}
    set ssl:check-hostname no
    set ftp:ssl-force yes
    set ftp:ssl-protect-data yes
    ${older}`;
}

function runLftp(target: ClientTarget, command: string): Promise<ClientRun> {
  return runProgram('lftp', ['--norc', '-c', `${lftpOpening(target)}\n${command}`], {
    cwd: target.folder,
    network: target.network,
  });
}

export const lftp: RealClient = {
  name: 'lftp',
  modes: ['active', 'passive', 'extended'],
  otherModes: 'sends EPRT on IPv6 only',
  ipv6Modes: ['extended', 'extended-active'],
  sentSetup: /^---> (PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) => runLftp(target, `get ${remote} -o ${local}`),
  upload: (target, local, remote) => runLftp(target, `put ${local} -o ${remote}`),
  resumeDownload: (target, remote, local) => runLftp(target, `get -c ${remote} -o ${local}`),
  finishUpload: (target, { whole, remote }) => runLftp(target, `put -c ${whole} -o ${remote}`),
  list: (target, remote) => runLftp(target, `ls ${remote}`),
  fetchMany: (target, remote, local) => runLftp(target, `mirror --no-perms ${remote} ${local}`),
};
