// Does ABOR stop a transfer and leave the session usable (RFC 959 §4.1.3), with telnet's urgent octets before it or
// not?
//
//   lftp, ftplib 127.0.0.1 ── gateway 127.a.b.c:2121 ── server 127.d.e.f:2121
//
// ftplib sends ABOR as urgent data; lftp sends IAC IP, IAC DM with the urgent mark and then ABOR.

import assert from 'node:assert/strict';
import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ClientTarget } from '../support/clients/client.ts';
import { ftplibArguments } from '../support/clients/ftplib.ts';
import { lftpOpening } from '../support/clients/lftp.ts';
import { isDirect, startFront } from '../support/front.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { whyNoPeers } from '../support/peers.ts';
import { runProgram } from '../support/process.ts';
import { type RealServer, type ServerName, serverNames, startServer } from '../support/real-servers.ts';

/** More than all buffers on the way hold together: the server is still sending when ABOR comes. */
const wholeOctets = 512 * 1024 ** 2;

/**
 * Its ABOR has no LF when the LF was the urgent octet. The gateway reads urgent data in line and thereby heals that.
 */
const losesUrgentOctet: readonly ServerName[] = ['ProFTPD'];

for (const serverName of serverNames) {
  describe(serverName, { skip: whyNoPeers() }, () => {
    let lab: Lab;
    let server: RealServer;
    let target: ClientTarget;
    before(async () => {
      lab = await openLab();
      server = await startServer(lab, serverName);
      await writeFile(join(server.files, 'whole'), '');
      await truncate(join(server.files, 'whole'), wholeOctets);
      const { host, port } = await startFront(lab, server);
      const { user, password } = server;
      target = { host, port, user, password, mode: 'passive', folder: lab.folder };
    });
    after(() => lab.close());

    for (const mode of ['passive', 'active'] as const) {
      for (const how of ['urgent', 'plain']) {
        const skip = isDirect && how === 'urgent' && losesUrgentOctet.includes(serverName);
        test(`ftplib, ${mode}, ${how}`, { skip }, async () => {
          const words = ftplibArguments({ ...target, mode }, 'abort', 'files/whole', how);
          const { exitCode, output } = await runProgram('/usr/bin/python3', words, { cwd: lab.folder });
          assert.equal(exitCode, 0, output);
          assert.match(output, new RegExp(`\\*size\\* ${wholeOctets}`));
        });
      }

      test(`lftp, ${mode}`, async () => {
        const got = `got-${mode}`;
        // The second command waits, in a shell, for the first octets; then the download is killed, which is ABOR.
        const script = `${lftpOpening({ ...target, mode })}
          set net:limit-rate 1M
          set ftp:use-abor yes
          get files/whole -o ${got} &
          !until test -s ${got}; do :; done
          kill all
          set net:limit-rate 0
          ls files
        `;
        const { exitCode, output } = await runProgram('lftp', ['--norc', '-c', script], { cwd: lab.folder });
        assert.equal(exitCode, 0, output);
        assert.match(output, /---> ABOR/);
        assert.match(output, /whole/);
        assert.ok((await stat(join(lab.folder, got))).size < wholeOctets);
      });
    }
  });
}
