// Does an upload arrive whole whose client closes both connections at once, without QUIT and before the server's reply,
// as ffmpeg does?
//
//   client 127.0.0.1 ── gateway 127.a.b.c:2121 ── server 127.d.e.f:2121
//
// pyftpdlib throws away what it has not read of the data as soon as its control connection ends; without a gateway it
// loses most of such files.

import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ftplibArguments } from '../support/clients/ftplib.ts';
import { startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { runProgram } from '../support/process.ts';
import { serverNames, startServer } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const octets = 1_000_003;
const uploads = 12;

describe('a client that closes as soon as it has sent its file', { skip: whyNoPeers() }, () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab();
    await writeFile(join(lab.folder, 'whole'), octetsFrom(7, octets));
  });
  after(() => lab.close());

  for (const name of serverNames) {
    test(`${name} gets the whole file each time, and is rid of the session`, async () => {
      const server = await startServer(lab, name);
      const gateway = await startGateway(lab, server);
      const { user, password } = server;
      const { host, port } = gateway;
      const target = { host, port, user, password, mode: 'passive' as const, folder: lab.folder };
      const words = ['hurry', 'whole', 'files/up', String(uploads)];
      const { exitCode, output } = await runProgram('/usr/bin/python3', ftplibArguments(target, ...words), {
        cwd: lab.folder,
      });
      assert.equal(exitCode, 0, output);
      await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
      const sizes = Array.from({ length: uploads }, async (_, number) => {
        const { size } = await stat(join(server.files, `up${number}`));
        return size;
      });
      assert.deepEqual(await Promise.all(sizes), Array(uploads).fill(octets));
      const told = () => gateway.log().filter(({ msg }) => msg === 'transfer');
      await becomes(() => told().length, uploads);
      for (const { outcome, replyCode } of told())
        assert.deepEqual({ outcome, replyCode }, { outcome: 'completed', replyCode: 226 });
    });
  }
});
