// When the first SYN has come in time, and only its answer takes longer than `limits.expectationTimeout`: is the
// transfer still one of the session's, with its record?
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 vsftpd
//
// The server's own packet filter loses the SYN four times (loss.ts); TCP sends it again after one second, after
// three, seven and fifteen, and a data connection has five seconds to be used. Whenever in those the first came, the
// fourth comes after them.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { curl } from '../support/clients/curl.ts';
import { octetsFrom } from '../support/octets.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { Loss, synsSeen, watchSyns } from '../support/perimeter/loss.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(62, 300_007);
const server = { host: '10.77.0.2', port: 21 };

const settings = `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.0/24]
    dataPath: kernel
    dataPorts: 50000-50999
limits:
  expectationTimeout: 5s
`;

describe('a SYN in time, an answer after it', { skip: whyNoPerimeter() }, () => {
  let lab: PerimeterLab;
  let vsftpd: RealServer;
  let gateway: PerimeterGateway;

  before(async () => {
    lab = await openPerimeter('routed');
    vsftpd = await startServerAt(lab.lab, 'vsftpd', { ...server, network: lab.server.name });
    await writeFile(join(vsftpd.files, 'file.bin'), file);
    gateway = await startGateway(lab, settings);
    await watchSyns(lab.server, 4);
  });
  after(() => lab.close());

  const counted = (event: string): Promise<number> =>
    gateway.metric(`portcullis_ways_total{plane="kernel",event="${event}"}`);

  test('the file arrives', async () => {
    const loss = await Loss.at(lab.server, 'SYN', 4);
    const folder = await lab.lab.makeFolder('client');
    const { user, password } = vsftpd;
    const target = { ...server, user, password, mode: 'passive', folder, network: lab.client.name } as const;
    const run = curl.download(target, 'files/file.bin', 'got.bin');
    try {
      await loss.happened();
      await becomes(async () => ((await synsSeen(lab.server))[0]?.packets ?? 0) >= 4, true);
    } finally {
      await loss.goesOn();
      await run;
    }
    const { exitCode, output } = await run;
    assert.equal(exitCode, 0, output);
    assert.ok((await readFile(join(folder, 'got.bin'))).equals(file), 'every octet');
    assert.equal(await counted('opened'), 1);
    await loss.end();
  });

  test('and has its record', async () => {
    await becomes(async () => (await counted('used')) + (await counted('expired')), 1);
    assert.deepEqual([await counted('used'), await counted('expired')], [1, 0]);
    await becomes(() => gateway.transfers().length, 1);
    const [record] = gateway.transfers();
    assert.equal(record?.['outcome'], 'completed');
    assert.ok(Number(record?.['octetsToClient']) >= file.length, JSON.stringify(record));
  });
});
