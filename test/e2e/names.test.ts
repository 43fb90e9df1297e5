// Do file names arrive octet for octet, in whatever encoding, with blanks at either end (RFC 2640, RFC 3659 §2.2)?
//
//   curl, ftplib 127.0.0.1 ── gateway 127.a.b.c:2121 ── server 127.d.e.f:2121
//
// Names travel percent-encoded as far as the client's own arguments; what counts are the octets in the server's folder.

import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { curl } from '../support/clients/curl.ts';
import { ftplib } from '../support/clients/ftplib.ts';
import { startFront } from '../support/front.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { type RealServer, type ServerName, serverNames, startServer } from '../support/real-servers.ts';

/** Octets as latin1. */
const names: Record<string, string> = {
  'UTF-8': Buffer.from('Grüße aus 東京.txt').toString('latin1'),
  'Latin-1': 'Gr\xfc\xdfe.txt',
  'a leading blank': ' leading',
  'a trailing blank': 'trailing ',
  'blanks in a row': 'two  blanks',
  'a name like a reply': '227 Entering Passive Mode (10,0,0,1,200,200)',
};

/** Pure-FTPd itself writes `_` for a blank at either end of what it is given; so it does without a gateway. */
const changedByServer: Partial<Record<ServerName, readonly string[]>> = {
  'Pure-FTPd': ['a leading blank', 'a trailing blank'],
};

const content = octetsFrom(4, 10_007);

function percentEncoded(name: string): string {
  return [...Buffer.from(name, 'latin1')].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('');
}

async function filesOf(server: RealServer): Promise<string[]> {
  return (await readdir(server.files, { encoding: 'buffer' })).map((name) => name.toString('latin1'));
}

async function empty(server: RealServer): Promise<void> {
  for (const name of await readdir(server.files, { encoding: 'buffer' })) {
    await rm(Buffer.concat([Buffer.from(`${server.files}/`), name]));
  }
}

for (const serverName of serverNames) {
  describe(serverName, { skip: whyNoPeers() }, () => {
    let lab: Lab;
    let server: RealServer;
    let where: { host: string; port: number };
    before(async () => {
      lab = await openLab();
      server = await startServer(lab, serverName);
      where = await startFront(lab, server);
      await writeFile(join(lab.folder, 'content'), content);
    });
    after(() => lab.close());
    for (const [what, name] of Object.entries(names)) {
      if (changedByServer[serverName]?.includes(what)) continue;
      for (const client of [curl, ftplib]) {
        test(`${what}, by ${client.name}`, async () => {
          const { host, port } = where;
          const { user, password } = server;
          const target = { host, port, user, password, mode: 'passive', folder: lab.folder } as const;
          const remote = `files/${percentEncoded(name)}`;
          try {
            const up = await client.upload?.(target, 'content', remote);
            assert.equal(up?.exitCode, 0, up?.output);
            assert.deepEqual(await filesOf(server), [name]);
            const down = await client.download(target, remote, 'got');
            assert.equal(down.exitCode, 0, down.output);
            assert.deepEqual(await readFile(join(lab.folder, 'got')), content);
            const listing = await client.list(target, 'files');
            assert.ok(listing.output.includes(name), listing.output);
          } finally {
            await empty(server);
          }
        });
      }
    }
  });
}
