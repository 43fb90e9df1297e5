// Can somebody who sends first packets in the client's name use up its pinholes, or get his own taken for the client's?
// The flood goes to every port that may be announced, as fast as one process can send, and never stops.
//
//   client 198.51.100.2, 2001:db8:1::2 ─── wan0 router lan0 ─── 10.77.0.2, fd77::2 vsftpd,
//   stranger ───────────────────────────── wan1              published as 203.0.113.10, 2001:db8:203::10

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dial, receiveAll } from '../support/data-ends.ts';
import { octetsFrom } from '../support/octets.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { elements } from '../support/perimeter/nft.ts';
import { announcedBy, isDropped, pinholeKeys } from '../support/perimeter/pinhole-watch.ts';
import { watchPeers } from '../support/perimeter/witness.ts';
import type { RunningProgram } from '../support/process.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const segments = join(import.meta.dirname, '../support/perimeter/segments.py');
const file = octetsFrom(91, 300_007);
const transfers = 10;

const realms = [
  { family: 4, client: '198.51.100.2', server: '10.77.0.2', published: '203.0.113.10', passive: 'PASV' },
  { family: 6, client: '2001:db8:1::2', server: 'fd77::2', published: '2001:db8:203::10', passive: 'EPSV' },
] as const;

for (const { family, client, server, published, passive } of realms) {
  const to = family === 4 ? `${server}:21` : `"[${server}]:21"`;
  const settings = `
listeners:
  - name: perimeter
    mode: transparent
    listen: "[::]:2121"
    intercept: { ports: [21], interface: wan0 }
    servers: ["${server}"]
    publish: [{ address: "${published}", to: ${to} }]
    dataPath: kernel
    dataPorts: 50000-50019
`;

  describe(`forged first packets, IPv${family}`, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let vsftpd: RealServer;
    let gateway: PerimeterGateway;
    let flood: RunningProgram;

    before(async () => {
      lab = await openPerimeter('inbound');
      vsftpd = await startServerAt(lab.lab, 'vsftpd', { host: server, port: 21, network: lab.server.name });
      await writeFile(join(vsftpd.files, 'file.bin'), file);
      await watchPeers(lab.server);
      gateway = await startGateway(lab, settings);
    });
    after(() => lab.close());

    const ways = (event: string): Promise<number> =>
      gateway.metric(`portcullis_ways_total{plane="kernel",event="${event}"}`);

    async function transfer(control: RawControl): Promise<void> {
      const target = announcedBy(await control.ask(passive), published);
      control.send('RETR files/file.bin\r\n');
      const data = await lab.client.enter(() => dial(target));
      assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
      assert.match(await control.reply(), /^150/);
      assert.match(await control.reply(), /^226/);
    }

    test(`${transfers} of ${transfers} transfers come through, each the client's own`, async () => {
      const control = await lab.client.enter(() => RawControl.login({ host: published, port: 21 }, vsftpd));
      assert.match(await control.ask('TYPE I'), /^200/);
      const argv = [segments, 'flood', client, published, '50000-50019'];
      flood = await lab.lab.start('/usr/bin/python3', argv, { network: lab.stranger.name });
      await becomes(() => flood.output.includes('ready'), true);
      for (let count = 0; count < transfers; count += 1) await transfer(control);
      await becomes(() => gateway.transfers().length, transfers);
      for (const { outcome, octetsToClient } of gateway.transfers()) {
        assert.equal(outcome, 'completed');
        assert.ok(Number(octetsToClient) > file.length);
      }
      assert.deepEqual([await ways('used'), await ways('completed')], [transfers, transfers]);
      control.close();
    });

    test('a hole at which nobody but the flood has been is used by nobody', async () => {
      const control = await lab.client.enter(() => RawControl.login({ host: published, port: 21 }, vsftpd));
      await control.ask(passive);
      const [key = ''] = await pinholeKeys(lab, family);
      const tried = async (): Promise<string[]> =>
        (await elements(lab.router, 'portcullis', `tries${family}`)).map((each) => each.key);
      await becomes(async () => (await tried()).includes(key), true);
      assert.deepEqual(await pinholeKeys(lab, family), [key]);
      await control.ask(passive);
      await becomes(() => ways('superseded'), 1);
      assert.equal(await ways('used'), transfers);
      await flood.end();
      control.close();
      await becomes(async () => (await pinholeKeys(lab, family)).length, 0);
    });

    test('of the client itself one connection passes, and not a second one', async () => {
      const control = await lab.client.enter(() => RawControl.login({ host: published, port: 21 }, vsftpd));
      const target = announcedBy(await control.ask(passive), published);
      const [key = ''] = await pinholeKeys(lab, family);
      const real = { host: server, port: Number(key.split(' ')[2]) };
      const data = await lab.client.enter(() => dial(target));
      assert.deepEqual(await pinholeKeys(lab, family), []);
      await lab.client.must('ip', 'route', 'replace', server, 'via', family === 4 ? '198.51.100.1' : '2001:db8:1::1');
      await isDropped(lab, lab.client, client, real);
      control.send('RETR files/file.bin\r\n');
      assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
      control.close();
    });
  });
}
