// Can a client in any mode, on either family, reach a server that is to be asked in any mode, on either family? curl
// downloads and ftplib uploads; vsftpd's control connection is recorded, so that the mode on that side is seen and not
// believed.
//
//   client 127.0.0.1 or ::1 ──── gateway 127.g:2121 or ::1 ──── recorder ──── vsftpd 127.s:2121 or ::1 (control)
//                                      └──────────────── data ────────────────┘

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ClientTarget, type DataMode, sentSetups, setupVerb } from '../support/clients/client.ts';
import { curl } from '../support/clients/curl.ts';
import { ftplib } from '../support/clients/ftplib.ts';
import { type ControlRecorder, recordControl } from '../support/control-recorder.ts';
import { DataPort, receiveAll } from '../support/data-ends.ts';
import { startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { octetsFrom } from '../support/octets.ts';
import { whyNoPeers } from '../support/peers.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServer } from '../support/real-servers.ts';
import { startScriptedServer } from '../support/scripted-server.ts';

type Family = 4 | 6;
type ServerMode = 'as-client' | 'passive' | 'active';
type Setup = 'PORT' | 'PASV' | 'EPSV' | 'EPRT';

const file = octetsFrom(31, 150_001);

/** What a server on IPv4 hears; on IPv6 there is only the extended form of the same mode. */
const heard: Record<ServerMode, Record<DataMode, Setup>> = {
  'as-client': { active: 'PORT', passive: 'PASV', extended: 'EPSV', 'extended-active': 'EPRT' },
  passive: { active: 'PASV', passive: 'PASV', extended: 'EPSV', 'extended-active': 'EPSV' },
  active: { active: 'PORT', passive: 'PORT', extended: 'EPRT', 'extended-active': 'EPRT' },
};
const extendedForm: Record<Setup, Setup> = { PORT: 'EPRT', PASV: 'EPSV', EPSV: 'EPSV', EPRT: 'EPRT' };

/** RFC 2428 §1: PORT and PASV cannot name an IPv6 address. */
const modesOf: Record<Family, readonly DataMode[]> = {
  4: ['active', 'passive', 'extended', 'extended-active'],
  6: ['extended', 'extended-active'],
};

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab.close());

describe('modes and families', { skip: whyNoPeers() }, () => {
  const servers = new Map<Family, { server: RealServer; recorder: ControlRecorder }>();

  before(async () => {
    for (const family of [4, 6] as const) {
      const server = await startServer(lab, 'vsftpd', family);
      await writeFile(join(server.files, 'file.bin'), file);
      servers.set(family, { server, recorder: await recordControl(lab, server) });
    }
  });

  function setupsSince(recorder: ControlRecorder, start: number): string[] {
    return recorder.lines.slice(start).flatMap((line) => /^(PORT|PASV|EPSV|EPRT)\b/.exec(line)?.[1] ?? []);
  }

  for (const clientFamily of [4, 6] as const) {
    for (const serverFamily of [4, 6] as const) {
      for (const serverMode of ['as-client', 'passive', 'active'] as const) {
        test(`client on IPv${clientFamily}, server on IPv${serverFamily} asked ${serverMode}`, async (t) => {
          const { server, recorder } = servers.get(serverFamily)!;
          const listener = [`serverMode: ${serverMode}`];
          const gateway = await startGateway(lab, recorder, { listener }, clientFamily);
          for (const mode of modesOf[clientFamily]) {
            await t.test(mode, async () => {
              const name = `${clientFamily}-${serverFamily}-${serverMode}-${mode}`;
              const folder = await lab.makeFolder(name);
              const { host, port } = gateway;
              const target: ClientTarget = { host, port, user: server.user, password: server.password, mode, folder };
              const onIpv4 = heard[serverMode][mode];
              const wanted = serverFamily === 4 ? onIpv4 : extendedForm[onIpv4];

              let start = recorder.lines.length;
              const download = await curl.download(target, 'files/file.bin', 'got.bin');
              assert.equal(download.exitCode, 0, download.output);
              assert.deepEqual(sentSetups(curl, download), [setupVerb[mode]], download.output);
              assert.deepEqual(setupsSince(recorder, start), [wanted]);
              assert.deepEqual(await readFile(join(folder, 'got.bin')), file);

              start = recorder.lines.length;
              await writeFile(join(folder, 'sent.bin'), file);
              const upload = await ftplib.upload?.(target, 'sent.bin', `files/${name}.bin`);
              assert.equal(upload?.exitCode, 0, upload?.output);
              assert.deepEqual(sentSetups(ftplib, upload!), [setupVerb[mode]], upload?.output);
              assert.deepEqual(setupsSince(recorder, start), [wanted]);
              assert.deepEqual(await readFile(join(server.files, `${name}.bin`)), file);
            });
          }
        });
      }
    }
  }
});

test('a server without EPSV and EPRT is asked PASV and PORT, and from its second session on at once', async () => {
  let target: { host: string; port: number } | undefined;
  const server = await startScriptedServer(lab, {
    verbs: {
      EPSV: '500 What is that?',
      EPRT: '500 What is that?',
      PASV: ({ write }) => write(`227 Entering Passive Mode (${data.hostPort})\r\n`),
      PORT: ({ write }, argument) => {
        const [a, b, c, d, high, low] = argument.split(',').map(Number);
        target = { host: [a, b, c, d].join('.'), port: high! * 256 + low! };
        write('200 PORT command successful.\r\n');
      },
    },
  });
  const data = await DataPort.open(lab, server.host);
  const gateway = await startGateway(lab, server);
  const own = await DataPort.open(lab, '127.0.0.1');
  const setups = (): string[] =>
    server.lines.splice(0).flatMap((line) => /^(EPSV|EPRT|PASV|PORT)/.exec(line)?.[1] ?? []);
  for (const expected of [
    ['EPSV', 'PASV', 'EPRT', 'PORT'],
    ['PASV', 'PORT'],
  ]) {
    const control = await RawControl.login(gateway, server);
    // The client has what it asked for, whatever the server knows.
    assert.match(await control.ask('EPSV'), /^229 .*\(\|\|\|\d+\|\)$/);
    assert.match(await control.ask(`EPRT |1|127.0.0.1|${own.port}|`), /^200/);
    assert.equal(target?.host, '127.0.0.1');
    assert.deepEqual(setups(), expected);
    control.close();
  }
});

test('activeSourcePort: the client sees data come from port 20', {
  skip: whyNoPeers(),
}, async () => {
  const server = await startServer(lab, 'vsftpd');
  await writeFile(join(server.files, 'file.bin'), file);
  for (const serverMode of ['active', 'passive']) {
    const listener = ['activeSourcePort: 20', `serverMode: ${serverMode}`];
    const gateway = await startGateway(lab, server, { listener });
    const control = await RawControl.login(gateway, server);
    await control.ask('TYPE I');
    for (let transfer = 0; transfer < 2; transfer += 1) {
      const own = await DataPort.open(lab, '127.0.0.1');
      assert.match(await control.ask(`PORT ${own.hostPort}`), /^200/);
      control.send('RETR files/file.bin\r\n');
      const { from, socket } = await own.next();
      assert.deepEqual(from, { host: gateway.host, port: 20 });
      assert.deepEqual(await receiveAll(socket), { octets: file, how: 'end' });
      assert.match(await control.reply(), /^150/);
      assert.match(await control.reply(), /^226/);
    }
    control.close();
  }
});
