// basic-ftp from npm, inside the test's own process.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, enterPassiveModeIPv4, enterPassiveModeIPv6 } from 'basic-ftp';
import { patienceMs } from '../watch.ts';
import type { ClientRun, ClientTarget, RealClient } from './client.ts';

async function runBasicFtp(
  target: ClientTarget,
  work: (client: Client) => Promise<string | undefined>,
): Promise<ClientRun> {
  const client = new Client(patienceMs);
  const lines: string[] = [];
  client.ftp.verbose = true;
  client.ftp.log = (line) => lines.push(line);
  try {
    await client.access({ host: target.host, port: target.port, user: target.user, password: target.password });
    // After access(), which sets it anew. Its extended way is named after IPv6 but is plain EPSV.
    client.prepareTransfer = target.mode === 'extended' ? enterPassiveModeIPv6 : enterPassiveModeIPv4;
    lines.push((await work(client)) ?? '');
    return { exitCode: 0, output: lines.join('\n') };
  } catch (error) {
    return { exitCode: 1, output: [...lines, String(error)].join('\n') };
  } finally {
    client.close();
  }
}

/** Turns the library's replies into nothing: only an operation's own text belongs to the output. */
async function done(...steps: Promise<unknown>[]): Promise<undefined> {
  await Promise.all(steps);
}

export const basicFtp: RealClient = {
  name: 'basic-ftp',
  modes: ['passive', 'extended'],
  otherModes: 'has no active mode',
  ipv6Modes: ['extended'],
  sentSetup: /^> (PORT|PASV|EPSV|EPRT)/gm,
  download: (target, remote, local) =>
    runBasicFtp(target, (client) => done(client.downloadTo(join(target.folder, local), remote))),
  upload: (target, local, remote) =>
    runBasicFtp(target, (client) => done(client.uploadFrom(join(target.folder, local), remote))),
  resumeDownload: (target, remote, local) =>
    runBasicFtp(target, async (client) => {
      const { size } = await stat(join(target.folder, local));
      return done(client.downloadTo(join(target.folder, local), remote, size));
    }),
  finishUpload: (target, { tail, remote }) =>
    runBasicFtp(target, (client) => done(client.appendFrom(join(target.folder, tail), remote))),
  list: (target, remote) =>
    runBasicFtp(target, async (client) => (await client.list(remote)).map(({ name }) => name).join('\n')),
  fetchMany: (target, remote, local) =>
    runBasicFtp(target, (client) => done(client.downloadToDir(join(target.folder, local), remote))),
};
