// basic-ftp from npm, inside the test's own process.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AccessOptions, Client, enterPassiveModeIPv4, enterPassiveModeIPv6 } from 'basic-ftp';
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
    const { host, port, user, password } = target;
    await client.access({ host, port, user, password, ...(await tlsOptions(target)) });
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

async function tlsOptions({ tls }: ClientTarget): Promise<Pick<AccessOptions, 'secure' | 'secureOptions'>> {
  if (tls === undefined) return {};
  const secureOptions = {
    ca: await readFile(tls.ca),
    // The host is an address of the loopback network, and the certificate names none.
    checkServerIdentity: () => undefined,
    maxVersion: tls.version === '1.2' ? ('TLSv1.2' as const) : ('TLSv1.3' as const),
  };
  return { secure: tls.mode === 'implicit' ? 'implicit' : true, secureOptions };
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
