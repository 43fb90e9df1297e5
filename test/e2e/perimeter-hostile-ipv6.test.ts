// What can a hostile client say only over IPv6? EPRT in texts that one reader takes for another host, another family or
// another link, and the verbs of IPv4. What both families have in common is in perimeter-hostile.test.ts, hostile
// servers are in perimeter-hostile-ipv6-server.test.ts. The settings are deploy/routed-ipv6.yaml itself.
//
//   client 2001:db8:1::2, 198.51.100.2 ───── wan0 router lan0 ─── 2001:db8:77::2, 10.77.0.2 vsftpd
//   stranger 2001:db8:66::66, 192.0.2.66 ─── wan1
//
// All hosts have IPv4 too, and routes to one another: what leaked into the other family would arrive.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DataPort, hostPort, receiveAll } from '../support/data-ends.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { authority } from '../support/operated-gateway.ts';
import { deployed } from '../support/perimeter/deployed.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { pinholeKeys } from '../support/perimeter/pinhole-watch.ts';
import { isRefused, waysOpened } from '../support/perimeter/refusal-watch.ts';
import { peersSeen, watchPeers } from '../support/perimeter/witness.ts';
import { RawControl } from '../support/raw-control.ts';
import { startServerAt } from '../support/real-servers.ts';
import { Victim } from '../support/victim.ts';

const file = octetsFrom(49, 300_007);
const server = '2001:db8:77::2';
const neighbour = '2001:db8:77::4';
const client = '2001:db8:1::2';
const stranger = { six: '2001:db8:66::66', four: '192.0.2.66' };

describe('a hostile client over IPv6', { skip: whyNoPerimeter() }, () => {
  let lab: PerimeterLab;
  let gateway: PerimeterGateway;
  let control: RawControl;
  let victim6: Victim;
  let victim4: Victim;
  before(async () => {
    lab = await openPerimeter('routed');
    await watchPeers(lab.server);
    const vsftpd = await startServerAt(lab.lab, 'vsftpd', { host: server, port: 21, network: lab.server.name });
    await writeFile(join(vsftpd.files, 'file.bin'), file);
    gateway = await startGateway(lab, await deployed('routed-ipv6.yaml', []));
    victim6 = await lab.stranger.enter(() => Victim.open(lab.lab, { host: stranger.six }));
    victim4 = await lab.stranger.enter(() => Victim.open(lab.lab, { host: stranger.four, port: victim6.port }));
    control = await lab.client.enter(() => RawControl.login({ host: server, port: 21 }, vsftpd));
    assert.match(await control.ask('TYPE I'), /^200/);
  });
  after(async () => {
    control?.close();
    await lab.close();
  });

  const otherFamily = { reply: /^522 Network protocol not supported, use \(2\)/, refused: { cause: 'wrong-family' } };
  const unreadable = { reply: /^501 EPRT takes/, refused: { cause: 'malformed-address' } };
  const otherHost = { reply: /^501 EPRT refused/, refused: { cause: 'third-party', bounce: 'eprt' } };
  const attacks = [
    { name: 'another family', ...otherFamily, texts: ['1|192.0.2.66', '1|198.51.100.2', `3|${client}`] },
    { name: 'an address not of its family', ...unreadable, texts: ['1|2001:db8:66::66', '2|192.0.2.66'] },
    {
      name: 'an IPv4 address mapped into IPv6',
      ...unreadable,
      texts: [
        ...['2|::ffff:192.0.2.66', '2|::FFFF:c000:242', '2|0:0:0:0:0:ffff:c000:0242', '1|::ffff:192.0.2.66'],
        // The client's own, and 0.0.0.0, which the rules replace where it is said plainly.
        ...['2|::ffff:198.51.100.2', '2|::ffff:0.0.0.0'],
      ],
    },
    { name: 'a zone', ...unreadable, texts: ['2|fe80::1%eth0', `2|${client}%eth0`, `2|${client}%1`, '2|::%eth0'] },
    {
      name: 'no address',
      ...unreadable,
      texts: [`2|[${client}]`, `2|${client}/128`, `2| ${client}`, '2|', '2|2001:db8::1::2', '2|2001:db8:1:0:2'],
    },
    {
      name: 'other hosts: far, near, the router, oneself, a neighbour, everybody',
      ...otherHost,
      texts: [stranger.six, server, neighbour, '2001:db8:77::1', '::1', 'fe80::1', 'ff02::1'].map(
        (host) => `2|${host}`,
      ),
    },
    {
      // IPv4-compatible (RFC 4291 §2.5.5.1), NAT64 (RFC 6052), 6to4 (RFC 3056).
      name: 'other hosts: addresses that carry one of IPv4',
      ...otherHost,
      texts: ['2|::192.0.2.66', '2|64:ff9b::192.0.2.66', '2|2002:c000:242::1'],
    },
  ];

  for (const { name, reply, refused, texts } of attacks) {
    test(`EPRT with ${name}`, async () => {
      for (const text of texts) {
        const command = `EPRT |${text}|${victim6.port}|`;
        await isRefused(gateway, control, refused, async () =>
          assert.match(await control.ask(command), reply, command),
        );
        // The server was told nothing, so it has nowhere to send to; and the session lives.
        assert.match(await control.ask('RETR files/file.bin'), /^425 Use PORT or PASV first/);
      }
    });
  }

  test('the verbs of IPv4, and those that long addresses had before EPRT', async () => {
    const longHost = '32,1,13,184,0,102,0,0,0,0,0,0,0,0,0,102';
    const longPort = `${victim6.port >> 8},${victim6.port & 255}`;
    for (const [command, reply, refused] of [
      [`PORT ${victim4.hostPort}`, /^501 PORT refused/, { cause: 'third-party', bounce: 'port' }],
      [`LPRT 6,16,${longHost},2,${longPort}`, /^502/, { cause: 'verb-refused' }],
      ['LPSV', /^502/, { cause: 'verb-refused' }],
      ['PASV', /^425 PASV cannot name an IPv6 address; use EPSV/, { cause: 'wrong-family' }],
      ['EPSV 1', otherFamily.reply, otherFamily.refused],
    ] as const) {
      await isRefused(gateway, control, refused, async () => assert.match(await control.ask(command), reply, command));
    }
  });

  test('EPRT with a port below 1024, at the own host and at ::', async () => {
    for (const host of [client, '::']) {
      const refused = { cause: 'low-port', bounce: 'low-port', target: authority({ host, port: 1023 }) };
      await isRefused(gateway, control, refused, async () =>
        assert.match(await control.ask(`EPRT |2|${host}|1023|`), /^504 EPRT refused/),
      );
    }
  });

  test('none of it opened a way or brought anybody anywhere', async () => {
    assert.equal(await waysOpened(gateway), 0);
    for (const family of [4, 6] as const) assert.deepEqual(await pinholeKeys(lab, family), []);
    for (const victim of [victim6, victim4]) await lab.stranger.enter(() => victim.nobodyCame());
    assert.deepEqual(await peersSeen(lab.server), { callers: [client], callees: [] });
    const target = authority({ host: stranger.six, port: victim6.port });
    await loggedLine(gateway.program, { msg: 'refused', verb: 'EPRT', cause: 'third-party', target });
  });

  test('the same session gets its file by EPRT, and by :: and 0,0,0,0 too, which mean the client seen', async () => {
    const own = await lab.client.enter(() => DataPort.open(lab.lab, client));
    // A server that took :: at its word would find itself.
    const itself = await lab.server.enter(() => Victim.open(lab.lab, { host: '::', port: own.port }));
    for (const command of [
      ...[client, '::', '0:0:0:0:0:0:0:0'].map((text) => `EPRT |2|${text}|${own.port}|`),
      `PORT ${hostPort({ host: '0.0.0.0', port: own.port })}`,
    ]) {
      assert.match(await control.ask(command), /^200/, command);
      control.send('RETR files/file.bin\r\n');
      const { from, socket } = await own.next();
      assert.equal(from.host, server);
      assert.deepEqual(await receiveAll(socket), { octets: file, how: 'end' });
      assert.match(await control.reply(), /^150/);
      assert.match(await control.reply(), /^226/);
    }
    for (const host of ['::', '0.0.0.0']) {
      const target = authority({ host, port: own.port });
      await loggedLine(gateway.program, { msg: 'address replaced', client: authority(control.local), target });
    }
    await lab.server.enter(() => itself.nobodyCame());
    assert.deepEqual(await peersSeen(lab.server), { callers: [client], callees: [client] });
  });

  test('IPv4 leads nowhere, though the listener takes both families', async () => {
    const other = await lab.client.enter(() => RawControl.open({ host: '10.77.0.2', port: 21 }));
    assert.match(await other.reply(), /^421/);
    assert.equal(await other.ended, 'end');
    await loggedLine(gateway.program, { msg: 'session refused', dialled: '10.77.0.2:21', cause: 'server' });
  });
});
