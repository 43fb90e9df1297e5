// Can real clients do their work on real servers where TLS runs on either leg, on both, or from the first octet?
//
//   client 127.0.0.1 ══ gateway 127.a.b.c:2121 ══ server 127.d.e.f:2121      (══ under TLS or not, each leg for itself)
//
// The servers are as strict as they can be told to be: no login and no data without TLS, and vsftpd and ProFTPD take
// data connections only that resume the TLS session of their control connection. Octets are compared by SHA-256.

import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CertificateAuthority } from '../support/certificates.ts';
import { basicFtp } from '../support/clients/basic-ftp.ts';
import {
  assertSucceeded,
  type ClientTarget,
  type ClientTlsTarget,
  type DataMode,
  type RealClient,
  smallFileNames,
} from '../support/clients/client.ts';
import { curl, curlInOneSession } from '../support/clients/curl.ts';
import { ftplib } from '../support/clients/ftplib.ts';
import { lftp } from '../support/clients/lftp.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { checksum, octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { type RealServer, type ServerName, serverNames, startServer } from '../support/real-servers.ts';

const source = octetsFrom(1, 1_048_583);
const smallFiles = 30;
const name = 'ftp.example.org';
const everyone: readonly RealClient[] = [curl, lftp, ftplib, basicFtp];

interface Deployment {
  readonly title: string;
  readonly servers: readonly ServerName[];
  readonly serverTls: 'none' | 'explicit' | 'implicit';
  /** YAML of the two legs. */
  readonly client: string;
  readonly server: string;
  readonly clients: readonly RealClient[];
  readonly clientTls: 'none' | 'explicit' | 'implicit';
  /** Whether the client goes on in the clear once it has logged in (CCC); its data stays under TLS. */
  readonly clearAfterLogin?: true;
  readonly versions: readonly ClientTlsTarget['version'][];
}

// Debian's pyftpdlib (1.5.7) closes every data connection under TLS, also without a gateway.
const secureServers = serverNames.filter((each) => each !== 'pyftpdlib');
const ours = 'certificate: CERT, key: KEY';
const deployments: readonly Deployment[] = [
  {
    title: 'TLS outside, plain inside',
    servers: ['vsftpd'],
    serverTls: 'none',
    client: `{ mode: required, ${ours} }`,
    server: '{ mode: off }',
    clients: everyone,
    clientTls: 'explicit',
    versions: ['1.3', '1.2'],
  },
  {
    title: 'plain outside, TLS inside',
    servers: secureServers,
    serverTls: 'explicit',
    client: '{ mode: off }',
    server: `{ mode: required, ca: CA, name: ${name} }`,
    clients: [curl, lftp],
    clientTls: 'none',
    versions: [undefined],
  },
  {
    title: 'TLS on both sides, the server as its client',
    servers: secureServers,
    serverTls: 'explicit',
    client: `{ mode: required, ${ours} }`,
    server: `{ mode: match-client, ca: CA, name: ${name} }`,
    clients: everyone,
    clientTls: 'explicit',
    versions: ['1.3'],
  },
  {
    title: 'reuse demanded of clients',
    servers: ['vsftpd'],
    serverTls: 'none',
    client: `{ mode: required, ${ours}, requireReuse: true }`,
    server: '{ mode: off }',
    // Python's ftplib never resumes.
    clients: [curlInOneSession, lftp, basicFtp],
    clientTls: 'explicit',
    versions: ['1.3', '1.2'],
  },
  {
    title: 'implicit TLS on both sides',
    servers: ['vsftpd', 'ProFTPD'],
    serverTls: 'implicit',
    client: `{ mode: implicit, ${ours} }`,
    server: `{ mode: implicit, ca: CA, name: ${name} }`,
    clients: [curl, lftp, basicFtp],
    clientTls: 'implicit',
    versions: ['1.3'],
  },
  ...(['plain', 'TLS'] as const).map(
    (inside): Deployment => ({
      title: `CCC outside, ${inside} inside`,
      servers: ['vsftpd'],
      serverTls: inside === 'TLS' ? 'explicit' : 'none',
      client: `{ mode: required, ${ours}, clearCommandChannel: true }`,
      server: inside === 'TLS' ? `{ mode: required, ca: CA, name: ${name} }` : '{ mode: off }',
      // The others never say it.
      clients: [ftplib],
      clientTls: 'explicit',
      clearAfterLogin: true,
      versions: ['1.3', '1.2'],
    }),
  ),
];

interface Cell {
  readonly client: RealClient;
  readonly target: ClientTarget;
  readonly server: RealServer;
  /** Seen from the login folder, and its real path. */
  readonly remote: string;
  readonly real: string;
}

async function work({ client, target, server, remote, real }: Cell): Promise<void> {
  const { mode, folder } = target;
  const downloaded = await client.download(target, 'files/source.bin', 'got.bin');
  assertSucceeded(client, mode, downloaded);
  if (target.tls?.clearAfterLogin === true) assert.match(downloaded.output, /'CCC'\n(.*\n)*?\*resp\* '200/);
  assert.equal(await checksum(join(folder, 'got.bin')), await checksum(join(server.files, 'source.bin')));
  await writeFile(join(folder, 'whole.bin'), source);
  const run = await client.upload!(target, 'whole.bin', `${remote}/up.bin`);
  assertSucceeded(client, mode, run);
  assert.equal(await checksum(join(real, 'up.bin')), await checksum(join(folder, 'whole.bin')));
  const listed = await client.list(target, 'files/small');
  assertSucceeded(client, mode, listed);
  for (const each of smallFileNames(smallFiles)) assert.match(listed.output, new RegExp(`\\b${each}\\b`));
  await mkdir(join(folder, 'many'));
  assertSucceeded(client, mode, await client.fetchMany(target, 'files/small', 'many', smallFiles));
  for (const each of smallFileNames(smallFiles))
    assert.equal(await checksum(join(folder, 'many', each)), await checksum(join(server.files, 'small', each)), each);
}

/** Debian's curl (7.88) reads an active data connection in the clear, whatever was agreed; mended in its version 8. */
function modesOf(client: RealClient, { clientTls }: Deployment): readonly DataMode[] {
  return client.name === curl.name && clientTls !== 'none'
    ? client.modes.filter((mode) => !mode.endsWith('active'))
    : client.modes;
}

async function fill(server: RealServer): Promise<void> {
  await writeFile(join(server.files, 'source.bin'), source);
  await mkdir(join(server.files, 'small'));
  for (const [at, each] of smallFileNames(smallFiles).entries())
    await writeFile(join(server.files, 'small', each), source.subarray(at * 1000, at * 1000 + at * 113));
}

const skip = whyNoPeers();

for (const deployment of deployments) {
  for (const serverName of deployment.servers) {
    describe(`${deployment.title}: ${serverName}`, { skip, concurrency: 4 }, () => {
      let lab: Lab;
      let server: RealServer;
      let gateway: RunningGateway;
      let authority: CertificateAuthority;
      before(async () => {
        lab = await openLab();
        authority = new CertificateAuthority();
        const { serverTls } = deployment;
        const own = serverTls === 'none' ? undefined : { pair: authority.issue(name), mode: serverTls };
        server = await startServer(lab, serverName, 4, own);
        await fill(server);
        const pair = authority.issue(name);
        const filled = (text: string) =>
          text
            .replace('CERT', pair.certificateFile)
            .replace('KEY', pair.keyFile)
            .replace('CA', authority.pair.certificateFile);
        const tls = ['tls:', `  client: ${filled(deployment.client)}`, `  server: ${filled(deployment.server)}`];
        gateway = await startGateway(lab, server, { listener: tls });
      });
      after(async () => {
        await lab.close();
        authority.remove();
      });

      for (const client of deployment.clients)
        for (const mode of modesOf(client, deployment))
          for (const version of deployment.versions)
            test(`${client.name}, ${mode}${version === undefined ? '' : `, TLS ${version}`}`, () =>
              runCell(client, mode, version));

      async function runCell(client: RealClient, mode: DataMode, version: ClientTlsTarget['version']): Promise<void> {
        const place = `${client.name}-${mode}-${version ?? 'plain'}`;
        const folder = await lab.makeFolder(`${place}-client`);
        const real = join(server.files, place);
        await mkdir(real);
        await chmod(real, 0o777);
        const { clientTls, clearAfterLogin } = deployment;
        const ca = authority.pair.certificateFile;
        const clear = clearAfterLogin === true ? { clearAfterLogin } : {};
        const how = { ca, name, version: version ?? '1.3', ...clear } as const;
        const tls = clientTls === 'none' ? undefined : { mode: clientTls, ...how };
        const { host, port } = gateway;
        const target: ClientTarget = { host, port, user: server.user, password: server.password, mode, folder, tls };
        await work({ client, target, server, remote: `files/${place}`, real });
      }
    });
  }
}
