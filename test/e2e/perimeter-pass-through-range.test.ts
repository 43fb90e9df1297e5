// While TLS is passed through, what can be reached at the server that no session asked for? Nothing but the passive
// range, by this client alone, and only as long as its session lasts; a client that talks nonsense behind AUTH gets
// nowhere. Over IPv4 and over IPv6.
//
//   client 198.51.100.2, 2001:db8:1::2 ───── wan0 router lan0 ─── 10.77.0.2, 2001:db8:77::2 vsftpd, TLS only
//   stranger 192.0.2.66, 2001:db8:66::66 ─── wan1
//
// No firewall but Portcullis' own table guards the servers here. Data connections are bare sockets of the test, so that
// their number and their ends can be seen.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { CertificateAuthority } from '../support/certificates.ts';
import { DataPort, dial } from '../support/data-ends.ts';
import type { LabEndpoint } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { elements, loadNft } from '../support/perimeter/nft.ts';
import { isDropped } from '../support/perimeter/pinhole-watch.ts';
import { watchPeers } from '../support/perimeter/witness.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const range = { from: 40_000, to: 40_009 };

const realms = [
  {
    family: 4,
    client: '198.51.100.2',
    stranger: '192.0.2.66',
    server: '10.77.0.2',
    neighbour: '10.77.0.3',
    listen: '0.0.0.0:2121',
    servers: '10.77.0.0/24',
  },
  {
    family: 6,
    client: '2001:db8:1::2',
    stranger: '2001:db8:66::66',
    server: '2001:db8:77::2',
    neighbour: '2001:db8:77::3',
    listen: '[::]:2121',
    servers: '2001:db8:77::/64',
  },
] as const;

for (const realm of realms) {
  describe(`the passive range, IPv${realm.family}`, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let vsftpd: RealServer;
    let gateway: PerimeterGateway;
    let authority: CertificateAuthority;
    /** At the server: within the range, and just beyond it. */
    let within: DataPort;
    let beyond: DataPort;
    const controls: RawControl[] = [];
    const server = { host: realm.server, port: 21 };

    before(async () => {
      lab = await openPerimeter('routed');
      authority = new CertificateAuthority();
      // Its own passive ports are elsewhere, so that those of the test are free.
      const at = { ...server, network: lab.server.name, passivePorts: '41000-41009' };
      vsftpd = await startServerAt(lab.lab, 'vsftpd', at, {
        pair: authority.issue('ftp.example.org'),
        mode: 'explicit',
      });
      [within, beyond] = await lab.server.enter(async () => [
        await DataPort.open(lab.lab, realm.server, range.from),
        await DataPort.open(lab.lab, realm.server, range.to + 1),
      ]);
      await watchPeers(lab.server);
      gateway = await startGateway(
        lab,
        `
listeners:
  - name: perimeter
    mode: transparent
    listen: "${realm.listen}"
    intercept: { ports: [21], interface: wan0 }
    servers: ["${realm.servers}"]
    dataPorts: 50000-50999
    tls: { client: { mode: pass-through, passivePorts: ${range.from}-${range.to} } }
kernel: { endFlows: true }
engines: 2
`,
      );
    });
    afterEach(async () => {
      for (const control of controls.splice(0)) control.close();
      await becomes(() => gateway.metric('portcullis_sessions_opaque '), 0);
      assert.deepEqual(await admitted(), []);
    });
    after(async () => {
      await lab.close();
      authority.remove();
    });

    /** `client server` of each who may connect now, whichever engine says so. */
    async function admitted(): Promise<string[]> {
      const sets = [0, 1].map((engine) => `opaque${realm.family}_${range.from}_${range.to}_${engine}`);
      const all = await Promise.all(sets.map((set) => elements(lab.router, 'portcullis', set)));
      return all.flat().map(({ key }) => key);
    }

    async function connected(): Promise<RawControl> {
      const control = await lab.client.enter(() => RawControl.open(server));
      controls.push(control);
      assert.match(await control.reply(), /^220/);
      return control;
    }

    async function opaque(): Promise<{ control: RawControl; secured: RawControl }> {
      const control = await connected();
      assert.match(await control.ask('AUTH TLS'), /^234/);
      const { control: secured } = await RawControl.secured(control);
      controls.push(secured);
      return { control, secured };
    }

    const clientIsDropped = (target: LabEndpoint): Promise<void> => isDropped(lab, lab.client, realm.client, target);

    /** Both ends of a data connection, as the client opens one. */
    async function passes(): Promise<{ client: Socket; server: Socket }> {
      const client = await lab.client.enter(() => dial(within));
      const { from, socket } = await within.next();
      assert.equal(from.host, realm.client);
      return { client, server: socket };
    }

    test('only this client, only these ports of this server, and nothing before AUTH is answered', async () => {
      const control = await connected();
      await clientIsDropped(within);
      control.close();
      const { secured } = await opaque();
      const ends = [await passes(), await passes()];
      await isDropped(lab, lab.stranger, realm.stranger, within);
      await clientIsDropped(beyond);
      await clientIsDropped({ host: realm.neighbour, port: within.port });
      assert.deepEqual(await admitted(), [`${realm.client} ${realm.server}`]);
      // The session itself is what it would be without the gateway: the server reads USER under TLS.
      assert.match(await secured.ask(`USER ${vsftpd.user}`), /^331/);
      assert.match(await secured.ask(`PASS ${vsftpd.password}`), /^230/);
      for (const { client, server: end } of ends) for (const socket of [client, end]) socket.destroy();
    });

    test('whoever asks what is open is told of the range', async () => {
      const { control } = await opaque();
      const page = await lab.router.must('curl', '-sSf', 'http://127.0.0.1:9121/pinholes?state=open');
      const [{ asked, plane, client, serverLeg, clientLeg }, ...others] = JSON.parse(page).ways;
      const shown = realm.family === 4 ? realm.server : `[${realm.server}]`;
      assert.deepEqual(
        { asked, plane, remote: serverLeg.remote, admits: clientLeg.admits },
        { asked: 'AUTH', plane: 'kernel', remote: `${shown}:${range.from}-${range.to}`, admits: [realm.client] },
      );
      assert.ok(client.endsWith(`:${control.local.port}`));
      assert.deepEqual(others, []);
      assert.equal(await gateway.metric('portcullis_sessions_opaque '), 1);
    });

    test('a data connection ends with the last session of its client, and no new one passes', async () => {
      const [first, second] = [await opaque(), await opaque()];
      const { client, server: end } = await passes();
      for (const socket of [client, end]) socket.on('error', () => undefined);
      first.control.close();
      await becomes(() => gateway.metric('portcullis_sessions_opaque '), 1);
      end.write('still here');
      assert.equal(String((await once(client, 'data'))[0]), 'still here');
      second.control.close();
      await becomes(() => gateway.metric('portcullis_sessions_opaque '), 0);
      await clientIsDropped(within);
      // Without the reset each would hear of it only when it sends.
      await becomes(() => {
        for (const socket of [client, end]) if (socket.errored === null) socket.write('and on');
        return client.errored !== null && end.errored !== null;
      }, true);
    });

    test('what the kernel keeps would go by itself within seconds, should this process die', async () => {
      await opaque();
      const [one] = await elements(lab.router, 'portcullis', `opaque${realm.family}_${range.from}_${range.to}_0`);
      const [other] = await elements(lab.router, 'portcullis', `opaque${realm.family}_${range.from}_${range.to}_1`);
      const expires = (one ?? other)?.expires;
      assert.ok(expires !== undefined && expires <= 30, `${expires} s`);
    });

    test('an operator who flushes all rules costs a moment and no session', async () => {
      const { secured } = await opaque();
      await loadNft(lab.router, 'flush ruleset');
      await becomes(async () => (await admitted().catch(() => [])).length, 1);
      const { client, server: end } = await passes();
      client.destroy();
      end.destroy();
      assert.match(await secured.ask('FEAT'), /^211/);
    });

    test('what follows AUTH and is not TLS ends the session with its reason', async () => {
      const control = await connected();
      assert.match(await control.ask('AUTH TLS'), /^234/);
      control.send('USER somebody\r\n');
      await loggedLine(gateway.program, { msg: 'TLS failed', reason: 'what follows AUTH is not TLS' });
    });
  });
}
