// Can a server make a client end a reply sooner than the gateway does, so that a 227 inside it answers the client's
// PASV? Each reply of this server holds every line at which a client of the table in test/fixtures/reply-readers.txt
// ends a reply, and before the last line a 227 that names the victim: a port of the gateway's own host, for clients
// that keep to the host.
//
//   real clients 127.0.0.1 ── gateway 127.g:2121 ── server 127.s:2121 (scripted)
//   victim 127.g:v (listens, and must see nobody)

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ClientTarget, RealClient } from '../support/clients/client.ts';
import { ftplib } from '../support/clients/ftplib.ts';
import { DataPort } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { realClients } from '../support/real-clients.ts';
import { readersTable } from '../support/reply-readers.ts';
import { type Script, type ScriptedVerb, startScriptedServerAt } from '../support/scripted-server.ts';
import { Victim } from '../support/victim.ts';

const file = octetsFrom(3, 70_001);
const tableCode = '220';

describe('where a reply ends', { skip: whyNoPeers() }, () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab();
  });
  after(() => lab.close());

  test("the 227 inside a 200 does not answer ftplib's PASV", async () => {
    const { gateway, victim, target } = await stage(lab, (hostPort) => ({
      TYPE: ({ write }) => write(`200-a\r\n200x\r\n227 Entering Passive Mode (${hostPort})\r\n200 So be it.\r\n`),
    }));
    await downloads(lab, ftplib, target);
    await victim.nobodyCame();
    assert.equal(await gateway.metric('portcullis_rewrites_total{kind="line-normalised"}'), 2);
  });

  describe('in every reply, at every line of the table', () => {
    let staged: Stage;
    before(async () => {
      staged = await stage(lab, (hostPort) => repliesOf((code, text) => hostileReply(code, text, hostPort)));
    });
    for (const client of realClients) {
      test(`${client.name} reads the gateway's 227 and no other`, async () => {
        await downloads(lab, client, staged.target);
        await staged.victim.nobodyCame();
      });
    }
  });
});

interface Stage {
  readonly gateway: RunningGateway;
  readonly victim: Victim;
  readonly target: Omit<ClientTarget, 'folder'>;
}

/** A gateway before a server whose replies may name the victim. */
async function stage(lab: Lab, verbs: (hostPort: string) => Script['verbs']): Promise<Stage> {
  const endpoint = await lab.endpoint();
  const gateway = await startGateway(lab, endpoint);
  const victim = await Victim.open(lab, { host: gateway.host, port: 0 });
  const data = await DataPort.open(lab, endpoint.host);
  const server = await startScriptedServerAt(lab, endpoint, {
    verbs: {
      SIZE: `213 ${file.length}`,
      PASV: ({ write }) => write(`227 Entering Passive Mode (${data.hostPort})\r\n`),
      RETR: async ({ write }) => {
        write('150 Here it comes.\r\n');
        const { socket } = await data.next();
        socket.end(file, () => write('226 That was it.\r\n'));
      },
      ...verbs(victim.hostPort),
    },
  });
  const { host, port } = gateway;
  return { gateway, victim, target: { host, port, user: server.user, password: server.password, mode: 'passive' } };
}

async function downloads(lab: Lab, client: RealClient, target: Omit<ClientTarget, 'folder'>): Promise<void> {
  const folder = await lab.makeFolder(`${client.name}-${target.host}`);
  const run = await client.download({ ...target, folder }, 'source.bin', 'got.bin');
  assert.equal(run.exitCode, 0, run.output);
  assert.deepEqual(await readFile(join(folder, 'got.bin')), Buffer.from(file));
}

function repliesOf(reply: (code: string, text: string) => string): Record<string, ScriptedVerb> {
  const replies = {
    USER: reply('331', 'Password, please.'),
    PASS: reply('230', 'Come in.'),
    TYPE: reply('200', 'So be it.'),
    PWD: reply('257', '"/" is where you are.'),
    CWD: reply('250', 'There.'),
    SYST: reply('215', 'UNIX Type: L8'),
    NOOP: reply('200', 'Nothing done.'),
    SIZE: reply('213', String(file.length)),
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
