// Can anybody use the perimeter for what its sessions did not ask for? Strangers at an open pinhole, a second and a
// late connection, clients who aim PORT or EPRT at others, and a gateway that dies while a pinhole is open. The data
// path is the kernel's; all of it over IPv4 and over IPv6.
//
//   client 198.51.100.2, 2001:db8:1::2 ───── wan0 router lan0 ─── 10.77.0.2, 2001:db8:77::2 vsftpd
//   stranger 192.0.2.66, 2001:db8:66::66 ─── wan1
//
// No firewall but Portcullis' own table guards the servers here. What never gets an answer is told from slow by the
// guard's counter, and what reached the server by the server's own kernel.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, hostPort, receiveAll } from '../support/data-ends.ts';
import type { LabEndpoint } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { authority } from '../support/operated-gateway.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import type { Network } from '../support/perimeter/network.ts';
import { elements, tables } from '../support/perimeter/nft.ts';
import { announcedBy, isDropped, pinholeKeys } from '../support/perimeter/pinhole-watch.ts';
import { isRefused } from '../support/perimeter/refusal-watch.ts';
import { installOperatorsFirewall, peersSeen, watchPeers } from '../support/perimeter/witness.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { Victim } from '../support/victim.ts';
import { becomes } from '../support/watch.ts';

const file = octetsFrom(47, 300_007);
/** More than all the buffers between two peers hold. */
const bigFile = octetsFrom(48, 24_000_000);
// Long enough for a busy machine to do in time what has to be done in time.
const expectationSeconds = 15;

interface Realm {
  readonly family: 4 | 6;
  readonly client: string;
  readonly stranger: string;
  readonly server: string;
  /** The router itself: towards clients, towards servers, and as it knows itself, where its admin page is. */
  readonly router: { readonly outside: string; readonly inside: string; readonly itself: string };
  readonly listen: string;
  readonly servers: string;
  /** A host beyond them. */
  readonly unlisted: string;
  readonly passive: 'PASV' | 'EPSV';
  /** How a client names a target. */
  readonly active: Readonly<Record<string, (target: LabEndpoint) => string>>;
}

const realms: readonly Realm[] = [
  {
    family: 4,
    client: '198.51.100.2',
    stranger: '192.0.2.66',
    server: '10.77.0.2',
    router: { outside: '198.51.100.1', inside: '10.77.0.1', itself: '127.0.0.1' },
    listen: '0.0.0.0:2121',
    servers: '10.77.0.0/24',
    unlisted: '10.99.0.1',
    passive: 'PASV',
    active: { PORT: (target) => `PORT ${hostPort(target)}`, EPRT: ({ host, port }) => `EPRT |1|${host}|${port}|` },
  },
  {
    family: 6,
    client: '2001:db8:1::2',
    stranger: '2001:db8:66::66',
    server: '2001:db8:77::2',
    router: { outside: '2001:db8:1::1', inside: '2001:db8:77::1', itself: '::1' },
    listen: '[::]:2121',
    servers: '2001:db8:77::/64',
    unlisted: '2001:db8:99::1',
    passive: 'EPSV',
    active: { EPRT: ({ host, port }) => `EPRT |2|${host}|${port}|` },
  },
];

const settingsOf = ({ listen, servers }: Realm): string => `
listeners:
  - name: perimeter
    mode: transparent
    listen: "${listen}"
    intercept: { ports: [21], interface: wan0 }
    servers: ["${servers}"]
    dataPath: kernel
    dataPorts: 50000-50999
limits:
  expectationTimeout: ${expectationSeconds}s
`;

for (const realm of realms) {
  const { family, passive, router } = realm;
  const server = { host: realm.server, port: 21 };

  describe(`a hostile perimeter, IPv${family}`, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let vsftpd: RealServer;
    let gateway: PerimeterGateway;
    let control: RawControl;

    before(async () => {
      lab = await openPerimeter('routed');
      vsftpd = await startServerAt(lab.lab, 'vsftpd', { ...server, network: lab.server.name });
      await writeFile(join(vsftpd.files, 'file.bin'), file);
      await writeFile(join(vsftpd.files, 'big.bin'), bigFile);
      await watchPeers(lab.server);
      await watchPeers(lab.client);
      gateway = await startGateway(lab, settingsOf(realm));
      control = await login();
    });
    after(async () => {
      control?.close();
      await lab.close();
    });

    async function login(): Promise<RawControl> {
      const session = await lab.client.enter(() => RawControl.login(server, vsftpd));
      assert.match(await session.ask('TYPE I'), /^200/);
      return session;
    }

    const pinholes = (): Promise<string[]> => pinholeKeys(lab, family);
    const keyOf = (port: number): string => `${realm.client} ${server.host} ${port}`;
    const clientIsDropped = (target: LabEndpoint): Promise<void> => isDropped(lab, lab.client, realm.client, target);
    const strangerIsDropped = (target: LabEndpoint): Promise<void> =>
      isDropped(lab, lab.stranger, realm.stranger, target);

    async function announced(): Promise<LabEndpoint> {
      const endpoint = announcedBy(await control.ask(passive), server.host);
      assert.equal(endpoint.host, server.host);
      assert.deepEqual(await pinholes(), [keyOf(endpoint.port)]);
      return endpoint;
    }

    async function transferred(session: RawControl): Promise<void> {
      assert.match(await session.reply(), /^150/);
      assert.match(await session.reply(), /^226/);
    }

    function listening(network: Network, host: string): Promise<Victim> {
      return network.enter(() => Victim.open(lab.lab, { host }));
    }

    test('a stranger at an open pinhole is dropped, and the rightful client still gets its file', async () => {
      const target = await announced();
      await strangerIsDropped(target);
      await strangerIsDropped(target);
      assert.deepEqual(await pinholes(), [keyOf(target.port)]);
      control.send('RETR files/file.bin\r\n');
      const data = await lab.client.enter(() => dial(target));
      assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
      await transferred(control);
    });

    test('a pinhole is used once: while the first connection lives, a second one is dropped', async () => {
      const target = await announced();
      const data = await lab.client.enter(() => dial(target));
      assert.deepEqual(await pinholes(), []);
      await clientIsDropped(target);
      await strangerIsDropped(target);
      control.send('RETR files/file.bin\r\n');
      assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
      await transferred(control);
      await clientIsDropped(target);
    });

    test('a pinhole that was not used in time is gone, and says so', async () => {
      const target = await announced();
      const expired = 'portcullis_ways_total{plane="kernel",event="expired"}';
      await becomes(async () => (await pinholes()).length, 0);
      await becomes(() => gateway.metric(expired), 1);
      await clientIsDropped(target);
      assert.match(await control.ask('NOOP'), /^200/);
      const page = await lab.router.must('curl', '-sSf', 'http://127.0.0.1:9121/pinholes?state=expired');
      const [{ client, clientLeg, asked, plane }, ...others] = JSON.parse(page).ways;
      assert.deepEqual(
        { client, local: clientLeg.local, asked, plane },
        { client: authority(control.local), local: authority(target), asked: passive, plane: 'kernel' },
      );
      assert.deepEqual(others, []);
    });

    test('ports that nobody announced are closed, whatever the session does', async () => {
      await announced();
      await clientIsDropped({ host: server.host, port: 1024 });
      await clientIsDropped({ host: server.host, port: 65_535 });
    });

    test(`a new ${passive} ends the pinhole of the last one`, async () => {
      const first = await announced();
      const second = await announced();
      assert.notEqual(first.port, second.port);
      await clientIsDropped(first);
    });

    for (const [verb, naming] of Object.entries(realm.active)) {
      test(`${verb} to a third host, to the gateway and its admin page, and below 1024`, async () => {
        const session = await login();
        const before = await pinholes();
        const victim = await listening(lab.stranger, realm.stranger);
        const routers = await listening(lab.router, router.inside);
        const own = await lab.client.enter(() => DataPort.open(lab.lab, realm.client));
        const third = { cause: 'third-party', bounce: verb.toLowerCase() };
        const low = { cause: 'low-port', bounce: 'low-port' };
        for (const [refused, target] of [
          [third, { host: victim.host, port: victim.port }],
          [third, { host: routers.host, port: routers.port }],
          [third, { host: router.outside, port: 9121 }],
          [third, { host: router.inside, port: 9121 }],
          [third, { host: router.itself, port: 9121 }],
          [third, { host: server.host, port: 2121 }],
          [low, { host: realm.client, port: 22 }],
        ] as const) {
          await isRefused(gateway, session, { ...refused, verb, target: authority(target) }, async () => {
            assert.match(await session.ask(naming(target)), new RegExp(`^50[14] ${verb} refused`), naming(target));
          });
          // The server was told nothing, so it has nowhere to send to.
          assert.match(await session.ask('RETR files/file.bin'), /^425/);
        }
        assert.deepEqual(
          (await pinholes()).filter((key) => !before.includes(key)),
          [],
        );
        // The same server in the same session does reach the client itself.
        assert.match(await session.ask(naming(own)), /^200/);
        session.send('RETR files/file.bin\r\n');
        const { from, socket } = await own.next();
        assert.equal(from.host, server.host);
        assert.deepEqual(await receiveAll(socket), { octets: file, how: 'end' });
        await transferred(session);
        await lab.stranger.enter(() => victim.nobodyCame());
        await lab.router.enter(() => routers.nobodyCame());
        assert.deepEqual(await peersSeen(lab.server), { callers: [realm.client], callees: [realm.client] });
        session.close();
      });
    }

    test('a server that is not listed is refused with 421, and nobody dials it', async () => {
      const elsewhere = await lab.client.enter(() => RawControl.open({ host: realm.unlisted, port: 21 }));
      assert.match(await elsewhere.reply(), /^421/);
      assert.equal(await elsewhere.ended, 'end');
      const dialled = authority({ host: realm.unlisted, port: 21 });
      await loggedLine(gateway.program, { msg: 'session refused', dialled, cause: 'server' });
      // Nor is the gateway its own client's server.
      const circle = await lab.client.enter(() => RawControl.open({ host: router.outside, port: 21 }));
      assert.match(await circle.reply(), /^421/);
      assert.equal(await circle.ended, 'end');
    });

    test('the pinholes of a session end with it', async () => {
      const session = await login();
      const { port } = announcedBy(await session.ask(passive), server.host);
      assert.ok((await pinholes()).includes(keyOf(port)));
      session.close();
      await becomes(async () => (await pinholes()).includes(keyOf(port)), false);
      await clientIsDropped({ host: server.host, port });
    });

    test('killed: the pinhole ends by itself, a transfer outlives death and restart, the table is new', async () => {
      const session = await login();
      const carried = announcedBy(await session.ask(passive), server.host);
      session.send('RETR files/big.bin\r\n');
      const flowing = await lab.client.enter(() => dial(carried));
      assert.match(await session.reply(), /^150/);
      await once(flowing, 'readable');
      const open = await announced();

      await gateway.program.end('SIGKILL');
      const [left] = await elements(lab.router, 'portcullis', `pinholes${family}`);
      assert.equal(left?.key, keyOf(open.port));
      assert.ok(left.expires !== undefined && left.expires <= expectationSeconds, `expires ${left.expires}`);

      gateway = await startGateway(lab, settingsOf(realm));
      assert.deepEqual(await pinholes(), []);
      await strangerIsDropped(open);
      // Its session died with the gateway; the connection itself is the kernel's.
      assert.deepEqual(await receiveAll(flowing), { octets: bigFile, how: 'end' });
      control = await login();
      await announced();
    });

    test('SIGTERM takes away the table, and nothing of the operator', async () => {
      await installOperatorsFirewall(lab.router);
      assert.deepEqual(await tables(lab.router), ['filter', 'portcullis']);
      control.close();
      gateway.program.signal('SIGTERM');
      assert.equal((await gateway.program.finished).exitCode, 0);
      assert.deepEqual(await tables(lab.router), ['filter']);
    });
  });
}
