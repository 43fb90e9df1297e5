// curl: one transfer per URL, every mode; EPSV and EPRT first unless told otherwise.

import { runProgram } from '../process.ts';
import { authority, type ClientRun, type ClientTarget, type DataMode, type RealClient } from './client.ts';

const modeFlags: Record<DataMode, readonly string[]> = {
  active: ['--ftp-port', '-', '--disable-eprt'],
  passive: ['--disable-epsv'],
  extended: [],
  'extended-active': ['--ftp-port', '-'],
};

function runCurl(target: ClientTarget, remote: string, flags: readonly string[]): Promise<ClientRun> {
  const login = ['--user', `${target.user}:${target.password}`];
  const { tls } = target;
  const scheme = tls?.mode === 'implicit' ? 'ftps' : 'ftp';
  const place = tls === undefined ? authority(target) : `${tls.name}:${target.port}`;
  const url = `${scheme}://${place}/${remote}`;
  const all = [...login, ...modeFlags[target.mode], ...tlsFlags(target), ...flags, url];
  return runProgram('curl', ['-q', '-sS', '-v', ...all], {
    cwd: target.folder,
    network: target.network,
  });
}

function tlsFlags({ tls, host, port }: ClientTarget): readonly string[] {
  if (tls === undefined) return [];
  const version = tls.version === undefined ? [] : ['--tls-max', tls.version];
  return ['--ssl-reqd', '--cacert', tls.ca, '--resolve', `${tls.name}:${port}:${host}`, ...version];
}

export const curl: RealClient = {
  name: 'curl',
  modes: ['active', 'passive', 'extended', 'extended-active'],
  otherModes: '',
  ipv6Modes: ['extended', 'extended-active'],
  sentSetup: /^> (PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) => runCurl(target, remote, ['-o', local]),
  upload: (target, local, remote) => runCurl(target, remote, ['-T', local]),
  resumeDownload: (target, remote, local) => runCurl(target, remote, ['-C', '-', '-o', local]),
  // SIZE tells it where to go on; then APPE.
  finishUpload: (target, { whole, remote }) => runCurl(target, remote, ['-C', '-', '-T', whole]),
  list: (target, remote) => runCurl(target, `${remote}/`, []),
  // In four sessions at once: alone, curl 7.88 waits a whole second whenever the reply to EPSV or PASV is there before
  // it looks for it (its loop then waits for a data socket that does not exist yet), and any other transfer wakes it
  // up.
  fetchMany: (target, remote, local, count) => fetchAll(target, remote, local, count, 4),
};

/** In one session at a time: in parallel, curl resumes with the TLS session of one what belongs to another. */
export const curlInOneSession: RealClient = {
  ...curl,
  fetchMany: (target, remote, local, count) => fetchAll(target, remote, local, count, 1),
};

function fetchAll(target: ClientTarget, remote: string, local: string, count: number, atOnce: number) {
  const last = String(count - 1).padStart(3, '0');
  return runCurl(target, `${remote}/f[000-${last}]`, ['-Z', '--parallel-max', `${atOnce}`, '-o', `${local}/f#1`]);
}
