// The life of a certificate while the gateway runs: renewed on the disk as Kubernetes does it, spoilt, and read on
// SIGHUP. Sessions under way go on; new ones get the new certificate, and never a bad one.
//
//   client 127.0.0.1 ── implicit TLS ── gateway 127.g:2121 ── plain ── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { CertificateAuthority, type Pair } from '../support/certificates.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { listenerYaml, type OperatedGateway, operateGateway } from '../support/operated-gateway.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

describe('a certificate', () => {
  const authority = new CertificateAuthority();
  let lab: Lab;
  let gateway: OperatedGateway;
  let listen: LabEndpoint;
  let settings: string;
  let mounts = 0;
  /** In a session from before any renewal. */
  let veteran: TLSSocket;

  before(async () => {
    lab = await openLab();
    const server = await startScriptedServer(lab);
    listen = await lab.endpoint();
    await mount(authority.issue('first.example'));
    const files = `certificate: ${lab.folder}/data/tls.crt, key: ${lab.folder}/data/tls.key`;
    const tls = `tls: { client: { mode: implicit, ${files} } }`;
    settings = `listeners:\n${listenerYaml('front', listen, server, [tls])}`;
    gateway = await operateGateway(lab, `${settings}engines: 2\n`);
    veteran = await greeted();
  });
  after(async () => {
    veteran.destroy();
    await lab.close();
    authority.remove();
  });

  /** As a Secret is mounted: a folder behind a symbolic link that is replaced by a rename. */
  async function mount({ certificate, key }: Pick<Pair, 'certificate' | 'key'>): Promise<void> {
    mounts += 1;
    const folder = join(lab.folder, `data-${mounts}`);
    await mkdir(folder);
    await writeFile(join(folder, 'tls.crt'), certificate);
    await writeFile(join(folder, 'tls.key'), key);
    await symlink(folder, `${folder}-link`);
    await rename(`${folder}-link`, join(lab.folder, 'data'));
  }

  async function greeted(): Promise<TLSSocket> {
    const socket = connect({ ...listen, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    assert.match(String((await once(socket, 'data'))[0]), /^220/);
    return socket;
  }

  async function shown(): Promise<string | string[] | undefined> {
    const socket = await greeted();
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return CN;
  }

  async function veteranLives(): Promise<void> {
    const answer = once(veteran, 'data');
    veteran.write('NOOP\r\n');
    assert.match(String((await answer)[0]), /^\d{3} /);
  }

  const expiry = (name: string): Promise<number> =>
    gateway.metric(`portcullis_tls_certificate_expiry_seconds{listener="front",subject="CN=${name}"}`);

  test('that is renewed on the disk is shown to new sessions, and those under way go on', async () => {
    assert.equal(await shown(), 'first.example');
    await mount(authority.issue('second.example'));
    await loggedLine(gateway.program, { msg: 'certificates renewed; they hold for new sessions' });
    for (let session = 0; session < 8; session += 1) assert.equal(await shown(), 'second.example');
    await veteranLives();
    assert.equal(await expiry('first.example'), 0);
    assert.ok((await expiry('second.example')) > 29 * 86_400);
  });

  test('that is spoilt stays out, is told with its place, and comes in once it is good', async () => {
    const third = authority.issue('third.example');
    await mount({ ...third, key: authority.issue('x').key });
    const { problem } = await loggedLine(gateway.program, {
      msg: 'certificates not renewed; the old ones stay in force',
    });
    assert.match(
      String(problem),
      /\.yaml:\d+:\d+: listeners\[0\]\.tls\.client\.key: the file .*tls\.key holds a key that does not belong to/,
    );
    assert.equal(await shown(), 'second.example');
    assert.equal(await gateway.reload(`${settings}engines: 2\n`), 'refused');
    assert.equal(await shown(), 'second.example');
    await mount(third);
    await becomes(shown, 'third.example');
    await veteranLives();
  });

  test('that is renewed comes into force at once on SIGHUP', async () => {
    await mount(authority.issue('fourth.example'));
    assert.equal(await gateway.reload(`${settings}engines: 2\n`), 'applied');
    assert.equal(await shown(), 'fourth.example');
    await veteranLives();
  });

  test('may be given up: TLS off holds for new sessions, live', async () => {
    const plain = settings.replace(/ *tls: .*\n/, '');
    assert.equal(await gateway.reload(`${plain}engines: 2\n`), 'applied');
    assert.equal(await expiry('fourth.example'), 0);
    await veteranLives();
    assert.equal(await gateway.reload(`${settings}engines: 2\n`), 'applied');
    assert.equal(await shown(), 'fourth.example');
  });
});
