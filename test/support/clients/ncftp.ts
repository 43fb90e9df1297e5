// ncftpget, ncftpput and ncftpls: PORT or PASV.

import { runProgram } from '../process.ts';
import { authority, type ClientRun, type ClientTarget, type RealClient } from './client.ts';

function runNcftp(
  program: string,
  target: ClientTarget,
  flags: readonly string[],
  words: readonly string[],
): Promise<ClientRun> {
  const mode = target.mode === 'active' ? '-E' : '-F';
  const login = ['-u', target.user, '-p', target.password, '-P', String(target.port)];
  // It keeps a folder in HOME.
  const options = { cwd: target.folder, env: { HOME: target.folder } };
  return runProgram(program, [...login, '-d', '/dev/stdout', '-r', '0', '-t', '20', mode, ...flags, ...words], options);
}

export const ncftp: RealClient = {
  name: 'ncftp',
  modes: ['active', 'passive'],
  otherModes: 'knows neither EPSV nor EPRT',
  sentSetup: /(?:Cmd: +|^> +)(PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) => runNcftp('ncftpget', target, ['-V', '-C'], [target.host, remote, local]),
  upload: (target, local, remote) => runNcftp('ncftpput', target, ['-V', '-C'], [target.host, local, remote]),
  resumeDownload: (target, remote) => runNcftp('ncftpget', target, ['-V', '-z'], [target.host, '.', remote]),
  finishUpload: (target, { tail, remote }) =>
    runNcftp('ncftpput', target, ['-V', '-A', '-C'], [target.host, tail, remote]),
  list: (target, remote) => runNcftp('ncftpls', target, ['-l'], [`ftp://${authority(target)}/${remote}/`]),
  fetchMany: (target, remote, local) => runNcftp('ncftpget', target, ['-V'], [target.host, local, `${remote}/f*`]),
};
