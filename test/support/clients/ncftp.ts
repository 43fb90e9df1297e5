// ncftpget, ncftpput and ncftpls: PORT or PASV.

import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process.ts';
import { patienceMs } from '../watch.ts';
import { authority, type ClientRun, type ClientTarget, type RealClient, smallFileNames } from './client.ts';

async function runNcftp(
  program: string,
  target: ClientTarget,
  flags: readonly string[],
  words: readonly string[],
): Promise<ClientRun> {
  // A log of each run's own: it cannot write to standard output, which is a socket here.
  const log = join(target.folder, `.${program}-${randomUUID()}`);
  const mode = target.mode === 'active' ? '-E' : '-F';
  const login = ['-u', target.user, '-p', target.password, '-P', String(target.port)];
  const all = [...login, '-d', log, '-r', '0', '-t', String(patienceMs / 1000), mode, ...flags, ...words];
  // It keeps a folder in HOME.
  const run = await runProgram(program, all, {
    cwd: target.folder,
    env: { HOME: target.folder },
    network: target.network,
  });
  const conversation = await readFile(log, 'latin1').catch(() => '');
  await rm(log, { force: true });
  return { exitCode: run.exitCode, output: `${run.output}\n${conversation}` };
}

export const ncftp: RealClient = {
  name: 'ncftp',
  modes: ['active', 'passive'],
  otherModes: 'knows neither EPSV nor EPRT',
  ipv6Modes: [],
  sentSetup: /(?:Cmd: +|^> +)(PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) => runNcftp('ncftpget', target, ['-V', '-C'], [target.host, remote, local]),
  upload: (target, local, remote) => runNcftp('ncftpput', target, ['-V', '-C'], [target.host, local, remote]),
  resumeDownload: (target, remote) => runNcftp('ncftpget', target, ['-V', '-z'], [target.host, '.', remote]),
  finishUpload: (target, { tail, remote }) =>
    runNcftp('ncftpput', target, ['-V', '-A', '-C'], [target.host, tail, remote]),
  list: (target, remote) => runNcftp('ncftpls', target, ['-l'], [`ftp://${authority(target)}/${remote}/`]),
  // By name, as with tnftp.
  fetchMany: (target, remote, local, count) => {
    const paths = smallFileNames(count).map((name) => `${remote}/${name}`);
    return runNcftp('ncftpget', target, ['-V'], [target.host, local, ...paths]);
  },
};
