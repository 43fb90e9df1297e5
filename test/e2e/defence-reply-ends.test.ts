// Can a server make a client end a reply sooner than the gateway does, so that a 227 inside it answers the client's PASV?
// Each reply of this server holds every line at which a client of the table in test/fixtures/reply-readers.txt ends a reply,
// and before the last line a 227 that names the victim: a port of the gateway's own host, for clients that keep to the host.
//
//   real clients 127.0.0.1 ── gateway 127.g:2121 ── server 127.s:2121 (scripted)
//   victim 127.g:v (listens, and must see nobody)

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ClientTarget } from '../support/clients/client.ts';
import { DataPort } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { realClients } from '../support/real-clients.ts';
import { readersTable } from '../support/reply-readers.ts';
import { type ScriptedVerb, startScriptedServerAt } from '../support/scripted-server.ts';
import { Victim } from '../support/victim.ts';

const file = octetsFrom(3, 70_001);
const tableCode = '220';

describe('where a reply ends', { skip: whyNoPeers() }, () => {
  let lab: Lab;
  let gateway: RunningGateway;
  let victim: Victim;
  let target: Omit<ClientTarget, 'folder'>;

  before(async () => {
    lab = await openLab();
    const endpoint = await lab.endpoint();
    gateway = await startGateway(lab, endpoint);
    victim = await Victim.open(lab, { host: gateway.host, port: 0 });
    const reply = (code: string, text: string): string => hostileReply(code, text, victim.hostPort);
    const data = await DataPort.open(lab, endpoint.host);
    const server = await startScriptedServerAt(lab, endpoint, {
      greeting: reply('220', 'A server.'),
      verbs: {
        ...repliesOf(reply),
        PASV: ({ write }) => write(`227 Entering Passive Mode (${data.hostPort})\r\n`),
        RETR: async ({ write }) => {
          write('150 Here it comes.\r\n');
          const { socket } = await data.next();
          socket.end(file, () => write(reply('226', 'That was it.')));
        },
      },
    });
    target = { host: gateway.host, port: gateway.port, user: server.user, password: server.password, mode: 'passive' };
  });
  after(() => lab.close());

  for (const client of realClients) {
    test(`${client.name} reads the gateway's 227 and no other`, async () => {
      const folder = await lab.makeFolder(client.name);
      const run = await client.download({ ...target, folder }, 'source.bin', 'got.bin');
      assert.equal(run.exitCode, 0, run.output);
      assert.deepEqual(await readFile(join(folder, 'got.bin')), Buffer.from(file));
      await victim.nobodyCame();
      assert.ok((await gateway.metric('portcullis_rewrites_total{kind="line-normalised"}')) > 0);
    });
  }
});

function repliesOf(reply: (code: string, text: string) => string): Record<string, ScriptedVerb> {
  const replies = {
    USER: reply('331', 'Password, please.'),
    PASS: reply('230', 'Come in.'),
    TYPE: reply('200', 'So be it.'),
    PWD: reply('257', '"/" is where you are.'),
    CWD: reply('250', 'There.'),
    SYST: reply('215', 'UNIX Type: L8'),
    NOOP: reply('200', 'Nothing done.'),
    SIZE: reply('550', 'Not told.'),
  };
  const verbs = Object.entries(replies).map(([verb, text]): [string, ScriptedVerb] => [
    verb,
    ({ write }) => write(text),
  ]);
  return Object.fromEntries(verbs);
}

function hostileReply(code: string, text: string, hostPort: string): string {
  const smuggled = `227 Entering Passive Mode (${hostPort})`;
  const lines = readersTable().map(({ line }) => line.replaceAll(tableCode, code));
  // Where the RFC ends the reply, the gateway does it, too.
  const inner = lines.filter((line) => line !== code && !line.startsWith(`${code} `));
  return [`${code}-begin`, ...inner, `${code}x`, smuggled, `${code} ${text}`].map((line) => `${line}\r\n`).join('');
}
