// tnftp, the BSD ftp: a script on its standard input. Its exit code tells nothing about single commands, so only what
// has arrived counts.

import { runProgram } from '../process.ts';
import { type ClientRun, type ClientTarget, type RealClient, smallFileNames } from './client.ts';

function runTnftp(target: ClientTarget, ...commands: string[]): Promise<ClientRun> {
  const { host, port, user, password, mode } = target;
  const isActive = mode === 'active' || mode === 'extended-active';
  const extended = mode === 'active' || mode === 'passive' ? 'epsv4 off' : 'epsv4 on';
  const script = [extended, `open ${host} ${port}`, `user ${user} ${password}`, 'binary', ...commands, 'quit', ''];
  return runProgram('tnftp', ['-d', '-i', '-n', '-v', isActive ? '-A' : '-p'], {
    cwd: target.folder,
    network: target.network,
    input: script.join('\n'),
  });
}

export const tnftp: RealClient = {
  name: 'tnftp',
  modes: ['active', 'passive', 'extended', 'extended-active'],
  otherModes: '',
  ipv6Modes: ['extended', 'extended-active'],
  sentSetup: /^(?:ftp> )*---> (PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) => runTnftp(target, `get ${remote} ${local}`),
  upload: (target, local, remote) => runTnftp(target, `put ${local} ${remote}`),
  resumeDownload: (target, remote, local) => runTnftp(target, `reget ${remote} ${local}`),
  finishUpload: (target, { tail, remote }) => runTnftp(target, `append ${tail} ${remote}`),
  list: (target, remote) => runTnftp(target, `ls ${remote}`),
  // By name: `mget f*` needs a server that expands patterns, and two of the four do not.
  fetchMany: (target, remote, local, count) =>
    runTnftp(target, `cd ${remote}`, `lcd ${local}`, ...smallFileNames(count).map((name) => `get ${name}`)),
};
