// tnftp, the BSD ftp: a script on its standard input. Its exit code tells nothing about single commands, so only what has
// arrived counts.

import { runProgram } from '../process.ts';
import type { ClientRun, ClientTarget, DataMode, RealClient } from './client.ts';

const modeFlags: Record<DataMode, readonly string[]> = {
  active: ['-A', '-e'],
  passive: ['-p', '-e'],
  extended: ['-p'],
  'extended-active': ['-A'],
};

function runTnftp(target: ClientTarget, ...commands: string[]): Promise<ClientRun> {
  const { host, port, user, password } = target;
  const script = [`open ${host} ${port}`, `user ${user} ${password}`, 'binary', ...commands, 'quit', ''].join('\n');
  return runProgram('tnftp', ['-d', '-i', '-n', '-v', ...modeFlags[target.mode]], {
    cwd: target.folder,
    input: script,
  });
}

export const tnftp: RealClient = {
  name: 'tnftp',
  modes: ['active', 'passive', 'extended', 'extended-active'],
  otherModes: '',
  sentSetup: /^(?:ftp> )*---> (PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) => runTnftp(target, `get ${remote} ${local}`),
  upload: (target, local, remote) => runTnftp(target, `put ${local} ${remote}`),
  resumeDownload: (target, remote, local) => runTnftp(target, `reget ${remote} ${local}`),
  finishUpload: (target, { tail, remote }) => runTnftp(target, `append ${tail} ${remote}`),
  list: (target, remote) => runTnftp(target, `ls ${remote}`),
  fetchMany: (target, remote, local) => runTnftp(target, `cd ${remote}`, `lcd ${local}`, 'mget f*'),
};
