// Does each data connection take the plane that can carry it, where the settings leave that to Portcullis? The kernel
// where one peer dials and the other listens; the process where both listen or both dial, because the server is to be
// asked otherwise.
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 vsftpd

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type DataMode, dataModes, setupVerb } from '../support/clients/client.ts';
import { curl } from '../support/clients/curl.ts';
import { octetsFrom } from '../support/octets.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { peersSeen, watchPeers } from '../support/perimeter/witness.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(49, 150_001);
const server = { host: '10.77.0.2', port: 21 };
const clientHost = '198.51.100.2';

/**
 * Who dials data connections decides: the server asked for the other mode must dial where the client dials, or nobody
 * does.
 */
const carriedBy: Readonly<Record<'passive' | 'active', Readonly<Record<DataMode, 'kernel' | 'relay'>>>> = {
  passive: { active: 'relay', 'extended-active': 'relay', passive: 'kernel', extended: 'kernel' },
  active: { active: 'kernel', 'extended-active': 'kernel', passive: 'relay', extended: 'relay' },
};

for (const serverMode of ['passive', 'active'] as const) {
  describe(`dataPath: auto, serverMode: ${serverMode}`, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let vsftpd: RealServer;
    let gateway: PerimeterGateway;

    before(async () => {
      lab = await openPerimeter('routed');
      vsftpd = await startServerAt(lab.lab, 'vsftpd', { ...server, network: lab.server.name });
      await writeFile(join(vsftpd.files, 'file.bin'), file);
      await watchPeers(lab.server);
      gateway = await startGateway(
        lab,
        `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    servers: [10.77.0.0/24]
    serverMode: ${serverMode}
    dataPorts: 50000-50999
`,
      );
    });
    after(() => lab.close());

    for (const mode of dataModes) {
      const plane = carriedBy[serverMode][mode];
      test(`${setupVerb[mode]} takes the ${plane}`, async () => {
        const { user, password } = vsftpd;
        const folder = await lab.lab.makeFolder(mode);
        const before = gateway.transfers().length;
        const target = { ...server, user, password, mode, folder, network: lab.client.name };
        const run = await curl.download(target, 'files/file.bin', 'got.bin');
        assert.equal(run.exitCode, 0, run.output);
        assert.deepEqual(await readFile(join(folder, 'got.bin')), file);
        await becomes(() => gateway.transfers().length, before + 1);
        assert.equal(gateway.transfers()[before]?.['plane'], plane);
      });
    }

    test('in either plane the server sees the client, and is asked as it should be', async () => {
      const callees = serverMode === 'active' ? [clientHost] : [];
      assert.deepEqual(await peersSeen(lab.server), { callers: [clientHost], callees });
    });
  });
}
