// Does a transfer that broke look broken at the other end, and never complete?
//
//   client 127.0.0.1 ── gateway 127.a.b.c:2121 ── server 127.d.e.f:2121
//
// Stream mode ends a file with the end of the connection (RFC 959 §3.4.1): a reset that became a clean end on its way
// would make half a file a whole one.

import assert from 'node:assert/strict';
import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { ClientTarget } from '../support/clients/client.ts';
import { ftplibArguments } from '../support/clients/ftplib.ts';
import { startFront } from '../support/front.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import type { RunningProgram } from '../support/process.ts';
import { type RealServer, type ServerName, serverNames, startServer } from '../support/real-servers.ts';
import { openSockets } from '../support/sockets.ts';
import { becomes } from '../support/watch.ts';

/**
 * More than all buffers on the way hold together, so that the transfer cannot be over when its first octets are here.
 */
const wholeOctets = 512 * 1024 ** 2;

/** The reply to an upload that ends by a reset; pyftpdlib takes a reset for an end. */
const replyToReset: Record<ServerName, RegExp> = {
  vsftpd: /\*reply\* 426/,
  ProFTPD: /\*reply\* 426/,
  'Pure-FTPd': /\*reply\* 4/,
  pyftpdlib: /\*reply\* 226/,
};

/** Downloads that are slow enough to be met on their way: at 20 MB/s they last for 25 s. */
const slowDownloads: Record<string, (target: ClientTarget) => [string, string[]]> = {
  curl: ({ host, port, user, password }) => [
    'curl',
    ['-q', '-sS', '--limit-rate', '20M', '-u', `${user}:${password}`, '-o', 'got', `ftp://${host}:${port}/files/whole`],
  ],
  wget: ({ host, port, user, password }) => [
    'wget',
    ['--no-config', '--tries=1', '--limit-rate=20m', `--user=${user}`, `--password=${password}`, '-O', 'got'].concat(
      `ftp://${host}:${port}/files/whole`,
    ),
  ],
  ftplib: (target) => ['/usr/bin/python3', ftplibArguments(target, 'pause', 'files/whole', 'got')],
};

async function hasOctets(file: string, program: RunningProgram): Promise<void> {
  let ended = false;
  void program.finished.then(() => {
    ended = true;
  });
  await becomes(async () => {
    assert.ok(!ended, program.output);
    return ((await stat(file).catch(() => undefined))?.size ?? 0) > 0;
  }, true);
}

describe('a broken transfer', { skip: whyNoPeers() }, () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await openLab();
  });
  afterEach(() => lab.close());

  async function meet(name: ServerName): Promise<{ server: RealServer; target: ClientTarget }> {
    const server = await startServer(lab, name);
    const { host, port } = await startFront(lab, server);
    const { user, password } = server;
    return { server, target: { host, port, user, password, mode: 'passive', folder: lab.folder } };
  }

  for (const name of serverNames) {
    for (const [client, command] of Object.entries(slowDownloads)) {
      test(`${name} dies during RETR: ${client} reports a failure`, async () => {
        const { server, target } = await meet(name);
        await writeFile(join(server.files, 'whole'), '');
        await truncate(join(server.files, 'whole'), wholeOctets);
        const [program, words] = command(target);
        const running = await lab.start(program, words, { cwd: lab.folder });
        if (client === 'ftplib') await running.printed(/\*first\*/);
        else await hasOctets(join(lab.folder, 'got'), running);
        await server.program.end('SIGKILL');
        // ftplib stopped itself after its first octets.
        if (client === 'ftplib') running.signal('SIGCONT');
        const { exitCode, output } = await running.finished;
        assert.notEqual(exitCode, 0, output);
        assert.ok((await stat(join(lab.folder, 'got'))).size < wholeOctets);
      });
    }

    test(`a client resets its STOR: ${name} hears of it`, async () => {
      const { target } = await meet(name);
      await writeFile(join(lab.folder, 'half'), octetsFrom(5, 100_000));
      const running = await lab.start('/usr/bin/python3', ftplibArguments(target, 'reset', 'half', 'files/half'), {
        cwd: lab.folder,
      });
      const { output } = await running.finished;
      assert.match(output, replyToReset[name]);
    });

    test(`a client dies during STOR: ${name} is rid of the session`, async () => {
      const { server, target } = await meet(name);
      const running = await lab.start('/usr/bin/python3', ftplibArguments(target, 'endless', 'files/half'), {
        cwd: lab.folder,
      });
      await hasOctets(join(server.files, 'half'), running);
      await running.end('SIGKILL');
      // Only the listening socket is left, in state 0A.
      const sessions = async (): Promise<string> =>
        (await openSockets([server])).filter((socket) => !socket.endsWith('state 0A')).join('\n');
      await becomes(sessions, '');
      assert.ok((await stat(join(server.files, 'half'))).size > 0);
    });
  }
});
