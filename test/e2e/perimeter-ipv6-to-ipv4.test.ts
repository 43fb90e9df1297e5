// Do clients that have only IPv6 work on a server that has only IPv4, as RFC 6384 says? The settings are
// deploy/ipv6-to-ipv4.yaml itself, with the addresses of the laboratory.
//
//   client 2001:db8:1::2 ─── 2001:db8:1::1 router 10.77.0.1 ─── 10.77.0.2 vsftpd
//
// Neither host has an address of the other family, so nothing that leaked from one side to the other could be used.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertSucceeded, type ClientTarget, setupVerb } from '../support/clients/client.ts';
import { curl } from '../support/clients/curl.ts';
import { lftp } from '../support/clients/lftp.ts';
import { dial, receiveAll } from '../support/data-ends.ts';
import { octetsFrom } from '../support/octets.ts';
import { deployed } from '../support/perimeter/deployed.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { peersSeen, watchPeers } from '../support/perimeter/witness.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(64, 300_007);
const gatewayHost = '2001:db8:1::1';
const server = { host: '10.77.0.2', port: 21 };

describe('IPv6-only clients, an IPv4-only server', { skip: whyNoPerimeter() }, () => {
  let lab: PerimeterLab;
  let vsftpd: RealServer;
  let gateway: PerimeterGateway;
  const transfers: string[] = [];

  before(async () => {
    lab = await openPerimeter('routed');
    await lab.client.must('ip', '-4', 'address', 'flush', 'dev', 'eth0');
    await lab.server.must('ip', '-6', 'address', 'flush', 'dev', 'eth0');
    vsftpd = await startServerAt(lab.lab, 'vsftpd', { ...server, network: lab.server.name });
    await writeFile(join(vsftpd.files, 'down.bin'), file);
    await watchPeers(lab.client);
    await watchPeers(lab.server);
    gateway = await startGateway(lab, await deployed('ipv6-to-ipv4.yaml', [['192.0.2.10:21', '10.77.0.2:21']]));
  });
  after(() => lab.close());

  for (const client of [curl, lftp]) {
    for (const mode of client.ipv6Modes) {
      test(`${client.name}, ${setupVerb[mode]}`, async () => {
        const name = `${client.name}-${mode}`;
        const folder = await lab.lab.makeFolder(name);
        await writeFile(join(folder, 'source.bin'), file);
        const { user, password } = vsftpd;
        const target: ClientTarget = {
          host: gatewayHost,
          port: 21,
          user,
          password,
          mode,
          folder,
          network: lab.client.name,
        };
        const down = await client.download(target, 'files/down.bin', 'got.bin');
        const up = await client.upload!(target, 'source.bin', `files/${name}.bin`);
        for (const run of [down, up]) assertSucceeded(client, mode, run);
        assert.deepEqual(await readFile(join(folder, 'got.bin')), file);
        assert.deepEqual(await readFile(join(vsftpd.files, `${name}.bin`)), file);
        transfers.push(`${name} down`, `${name} up`);
      });
    }
  }

  test('ALGS turns the translation off and on, and EPSV works either way', async () => {
    const control = await login();
    assert.equal(await control.ask('ALGS STATUS64'), '216 EPSVEPRT');
    assert.equal(await control.ask('ALGS DISABLE64'), '216 NONE');
    assert.match(await control.ask('EPRT |2|2001:db8:1::2|50000|'), /^502 /);
    await fetchBy(control);
    assert.equal(await control.ask('ALGS ENABLE64'), '216 EPSVEPRT');
    assert.match(await control.ask('EPRT |2|2001:db8:1::2|50000|'), /^200 /);
    await fetchBy(control);
    control.close();
  });

  test('EPSV ALL, PASV and an ALGS of no meaning are answered as the RFC says', async () => {
    const control = await login();
    assert.match(await control.ask('EPSV ALL'), /^504 /);
    assert.match(await control.ask('PASV'), /^425 /);
    assert.match(await control.ask('ALGS STATUS46'), /^504 /);
    await fetchBy(control);
    control.close();
  });

  test('each side saw the gateway in its own family, and nobody else', async () => {
    assert.deepEqual(await peersSeen(lab.client), { callers: [gatewayHost], callees: [gatewayHost] });
    assert.deepEqual(await peersSeen(lab.server), { callers: ['10.77.0.1'], callees: ['10.77.0.1'] });
  });

  test('the relay carried all of it', async () => {
    await becomes(() => gateway.transfers().length, transfers.length);
    for (const record of gateway.transfers()) {
      const { plane, outcome } = record;
      assert.deepEqual({ plane, outcome }, { plane: 'relay', outcome: 'completed' }, JSON.stringify(record));
    }
  });

  function login(): Promise<RawControl> {
    return lab.client.enter(() => RawControl.login({ host: gatewayHost, port: 21 }, vsftpd));
  }

  /** A download by EPSV, whole. */
  async function fetchBy(control: RawControl): Promise<void> {
    assert.match(await control.ask('TYPE I'), /^200 /);
    const [, port] = /^229 [^(]*\(\|\|\|(\d+)\|\)$/.exec(await control.ask('EPSV')) ?? [];
    assert.ok(port !== undefined, 'EPSV was answered with 229');
    const data = await lab.client.enter(() => dial({ host: gatewayHost, port: Number(port) }));
    control.send('RETR files/down.bin\r\n');
    const { octets } = await receiveAll(data);
    assert.deepEqual(octets, file);
    assert.match(await control.reply(), /^150 /);
    assert.match(await control.reply(), /^226 /);
    transfers.push('by hand');
  }
});
