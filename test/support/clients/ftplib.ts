// Python's ftplib, by a script beside this file.

import { runProgram } from '../process.ts';
import type { ClientRun, ClientTarget, RealClient } from './client.ts';

const script = new URL('ftplib-client.py', import.meta.url).pathname;

/** The arguments of /usr/bin/python3 for one operation of the script; its words are percent-encoded octets. */
export function ftplibArguments({ host, port, user, password, mode }: ClientTarget, ...words: string[]): string[] {
  return ['-u', script, host, String(port), user, password, mode, ...words];
}

function runFtplib(target: ClientTarget, ...words: string[]): Promise<ClientRun> {
  // File names are read and printed as latin1, octet for octet.
  const { tls } = target;
  const asTls = tls === undefined ? {} : { TLS_CA: tls.ca, TLS_MODE: tls.mode, TLS_VERSION: tls.version ?? '1.3' };
  const clear = tls?.clearAfterLogin === true ? { TLS_CCC: '1' } : {};
  const env = { PYTHONIOENCODING: 'latin-1', ...asTls, ...clear };
  return runProgram('/usr/bin/python3', ftplibArguments(target, ...words), {
    cwd: target.folder,
    env,
    network: target.network,
  });
}

export const ftplib: RealClient = {
  name: 'ftplib',
  modes: ['active', 'passive', 'extended', 'extended-active'],
  otherModes: '',
  ipv6Modes: ['extended', 'extended-active'],
  sentSetup: /^\*cmd\* '(PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) => runFtplib(target, 'download', remote, local),
  upload: (target, local, remote) => runFtplib(target, 'upload', local, remote),
  resumeDownload: (target, remote, local) => runFtplib(target, 'resume', remote, local),
  finishUpload: (target, { tail, offset, remote }) => runFtplib(target, 'finish', tail, remote, String(offset)),
  list: (target, remote) => runFtplib(target, 'list', remote),
  fetchMany: (target, remote, local, count) => runFtplib(target, 'many', remote, local, String(count)),
};
