// The kernel tells of connections, and where nobody listens for too long it forgets to: are flows of which the
// gateway was never told still the transfers that they are?
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 server (scripted), published as 203.0.113.10
//   stranger ────────────── wan1
//
// The gateway is stopped. First packets in the client's name, to other holes, fill what it has to hear until the kernel
// throws away what is told; then the client's own data connections begin and end.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import type { LabEndpoint } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedSession, startScriptedServerAt } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

const segments = join(import.meta.dirname, '../support/perimeter/segments.py');
const server = '10.77.0.2';
const published = '203.0.113.10';
const client = '198.51.100.2';
const downloads = 3;
// At each hole some four thousand first packets may pass; what is to be heard has room for some thirteen thousand.
const decoys = 7;
const file = octetsFrom(84, 300_007);

const settings = `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21] }
    servers: [10.77.0.0/24]
    publish: [{ address: ${published}, to: ${server}:21 }]
    dataPath: kernel
    dataPorts: 50000-50019
engines: 1
limits: { expectationTimeout: 300s }
`;

describe('what the kernel could not tell', { skip: whyNoPerimeter() }, () => {
  let lab: PerimeterLab;
  let gateway: PerimeterGateway;
  /** Each session's data port at the server. */
  const ports = new Map<ScriptedSession, DataPort>();

  before(async () => {
    lab = await openPerimeter('inbound');
    const verbs = {
      PASV: async (session: ScriptedSession) => {
        const port = await lab.server.enter(() => DataPort.open(lab.lab, server));
        ports.set(session, port);
        session.write(`227 Entering Passive Mode (${port.hostPort}).\r\n`);
      },
      RETR: async (session: ScriptedSession) => {
        session.write('150 Here it comes.\r\n');
        const { socket } = await ports.get(session)!.next();
        socket.end(file);
        session.write('226 That was it.\r\n');
      },
    };
    await lab.server.enter(() => startScriptedServerAt(lab.lab, { host: server, port: 21 }, { verbs }));
    gateway = await startGateway(lab, settings);
  });
  after(() => lab.close());

  async function announced(): Promise<{ control: RawControl; target: LabEndpoint }> {
    const user = { user: 'tester', password: 'open-sesame' };
    const control = await lab.client.enter(() => RawControl.login({ host: published, port: 21 }, user));
    lab.lab.onClose(() => control.close());
    return { control, target: passiveEndpoint(await control.ask('PASV')) };
  }

  const ways = (event: string): Promise<number> =>
    gateway.metric(`portcullis_ways_total{plane="kernel",event="${event}"}`);

  test('fails no transfer, and none counts as one to which nobody came', async () => {
    const sessions = [];
    for (let count = 0; count < downloads + decoys; count += 1) sessions.push(await announced());
    const busy = sessions.slice(0, downloads);
    // Of these alone it is told that somebody is there.
    const flooded = sessions.slice(downloads).map(({ target }) => target.port);
    for (const { control } of busy) assert.match(await control.ask('RETR file'), /^150/);

    gateway.program.signal('SIGSTOP');
    try {
      const argv = [segments, 'flood', client, published, flooded.join(',')];
      const flood = await lab.lab.start('/usr/bin/python3', argv, { network: lab.stranger.name });
      await becomes(async () => (await eventsLost(gateway.program.pid)) > 0, true);
      await flood.end();
      for (const { target } of busy) {
        const data = await lab.client.enter(() => dial(target));
        assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
      }
    } finally {
      gateway.program.signal('SIGCONT');
    }

    for (const { control } of busy) assert.match(await control.reply(), /^226/);
    await becomes(() => ways('completed'), downloads);
    await becomes(() => gateway.transfers().length, downloads);
    for (const { outcome, octetsToClient } of gateway.transfers()) {
      assert.equal(outcome, 'completed');
      assert.ok(Number(octetsToClient) > file.length);
    }
    assert.deepEqual([await ways('used'), await ways('expired')], [downloads, 0]);
  });

  test('and what it tells next is heard again', async () => {
    const { control, target } = await announced();
    control.send('RETR file\r\n');
    const data = await lab.client.enter(() => dial(target));
    assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
    assert.match(await control.reply(), /^150/);
    assert.match(await control.reply(), /^226/);
    await becomes(() => ways('completed'), downloads + 1);
  });
});

/** How many messages of connection tracking the kernel has thrown away, for want of room (proc_net: netlink). */
async function eventsLost(pid: number): Promise<number> {
  const netfilter = '12';
  const rows = (await readFile(`/proc/${pid}/net/netlink`, 'latin1')).trim().split('\n').slice(1);
  const drops = rows.map((row) => {
    const [, protocol, , groups, , , , , dropped] = row.trim().split(/\s+/);
    return protocol === netfilter && Number.parseInt(groups ?? '', 16) !== 0 ? Number(dropped) : 0;
  });
  return drops.reduce((sum, dropped) => sum + dropped, 0);
}
