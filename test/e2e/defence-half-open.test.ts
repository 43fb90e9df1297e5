// Can one address keep data connections of the gateway for itself by never closing them? A transfer that is over but
// for one end counts against the share of its address, for some seconds and no longer.
//
//   leaver 127.0.0.2 ──┐
//   other 127.0.0.3 ───── gateway 127.g:2121, 4 data ports ──── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { downloads, halfOpenVerbs, leavesAllItMay } from '../support/half-open.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServerAt } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

const [leaver, other] = ['127.0.0.2', '127.0.0.3'];
const share = 8;
const leavers = ['client', 'server'] as const;
// A session of its own has no bound that comes first. Data ports are needed until a connection has come, not longer.
const top = [`sessions: { waysPerClient: ${share} }`, 'limits: { waysPerSession: 64 }'];

describe('data connections left half open', () => {
  let lab: Lab;
  let server: ScriptedServer;
  let gateway: RunningGateway;
  let made = 0;

  before(async () => {
    lab = await openLab();
    const at = await lab.endpoint();
    const data = await DataPort.open(lab, at.host);
    server = await startScriptedServerAt(lab, at, { verbs: halfOpenVerbs(lab, data) });
    gateway = await startGateway(lab, server, { dataPorts: '10000-10003', top });
  });
  after(() => lab.close());

  async function dialFrom(from: string, target: LabEndpoint): Promise<Socket> {
    const socket = await dial(target, from);
    lab.onClose(() => void socket.destroy());
    return socket;
  }

  const leftOpen = (): number =>
    gateway.log().filter(({ msg, reason }) => msg === 'transfer' && reason === 'one peer left its half open').length;

  for (const who of leavers) {
    test(`by the ${who}: they fill a share, nobody else is without one, and then they end`, async () => {
      const greedy = await RawControl.login(gateway, server, leaver);
      const modest = await RawControl.login(gateway, server, other);
      const round = await leavesAllItMay(greedy, who, (target) => dialFrom(leaver, target));
      // More where the first have ended before the last was begun.
      assert.ok(round >= share, `refused after ${round}`);
      made += round;
      await downloads(modest, (target) => dialFrom(other, target));
      await becomes(leftOpen, made);
      await downloads(greedy, (target) => dialFrom(leaver, target));
      for (const control of [greedy, modest]) control.close();
    });
  }

  test('nothing else was refused, and nothing is left', async () => {
    await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
    assert.equal(await gateway.metric('portcullis_refusals_total{cause="client-share"}'), leavers.length);
    assert.equal(await gateway.metric('portcullis_refusals_total{cause="no-data-port"}'), 0);
    await becomes(() => gateway.metric('portcullis_ways_active{plane="relay"}'), 0);
    assert.equal(await gateway.metric('portcullis_data_ports_in_use'), 0);
  });
});
