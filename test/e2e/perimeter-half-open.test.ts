// Can one address keep the data ports of a perimeter for itself by never closing its connections? In the kernel each
// holds its port until both ends have closed: a transfer that is over but for one end does so for some seconds only,
// and against the share of its address.
//
//   inbound   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 server (scripted), published as 203.0.113.10
//             stranger 192.0.2.66 ─── wan1

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial } from '../support/data-ends.ts';
import { downloads, halfOpenVerbs, leavesAllItMay } from '../support/half-open.ts';
import type { LabEndpoint } from '../support/lab.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import type { Network } from '../support/perimeter/network.ts';
import { RawControl } from '../support/raw-control.ts';
import { startScriptedServerAt } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

const server = '10.77.0.2';
const published = '203.0.113.10';
// Of twelve ports the last quarter is not for one address.
const share = 9;
const leavers = ['client', 'server'] as const;

const settings = `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21] }
    servers: [10.77.0.0/24]
    publish: [{ address: ${published}, to: ${server}:21 }]
    dataPath: kernel
    dataPorts: 50000-50011
engines: 1
limits: { waysPerSession: 64 }
`;

describe('data connections left half open in the kernel', { skip: whyNoPerimeter() }, () => {
  let lab: PerimeterLab;
  let gateway: PerimeterGateway;
  let transfers = 0;

  before(async () => {
    lab = await openPerimeter('inbound');
    const data = await lab.server.enter(() => DataPort.open(lab.lab, server));
    const script = { verbs: halfOpenVerbs(lab.lab, data) };
    await lab.server.enter(() => startScriptedServerAt(lab.lab, { host: server, port: 21 }, script));
    gateway = await startGateway(lab, settings);
  });
  after(() => lab.close());

  async function login(from: Network): Promise<RawControl> {
    const user = { user: 'tester', password: 'open-sesame' };
    const control = await from.enter(() => RawControl.login({ host: published, port: 21 }, user));
    lab.lab.onClose(() => control.close());
    return control;
  }

  function dialFrom(from: Network): (target: LabEndpoint) => Promise<Socket> {
    return async (target) => {
      const socket = await from.enter(() => dial(target));
      lab.lab.onClose(() => void socket.destroy());
      return socket;
    };
  }

  const completed = (): Promise<number> => gateway.metric('portcullis_ways_total{plane="kernel",event="completed"}');

  for (const who of leavers) {
    test(`by the ${who}: they fill a share, nobody else is without a port, and then they end`, async () => {
      const greedy = await login(lab.client);
      const modest = await login(lab.stranger);
      const made = await leavesAllItMay(greedy, who, dialFrom(lab.client));
      // More where the first have ended before the last was begun.
      assert.ok(made >= share, `refused after ${made}`);
      await downloads(modest, dialFrom(lab.stranger));
      transfers += made + 1;
      await becomes(completed, transfers);
      await downloads(greedy, dialFrom(lab.client));
      transfers += 1;
      await becomes(completed, transfers);
      for (const control of [greedy, modest]) control.close();
    });
  }

  test('nothing else was refused, and no port is left', async () => {
    await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
    assert.equal(await gateway.metric('portcullis_refusals_total{cause="client-share"}'), leavers.length);
    assert.equal(await gateway.metric('portcullis_refusals_total{cause="no-data-port"}'), 0);
    await becomes(() => gateway.metric('portcullis_ways_active{plane="kernel"}'), 0);
    assert.equal(await gateway.metric('portcullis_data_ports_in_use'), 0);
  });
});
