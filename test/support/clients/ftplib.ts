// Python's ftplib, by a script beside this file.

import { runProgram } from '../process.ts';
import type { ClientRun, ClientTarget, RealClient } from './client.ts';

/** The script's path: host, port, user, password, mode, operation and its words. */
export const ftplibScript = new URL('ftplib-client.py', import.meta.url).pathname;

/** The words that come before the operation's own. */
export function ftplibLogin({ host, port, user, password, mode }: ClientTarget): string[] {
  return [ftplibScript, host, String(port), user, password, mode];
}

function runFtplib(target: ClientTarget, ...words: string[]): Promise<ClientRun> {
  return runProgram('/usr/bin/python3', ['-u', ...ftplibLogin(target), ...words], { cwd: target.folder });
}

export const ftplib: RealClient = {
  name: 'ftplib',
  modes: ['active', 'passive', 'extended', 'extended-active'],
  otherModes: '',
  sentSetup: /^\*cmd\* '(PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) => runFtplib(target, 'download', remote, local),
  upload: (target, local, remote) => runFtplib(target, 'upload', local, remote),
  resumeDownload: (target, remote, local) => runFtplib(target, 'resume', remote, local),
  finishUpload: (target, { tail, offset, remote }) => runFtplib(target, 'finish', tail, remote, String(offset)),
  list: (target, remote) => runFtplib(target, 'list', remote),
  fetchMany: (target, remote, local, count) => runFtplib(target, 'many', remote, local, String(count)),
};
