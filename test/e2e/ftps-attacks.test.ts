// What attackers do around TLS: commands slipped in before the handshake, somebody else at a data port, a transfer cut
// short. And what a client does that may not be cut.
//
//   client 127.0.0.1 ══ gateway 127.a.b.c:2121 ── vsftpd 127.d.e.f:2121

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { CertificateAuthority } from '../support/certificates.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { whyNoPeers } from '../support/peers.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServer } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

interface Session {
  readonly control: RawControl;
  /** What the client resumes its data connections with. */
  readonly ticket: Buffer | undefined;
}

describe('around TLS', { skip: whyNoPeers() }, () => {
  const authority = new CertificateAuthority();
  let lab: Lab;
  let server: RealServer;
  let strict: RunningGateway;
  let lenient: RunningGateway;

  before(async () => {
    lab = await openLab();
    server = await startServer(lab, 'vsftpd', 4);
    const { certificateFile, keyFile } = authority.issue('ftp.example.org');
    const front = (more: string) =>
      startGateway(lab, server, {
        listener: [`tls: { client: { mode: required, certificate: ${certificateFile}, key: ${keyFile}, ${more} } }`],
      });
    strict = await front('requireReuse: true');
    lenient = await front('acceptTruncation: true');
  });
  after(async () => {
    await lab.close();
    authority.remove();
  });

  async function login(gateway: RunningGateway, slipped = ''): Promise<Session> {
    const plain = await RawControl.open(gateway);
    lab.onClose(() => plain.close());
    assert.match(await plain.reply(), /^220/);
    plain.send(`AUTH TLS\r\n${slipped}`);
    assert.match(await plain.reply(), /^234/);
    const { control, tls } = await RawControl.secured(plain);
    let ticket: Buffer | undefined;
    tls.on('session', (session: Buffer) => {
      ticket = session;
    });
    if (slipped !== '') assert.match(await control.ask('SYST'), /^530/);
    assert.match(await control.ask(`USER ${server.user}`), /^331/);
    assert.match(await control.ask(`PASS ${server.password}`), /^230/);
    assert.match(await control.ask('PBSZ 0'), /^200/);
    assert.match(await control.ask('PROT P'), /^200/);
    return { control, ticket };
  }

  async function passive(gateway: RunningGateway, { control }: Session): Promise<Socket> {
    const [, high, low] = /(\d+),(\d+)\)/.exec(await control.ask('PASV')) ?? [];
    const socket = connect(Number(high) * 256 + Number(low), gateway.host);
    socket.on('error', () => {});
    lab.onClose(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  }

  function securedData(socket: Socket, session: Buffer | undefined): TLSSocket {
    const tls = connectTls({ socket, rejectUnauthorized: false, ...(session && { session }) });
    tls.on('error', () => {});
    return tls;
  }

  test('commands behind AUTH TLS are thrown away and counted, and nobody is logged in by them', async () => {
    const slipped = 'USER tester\r\nPASS open-sesame\r\n';
    const { control } = await login(lenient, slipped);
    control.close();
    const discarded = await lenient.metric('portcullis_tls_clear_octets_discarded_total{leg="client"}');
    assert.equal(discarded, slipped.length);
  });

  test('a thief at a data port, who does not resume the session, gets nothing, and its owner hears of it', async () => {
    const session = await login(strict);
    const socket = await passive(strict, session);
    session.control.send('LIST\r\n');
    const thief = securedData(socket, undefined);
    let stolen = 0;
    thief.on('data', (octets: Buffer) => {
      stolen += octets.length;
    });
    await new Promise<void>((resolve) => thief.once('close', () => resolve()));
    assert.equal(stolen, 0);
    await loggedLine(strict.program, { msg: 'transfer', outcome: 'failed' });
    assert.match(String(strict.log().find(({ msg }) => msg === 'transfer')?.['reason']), /does not resume/);
    assert.match((await session.control.reply()).replace(/^150.*/, ''), /^(4\d\d.*)?$/);
    session.control.close();
  });

  test('its owner, who resumes it, is served, and again', async () => {
    const session = await login(strict);
    for (let round = 0; round < 2; round += 1) {
      const socket = await passive(strict, session);
      session.control.send('NLST\r\n');
      const tls = securedData(socket, session.ticket);
      tls.resume();
      await once(tls, 'end');
      assert.ok(tls.isSessionReused());
      assert.match(await session.control.reply(), /^150/);
      assert.match(await session.control.reply(), /^226/);
    }
    session.control.close();
  });

  const truncations = [
    { name: 'looks broken', of: () => strict, reply: /^4/, outcome: 'failed' },
    { name: 'is taken where the settings say so', of: () => lenient, reply: /^226/, outcome: 'completed' },
  ] as const;

  for (const { name, of, reply, outcome } of truncations) {
    test(`an upload that ends without close_notify ${name}`, async () => {
      const gateway = of();
      const session = await login(gateway);
      const socket = await passive(gateway, session);
      session.control.send('STOR files/cut.bin\r\n');
      assert.match(await session.control.reply(), /^150/);
      const tls = securedData(socket, session.ticket);
      await once(tls, 'secureConnect');
      await new Promise<void>((resolve) => tls.write('half of it', () => resolve()));
      // The FIN of somebody in between, who cannot say close_notify.
      socket.end();
      assert.match(await session.control.reply(), reply);
      await becomes(
        async () =>
          gateway
            .log()
            .filter((line) => line['verb'] === 'STOR')
            .map((line) => line['outcome'])
            .join(),
        outcome,
      );
      session.control.close();
    });
  }
});
