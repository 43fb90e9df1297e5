// wget: downloads only; EPSV and EPRT on IPv6 only.

import { runProgram } from '../process.ts';
import { patienceMs } from '../watch.ts';
import { authority, type ClientRun, type ClientTarget, type RealClient } from './client.ts';

function runWget(target: ClientTarget, remote: string, flags: readonly string[]): Promise<ClientRun> {
  const login = [`--ftp-user=${target.user}`, `--ftp-password=${target.password}`];
  const mode = target.mode === 'active' || target.mode === 'extended-active' ? ['--no-passive-ftp'] : [];
  const url = `ftp://${authority(target)}/${remote}`;
  return runProgram(
    'wget',
    ['--no-config', '--tries=1', `--timeout=${patienceMs / 1000}`, ...login, ...mode, ...flags, url],
    {
      cwd: target.folder,
      network: target.network,
    },
  );
}

export const wget: RealClient = {
  name: 'wget',
  modes: ['active', 'passive'],
  otherModes: 'sends EPSV and EPRT on IPv6 only',
  ipv6Modes: ['extended', 'extended-active'],
  sentSetup: /==> (PORT|PASV|EPSV|EPRT)/g,
  download: (target, remote, local) => runWget(target, remote, ['-O', local]),
  upload: undefined,
  // The local name is the remote one.
  resumeDownload: (target, remote) => runWget(target, remote, ['-c']),
  finishUpload: undefined,
  list: (target, remote) => runWget(target, `${remote}/`, ['-O', '-']),
  fetchMany: (target, remote, local) => runWget(target, `${remote}/`, ['-r', '-nd', '-P', local]),
};
