// Is the laboratory of the perimeter what topology.ts draws, before any gateway runs in it? Plain forwarding, a real
// server and a real client; whom nobody can reach; and nothing is left when it is closed.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { curl } from '../support/clients/curl.ts';
import { dial } from '../support/data-ends.ts';
import { octetsFrom } from '../support/octets.ts';
import { Attempt } from '../support/perimeter/attempt.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { counted } from '../support/perimeter/nft.ts';
import {
  attemptsSeen,
  forwarded,
  installOperatorsFirewall,
  peersSeen,
  watchPeers,
} from '../support/perimeter/witness.ts';
import { startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(41, 100_003);

async function inLab(
  topology: Parameters<typeof openPerimeter>[0],
  act: (lab: PerimeterLab) => Promise<void>,
): Promise<void> {
  const lab = await openPerimeter(topology);
  try {
    await act(lab);
  } finally {
    await lab.close();
    assert.deepEqual([lab.lab.folder, ...lab.networks.map(({ name }) => `/run/netns/${name}`)].filter(existsSync), []);
  }
}

describe('the perimeter laboratory', { skip: whyNoPerimeter() }, () => {
  for (const host of ['10.77.0.3', '2001:db8:77::3']) {
    test(`routed: curl reaches vsftpd at ${host} in both directions, and the witnesses see it`, () =>
      inLab('routed', async (lab) => {
        await watchPeers(lab.client);
        await watchPeers(lab.server);
        const server = await startServerAt(lab.lab, 'vsftpd', { host, port: 21, network: lab.server.name });
        await writeFile(join(server.files, 'file.bin'), file);
        const { user, password } = server;
        const folder = await lab.lab.makeFolder('client');
        for (const mode of ['extended', 'extended-active'] as const) {
          const target = { host, port: 21, user, password, mode, folder, network: lab.client.name };
          const run = await curl.download(target, 'files/file.bin', mode);
          assert.equal(run.exitCode, 0, run.output);
          assert.deepEqual(await readFile(join(folder, mode)), file);
        }
        const client = host.includes(':') ? '2001:db8:1::2' : '198.51.100.2';
        assert.deepEqual(await peersSeen(lab.server), { callers: [client], callees: [client] });
        assert.deepEqual(await peersSeen(lab.client), { callers: [host], callees: [host] });
      }));
  }

  test("routed: the operator's firewall alone lets no connection through", () =>
    inLab('routed', async (lab) => {
      await installOperatorsFirewall(lab.router);
      const attempt = await Attempt.from(lab.client, { host: '10.77.0.2', port: 9 });
      await becomes(async () => (await counted(lab.router, 'filter', 'refused')).packets > 0, true);
      assert.equal(attempt.outcome, 'no answer');
      assert.equal((await forwarded(lab.router)).packets, 0);
      attempt.giveUp();
    }));

  test('inbound: the servers cannot be reached from outside, the published address can', () =>
    inLab('inbound', async (lab) => {
      const ends = async (host: string): Promise<unknown> => lab.client.enter(() => dial({ host, port: 9 }));
      await assert.rejects(ends('10.77.0.2'), { code: 'ENETUNREACH' });
      await assert.rejects(ends('203.0.113.10'), { code: 'ECONNREFUSED' });
    }));

  test('outbound: what leaves with a private source gets no answer', () =>
    inLab('outbound', async (lab) => {
      await watchPeers(lab.server);
      const attempt = await Attempt.from(lab.client, { host: '198.51.100.2', port: 9 });
      await becomes(async () => (await attemptsSeen(lab.server, '10.88.0.2', 9)) > 0, true);
      assert.equal(attempt.outcome, 'no answer');
      attempt.giveUp();
    }));

  test('no namespace of this run is left', async () => {
    const left = (await readdir('/run/netns')).filter((name) => name.startsWith(`ptp-${process.pid}-`));
    assert.deepEqual(left, []);
  });
});
