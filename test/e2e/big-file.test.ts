// Does a file of 1 GiB pass whole in both directions, once per server program, and once under TLS on both legs?
//
//   curl 127.0.0.1 ── gateway 127.a.b.c:2121 ── server 127.d.e.f:2121
//
// The files lie in memory where there is room, since the disk would be the slowest part of the way.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { link, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { CertificateAuthority } from '../support/certificates.ts';
import type { ClientRun, ClientTarget, ClientTlsTarget } from '../support/clients/client.ts';
import { curl } from '../support/clients/curl.ts';
import { startFront } from '../support/front.ts';
import { startGateway } from '../support/gateway.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { checksum, octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { type RealServer, serverNames, startServer } from '../support/real-servers.ts';

const blockOctets = 1024 ** 2;
const blocks = 1024;
/** The source, one copy of it, and as much again to spare. */
const roomOctets = 4 * blocks * blockOctets;

/** Writes 1 GiB in which every block carries its own number, so that none can be lost, doubled or exchanged. */
async function writeBigFile(path: string): Promise<string> {
  const [hash, block] = [createHash('sha256'), octetsFrom(2, blockOctets)];
  const file = await open(path, 'w');
  for (let number = 0; number < blocks; number += 1) {
    block.writeUInt32BE(number, number * 4);
    hash.update(block);
    await file.writev([block]);
  }
  await file.close();
  return hash.digest('hex');
}

async function folderWithRoom(): Promise<string> {
  const { bavail, bsize } = await statfs('/dev/shm').catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > roomOctets ? '/dev/shm' : tmpdir();
}

function succeeded(run: ClientRun): void {
  assert.equal(run.exitCode, 0, run.output.slice(-2000));
}

describe('1 GiB', { skip: whyNoPeers() }, () => {
  let lab: Lab;
  let sum: string;
  before(async () => {
    lab = await openLab(await folderWithRoom());
    sum = await writeBigFile(join(lab.folder, 'big.bin'));
  });
  after(() => lab.close());

  for (const name of serverNames) {
    test(name, async (t) => {
      const server = await startServer(lab, name);
      await bothWays(t, server, await startFront(lab, server));
    });
  }

  test('vsftpd, under TLS on both legs', async (t) => {
    const authority = new CertificateAuthority();
    t.after(() => authority.remove());
    const name = 'ftp.example.org';
    const server = await startServer(lab, 'vsftpd', 4, { pair: authority.issue(name), mode: 'explicit' });
    const [pair, ca] = [authority.issue(name), authority.pair.certificateFile];
    const client = `{ mode: required, certificate: ${pair.certificateFile}, key: ${pair.keyFile} }`;
    const tls = ['tls:', `  client: ${client}`, `  server: { mode: required, ca: ${ca}, name: ${name} }`];
    const gateway = await startGateway(lab, server, { listener: tls });
    await bothWays(t, server, gateway, { mode: 'explicit', ca, name, version: '1.3' });
  });

  async function bothWays(t: TestContext, server: RealServer, front: LabEndpoint, tls?: ClientTlsTarget) {
    const folder = await lab.makeFolder(`${server.host}-client`);
    const { user, password } = server;
    const target: ClientTarget = { ...front, user, password, mode: 'extended', folder, tls };
    await t.test('down', async () => {
      await link(join(lab.folder, 'big.bin'), join(server.files, 'big.bin'));
      succeeded(await curl.download(target, 'files/big.bin', 'got.bin'));
      assert.equal(await checksum(join(folder, 'got.bin')), sum);
      await rm(join(folder, 'got.bin'));
    });
    await t.test('up', async () => {
      succeeded(await curl.upload!(target, join(lab.folder, 'big.bin'), 'files/up.bin'));
      assert.equal(await checksum(join(server.files, 'up.bin')), sum);
      await rm(join(server.files, 'up.bin'));
    });
  }
});
