// Can somebody who asks for data connections and never makes one use up the perimeter? The table, the ports and the
// memory stay bounded, whoever finds none free is told so with a 425, and others still get their files.
//
//   inbound   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 vsftpd, published as 203.0.113.10

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dial, passiveEndpoint, receiveAll } from '../support/data-ends.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { Attempt } from '../support/perimeter/attempt.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { elements } from '../support/perimeter/nft.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes, residentOctets } from '../support/watch.ts';

const published = '203.0.113.10';
const file = octetsFrom(81, 300_007);
const floods = 4;
const asksPerFlood = 2_500;
/** A flood that leaked a hundred octets for each PASV would pass it. */
const growthMax = 48 * 1024 * 1024;

const settings = (dataPorts: string): string => `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21] }
    servers: [10.77.0.0/24]
    publish: [{ address: ${published}, to: 10.77.0.2:21 }]
    dataPath: kernel
    dataPorts: ${dataPorts}
engines: 1
limits: { expectationTimeout: 60s }
`;

interface Stage {
  readonly lab: PerimeterLab;
  readonly gateway: PerimeterGateway;
  readonly login: () => Promise<RawControl>;
}

function stageOf(dataPorts: string): () => Stage {
  let lab: PerimeterLab;
  let server: RealServer;
  let gateway: PerimeterGateway;
  before(async () => {
    lab = await openPerimeter('inbound');
    server = await startServerAt(lab.lab, 'vsftpd', { host: '10.77.0.2', port: 21, network: lab.server.name });
    await writeFile(join(server.files, 'file.bin'), file);
    gateway = await startGateway(lab, settings(dataPorts));
  });
  after(() => lab.close());
  const login = (): Promise<RawControl> =>
    lab.client.enter(() => RawControl.login({ host: published, port: 21 }, server));
  return () => ({ lab, gateway, login });
}

async function holes({ lab }: Stage): Promise<{ readonly pinholes: number; readonly redirects: number }> {
  return {
    pinholes: (await elements(lab.router, 'portcullis', 'pinholes4')).length,
    redirects: (await elements(lab.router, 'portcullis', 'redirects4', 'map')).length,
  };
}

async function isEmptied(stage: Stage): Promise<void> {
  await becomes(async () => JSON.stringify(await holes(stage)), '{"pinholes":0,"redirects":0}');
  await becomes(() => stage.gateway.metric('portcullis_ways_active{plane="kernel"}'), 0);
}

async function getsFile({ lab }: Stage, control: RawControl): Promise<void> {
  assert.match(await control.ask('TYPE I'), /^200/);
  const target = passiveEndpoint(await control.ask('PASV'));
  control.send('RETR files/file.bin\r\n');
  const data = await lab.client.enter(() => dial(target));
  assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
  assert.match(await control.reply(), /^150/);
  assert.match(await control.reply(), /^226/);
}

describe('PASV without end', { skip: whyNoPerimeter() }, () => {
  const stage = stageOf('50000-50999');

  test(`${floods * asksPerFlood} of them hold one hole per session, and nothing afterwards`, async () => {
    const { gateway, login } = stage();
    const sessions = await Promise.all(Array.from({ length: floods }, login));
    const before = await residentOctets(gateway.program.pid);
    const flood = async (control: RawControl): Promise<void> => {
      for (let asked = 0; asked < asksPerFlood; asked += 1) assert.match(await control.ask('PASV'), /^227/);
    };
    const flooding = Promise.all(sessions.map(flood));
    const looking = { over: false };
    const watching = (async () => {
      while (!looking.over) {
        const { pinholes, redirects } = await holes(stage());
        assert.ok(pinholes <= floods && redirects <= floods, `${pinholes} pinholes, ${redirects} redirects`);
      }
    })();
    await flooding.finally(() => {
      looking.over = true;
    });
    await watching;
    assert.deepEqual(await holes(stage()), { pinholes: floods, redirects: floods });
    const superseded = await gateway.metric('portcullis_ways_total{plane="kernel",event="superseded"}');
    assert.equal(superseded, floods * (asksPerFlood - 1));
    const grown = (await residentOctets(gateway.program.pid)) - before;
    assert.ok(grown < growthMax, `grown by ${grown} octets`);

    const honest = await login();
    await getsFile(stage(), honest);
    honest.close();
    for (const control of sessions) control.close();
    await isEmptied(stage());
  });
});

describe('four data ports', { skip: whyNoPerimeter() }, () => {
  const stage = stageOf('50000-50003');
  const refusals = 'portcullis_refusals_total{cause="no-data-port"}';

  test('the fifth session is told with 425 that there is none free, and served once there is', async () => {
    const { gateway, login } = stage();
    const holders = await Promise.all(Array.from({ length: 4 }, login));
    const ports = new Set<number>();
    for (const control of holders) ports.add(passiveEndpoint(await control.ask('PASV')).port);
    assert.deepEqual([...ports].sort(), [50_000, 50_001, 50_002, 50_003]);
    const late = await login();
    assert.match(await late.ask('PASV'), /^425 The gateway cannot open a data connection now/);
    const reason = 'every port of dataPorts is in use';
    await loggedLine(gateway.program, { msg: 'refused', cause: 'no-data-port', verb: 'PASV', reason });
    assert.equal(await gateway.metric(refusals), 1);
    // Another PASV gives the session's own port back first.
    assert.match(await holders[0]!.ask('PASV'), /^227/);
    assert.deepEqual(await holes(stage()), { pinholes: 4, redirects: 4 });

    holders[3]!.close();
    await becomes(async () => (await holes(stage())).pinholes, 3);
    await getsFile(stage(), late);
    for (const control of [late, ...holders]) control.close();
    await isEmptied(stage());
    assert.equal(await gateway.metric(refusals), 1);
  });

  test('who tries ports that nobody announced is dropped, and that is counted', async () => {
    const { lab, gateway } = stage();
    const dropped = 'portcullis_kernel_dropped_packets_total{reason="unexpected"}';
    assert.equal(await gateway.metric(dropped), 0);
    await lab.client.must('ip', 'route', 'add', '10.77.0.0/24', 'via', '198.51.100.1');
    const attempt = await Attempt.from(lab.client, { host: '10.77.0.2', port: 50_000 });
    await becomes(async () => (await gateway.metric(dropped)) > 0, true);
    assert.equal(attempt.outcome, 'no answer');
    attempt.giveUp();
  });
});
