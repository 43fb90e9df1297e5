// Can one client address take from all others what there is only so much of: data ports, data connections, the
// attention of the gateway? It gets its share and a reason, and the others theirs.
//
//   greedy 127.0.0.2 ──┐
//   modest 127.0.0.3 ──── gateway 127.g:2121, 40 data ports ──── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

const [greedy, modest] = ['127.0.0.2', '127.0.0.3'];
const top = ['sessions: { connectionsPerSecond: 10, waysPerClient: 25, dataPortsPerClient: 20 }'];

describe('shares of a client address', { timeout: 300_000 }, () => {
  let lab: Lab;
  let server: ScriptedServer;
  let gateway: RunningGateway;

  before(async () => {
    lab = await openLab();
    server = await startScriptedServer(lab, { verbs: { EPSV: '229 Entering Extended Passive Mode (|||2000|)' } });
    gateway = await startGateway(lab, server, { dataPorts: '10000-10039', top });
  });
  after(() => lab.close());

  test('data ports: who has its share gets 425 and why, another gets a port, and an end makes room', async () => {
    const mine = await Promise.all(Array.from({ length: 22 }, () => RawControl.login(gateway, server, greedy)));
    const replies = await Promise.all(mine.map((control) => control.ask('EPSV')));
    assert.equal(replies.filter((reply) => reply.startsWith('229 ')).length, 20);
    const refused = replies.filter((reply) => !reply.startsWith('229 '));
    assert.deepEqual(refused, new Array(2).fill('425 Too many data connections from your address; close one first.'));
    await loggedLine(gateway.program, { msg: 'refused', cause: 'client-share' });
    assert.equal(await gateway.metric('portcullis_refusals_total{cause="client-share"}'), 2);
    const other = await RawControl.login(gateway, server, modest);
    assert.match(await other.ask('EPSV'), /^229 /);
    for (const control of mine.slice(0, 20)) control.close();
    await becomes(() => gateway.metric('portcullis_sessions_active'), 3);
    assert.match(await mine[21]!.ask('EPSV'), /^229 /);
    for (const control of [...mine, other]) control.close();
    await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
  });

  test('a storm of connections from one address waits its turn, unrefused, and another is let in at once', async () => {
    const storm = Array.from({ length: 60 }, () => RawControl.open(gateway, greedy));
    const members = await Promise.all(storm);
    const greeted = members.map((member) => member.reply());
    let served = 0;
    for (const greeting of greeted) void greeting.then(() => served++);
    const other = await RawControl.login(gateway, server, modest);
    assert.ok(served < 60, 'the storm was still waiting');
    for (const greeting of await Promise.all(greeted)) assert.match(greeting, /^220/);
    for (const control of [...members, other]) control.close();
    await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
  });
});
