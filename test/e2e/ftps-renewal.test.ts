// Certificates that are renewed again and again while real clients work: nobody is cut, and whoever comes next sees the
// new one. Renewed as Kubernetes does it, by turns found by the gateway itself and taken in by SIGHUP.
//
//   curl, lftp 127.0.0.1 ── explicit TLS ── gateway 127.g:2121 ── plain ── vsftpd 127.s:2121

import assert from 'node:assert/strict';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CertificateAuthority } from '../support/certificates.ts';
import { assertSucceeded, type ClientTarget, type RealClient } from '../support/clients/client.ts';
import { curl } from '../support/clients/curl.ts';
import { lftp } from '../support/clients/lftp.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { checksum, octetsFrom } from '../support/octets.ts';
import { listenerYaml, type OperatedGateway, operateGateway } from '../support/operated-gateway.ts';
import { whyNoPeers } from '../support/peers.ts';
import { runProgram } from '../support/process.ts';
import { type RealServer, startServer } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const name = 'ftp.example.org';
const renewals = 9;
const source = octetsFrom(7, 700_001);

describe('certificates renewed under load', { skip: whyNoPeers() }, () => {
  const authority = new CertificateAuthority();
  let lab: Lab;
  let server: RealServer;
  let listen: LabEndpoint;
  let gateway: OperatedGateway;
  let settings: string;

  before(async () => {
    lab = await openLab();
    server = await startServer(lab, 'vsftpd');
    await writeFile(join(server.files, 'source.bin'), source);
    listen = await lab.endpoint();
    await renew(0);
    const files = `certificate: ${lab.folder}/data/tls.crt, key: ${lab.folder}/data/tls.key`;
    const tls = `tls: { client: { mode: required, ${files} } }`;
    settings = `listeners:\n${listenerYaml('front', listen, server, [tls])}engines: 2\n`;
    gateway = await operateGateway(lab, settings);
  });
  after(async () => {
    await lab.close();
    authority.remove();
  });

  /** Both files at once: the folder behind a symbolic link is another one from now on. */
  async function renew(number: number): Promise<void> {
    const { certificate, key } = authority.issue(`renewal-${number}`, { names: [`DNS:${name}`] });
    const folder = join(lab.folder, `data-${number}`);
    await mkdir(folder);
    await writeFile(join(folder, 'tls.crt'), certificate);
    await writeFile(join(folder, 'tls.key'), key);
    await symlink(folder, `${folder}-link`);
    await rename(`${folder}-link`, join(lab.folder, 'data'));
  }

  const isInForce = async (number: number): Promise<boolean> =>
    (await gateway.metric(
      `portcullis_tls_certificate_expiry_seconds{listener="front",subject="CN=renewal-${number}"}`,
    )) > 0;

  async function shownTo(version: 'tls1_2' | 'tls1_3'): Promise<string> {
    const place = ['-connect', `${listen.host}:${listen.port}`, '-servername', name];
    const shown = await runProgram('openssl', ['s_client', '-starttls', 'ftp', `-${version}`, ...place], {
      input: 'QUIT\r\n',
    });
    return /^subject=CN ?= ?(\S+)$/m.exec(shown.output)?.[1] ?? shown.output;
  }

  test('cut nobody, and are shown to whoever comes next', async () => {
    let isOver = false;
    const worked = [curl, lftp, curl, lftp].map(async (client, index) => {
      const done = await workUntil(client, index, () => isOver);
      return { client: client.name, done };
    });
    for (let number = 1; number <= renewals; number += 1) {
      await renew(number);
      if (number % 3 !== 0) assert.equal(await gateway.reload(settings), 'applied');
      else await becomes(() => isInForce(number), true);
      assert.equal(await shownTo(number % 2 === 0 ? 'tls1_2' : 'tls1_3'), `renewal-${number}`);
    }
    isOver = true;
    for (const { client, done } of await Promise.all(worked)) assert.ok(done >= 2, `${client}: ${done} transfers`);
    assert.equal(await gateway.metric('portcullis_sessions_total{outcome="tls-failed"}'), 0);
    assert.doesNotMatch(gateway.program.output, /"level":"(?:error|fatal)"/);
  });

  /** How many transfers it has made; two at least, so that one has begun after the last renewal. */
  async function workUntil(client: RealClient, index: number, isOver: () => boolean): Promise<number> {
    const folder = await lab.makeFolder(`worker-${index}`);
    const tls = { mode: 'explicit', ca: authority.pair.certificateFile, name, version: '1.3' } as const;
    const { user, password } = server;
    const target: ClientTarget = { ...listen, user, password, mode: 'passive', folder, tls };
    let done = 0;
    for (let isLast = false; !isLast; done += 1) {
      isLast = isOver();
      assertSucceeded(client, 'passive', await client.download(target, 'files/source.bin', `got-${done}.bin`));
      assert.equal(await checksum(join(folder, `got-${done}.bin`)), await checksum(join(server.files, 'source.bin')));
    }
    return done;
  }
});
