// Do clients and servers meet whatever family each of them speaks?
//
//   client ::1       ── gateway [::1]:p          ── server 127.d.e.f:2121    EPSV, EPRT become PASV, PORT (RFC 6384 §3)
//   client 127.0.0.1 ── gateway 127.a.b.c:2121   ── server [::1]:q            and the reverse
//   client ::1       ── gateway [::1]:p          ── server [::1]:q
//
// A direct run has only the last row: without a gateway the other two cannot meet.

import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertSucceeded, type ClientTarget, type DataMode, type RealClient } from '../support/clients/client.ts';
import { isDirect, startFront } from '../support/front.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { checksum, octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { realClients } from '../support/real-clients.ts';
import { type RealServer, serverNames, startServer } from '../support/real-servers.ts';

type Family = 4 | 6;
const source = octetsFrom(3, 300_007);
const ways: readonly (readonly [Family, Family])[] = isDirect
  ? [[6, 6]]
  : [
      [6, 4],
      [4, 6],
      [6, 6],
    ];

/** lftp 4.9 names `::` in its EPRT. The gateway puts the control peer in its place; most servers refuse it. */
function sendsUnspecified(client: RealClient, mode: DataMode): boolean {
  return client.name === 'lftp' && mode === 'extended-active';
}

async function thereAndBack(
  client: RealClient,
  target: ClientTarget,
  server: RealServer,
  remote: string,
): Promise<void> {
  await writeFile(join(target.folder, 'source.bin'), source);
  const up = await client.upload?.(target, 'source.bin', `${remote}/up.bin`);
  const down = await client.download(target, 'files/source.bin', 'got.bin');
  for (const run of up ? [up, down] : [down]) assertSucceeded(client, target.mode, run);
  const sum = await checksum(join(server.files, 'source.bin'));
  assert.equal(await checksum(join(target.folder, 'got.bin')), sum);
  if (up) assert.equal(await checksum(join(server.files, '..', remote, 'up.bin')), sum);
}

for (const [clientFamily, serverFamily] of ways) {
  describe(`IPv${clientFamily} client, IPv${serverFamily} server`, { skip: whyNoPeers() }, () => {
    let lab: Lab;
    before(async () => {
      lab = await openLab();
    });
    after(() => lab.close());
    for (const serverName of serverNames) {
      test(serverName, async (t) => {
        const server = await startServer(lab, serverName, serverFamily);
        await writeFile(join(server.files, 'source.bin'), source);
        const { host, port } = await startFront(lab, server, {}, clientFamily);
        const run = async (client: RealClient, mode: DataMode): Promise<void> => {
          const name = `${client.name}-${mode}`;
          const folder = await lab.makeFolder(`${serverName}-${name}`);
          await mkdir(join(server.files, name));
          await chmod(join(server.files, name), 0o777);
          const target = { host, port, user: server.user, password: server.password, mode, folder };
          await t.test(`${client.name}, ${mode}`, () => thereAndBack(client, target, server, `files/${name}`));
        };
        for (const client of realClients) {
          for (const mode of clientFamily === 6 ? client.ipv6Modes : client.modes) {
            if (!isDirect || !sendsUnspecified(client, mode)) await run(client, mode);
          }
        }
      });
    }
  });
}
