// Do the rules of rules/*.yaml hold before real servers, for real clients, in the clear and under TLS, and do honest
// clients get on with them?
//
//   client 127.0.0.1 ──── gateway 127.g:2121 ──── vsftpd, ProFTPD, Pure-FTPd 127.s:2121
//
// At vsftpd everybody is anonymous; at the others there is a user with a name.

import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CertificateAuthority } from '../support/certificates.ts';
import type { ClientTarget, RealClient } from '../support/clients/client.ts';
import { curl, curlInOneSession } from '../support/clients/curl.ts';
import { lftp } from '../support/clients/lftp.ts';
import { wget } from '../support/clients/wget.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { checksum, octetsFrom } from '../support/octets.ts';
import { authority as endpointText, operateGateway } from '../support/operated-gateway.ts';
import { whyNoPeers } from '../support/peers.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, type ServerName, startServer } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

const source = octetsFrom(83, 200_003);
const rulesAt = (name: string): string => new URL(`../../rules/${name}.yaml`, import.meta.url).pathname;

describe('rules', { skip: whyNoPeers() }, () => {
  let lab: Lab;
  let authority: CertificateAuthority;

  before(async () => {
    lab = await openLab();
    authority = new CertificateAuthority();
  });
  after(async () => {
    await lab.close();
    authority.remove();
  });

  interface Site {
    readonly server: RealServer;
    readonly gateway: RunningGateway;
  }

  /** A server with /files/pub and /files/incoming, behind a gateway with these rules. */
  async function site(name: ServerName, rules: string, listener: readonly string[] = []): Promise<Site> {
    const server = await startServer(lab, name);
    for (const folder of ['pub', 'incoming']) {
      await mkdir(join(server.files, folder));
      // Each server writes as another user.
      await chmod(join(server.files, folder), 0o777);
      await writeFile(join(server.files, folder, 'treasure.bin'), source);
    }
    return { server, gateway: await startGateway(lab, server, { listener, top: [`rules: ${rules}`] }) };
  }

  async function targetOf({ server, gateway }: Site, client: RealClient): Promise<ClientTarget> {
    const folder = await lab.makeFolder(`${client.name}-${gateway.host}`);
    await writeFile(join(folder, 'up.bin'), source);
    const { user, password } = server;
    return { host: gateway.host, port: gateway.port, user, password, mode: 'passive', folder };
  }

  const succeeds = (run: { exitCode: number | undefined; output: string }): void =>
    assert.equal(run.exitCode, 0, run.output);
  const fails = (run: { exitCode: number | undefined; output: string }): void =>
    assert.notEqual(run.exitCode, 0, run.output);

  describe('anonymous-dropbox.yaml, for a server whose incoming folder is /files/incoming', () => {
    let dropbox: Site;

    before(async () => {
      const text = await readFile(rulesAt('anonymous-dropbox'), 'utf8');
      const rules = join(lab.folder, 'dropbox.yaml');
      await writeFile(rules, text.replaceAll('/incoming/**', '/files/incoming/**'));
      dropbox = await site('vsftpd', rules);
    });

    for (const client of [curl, lftp]) {
      test(`${client.name} leaves a file, and can neither list nor fetch what is there`, async () => {
        const target = await targetOf(dropbox, client);
        succeeds(await client.upload!(target, 'up.bin', `files/incoming/${client.name}.bin`));
        const stored = join(dropbox.server.files, 'incoming', `${client.name}.bin`);
        assert.equal(await checksum(stored), await checksum(join(target.folder, 'up.bin')));
        fails(await client.download(target, `files/incoming/${client.name}.bin`, 'stolen.bin'));
        const listed = await client.list(target, 'files/incoming');
        assert.doesNotMatch(listed.output, /treasure/);
        succeeds(await client.download(target, 'files/pub/treasure.bin', 'got.bin'));
        assert.equal(await checksum(join(target.folder, 'got.bin')), await checksum(stored));
        fails(await client.upload!(target, 'up.bin', `files/pub/${client.name}.bin`));
        assert.deepEqual(await readdir(join(dropbox.server.files, 'pub')), ['treasure.bin']);
      });
    }

    test('a trader who spells names as he likes gets nowhere', async () => {
      const control = await RawControl.login(dropbox.gateway, dropbox.server);
      assert.match(await control.ask('CWD files/pub'), /^250/);
      for (const command of [
        ...['SIZE ../incoming/treasure.bin', 'SIZE /files/incoming/treasure.bin', 'SIZE ./.././incoming//treasure.bin'],
        ...['MDTM ../INCOMING/treasure.bin', 'STAT ../incoming', 'STAT -R /files', 'DELE ..\\incoming\\treasure.bin'],
        ...['RNFR ../incoming/treasure.bin', 'RMD ../incoming', 'SIZE ~/incoming/treasure.bin'],
      ]) {
        assert.match(await control.ask(command), /^550 What is here can be delivered, but not seen\./, command);
      }
      assert.match(await control.ask('CWD ../incoming'), /^250/);
      assert.match(await control.ask('SIZE treasure.bin'), /^550 What is here/);
      assert.match(await control.ask('MKD shop'), /^550 Visitors may only/);
      assert.match(await control.ask('CWD ../pub'), /^250/);
      assert.match(await control.ask('SIZE treasure.bin'), /^213 200003/);
      control.close();
      await loggedLine(dropbox.gateway.program, { msg: 'refused', cause: 'denied-by-rule', rule: 'incoming-is-blind' });
    });

    test('pipelined behind a change of the directory, a name means what it means there', async () => {
      const control = await RawControl.login(dropbox.gateway, dropbox.server);
      control.send('CWD /files/pub\r\nSIZE treasure.bin\r\nCWD /files/incoming\r\nSIZE treasure.bin\r\nNOOP\r\n');
      const replies = [];
      for (let count = 0; count < 5; count += 1) replies.push((await control.reply()).slice(0, 3));
      assert.deepEqual(replies, ['250', '213', '250', '550', '200']);
      control.close();
    });
  });

  test('read-only.yaml: real clients list and fetch, and change nothing', async () => {
    const published = await site('ProFTPD', rulesAt('read-only'));
    for (const client of [curl, lftp, wget]) {
      const target = await targetOf(published, client);
      succeeds(await client.download(target, 'files/pub/treasure.bin', 'got.bin'));
      assert.equal(await checksum(join(target.folder, 'got.bin')), await checksum(join(target.folder, 'up.bin')));
      assert.match((await client.list(target, 'files/pub')).output, /treasure\.bin/);
      if (client.upload !== undefined) fails(await client.upload(target, 'up.bin', 'files/pub/new.bin'));
    }
    const control = await RawControl.login(published.gateway, published.server);
    for (const command of ['DELE files/pub/treasure.bin', 'MKD files/x', 'RNFR files/pub/treasure.bin'])
      assert.match(await control.ask(command), /^550 This server is for reading only\./);
    control.close();
    assert.deepEqual(await readdir(join(published.server.files, 'pub')), ['treasure.bin']);
    assert.ok((await published.gateway.metric('portcullis_refusals_total{cause="denied-by-rule"}')) >= 3);
  });

  test('upload-only.yaml: real clients deliver, and see nothing', async () => {
    const collecting = await site('Pure-FTPd', rulesAt('upload-only'));
    for (const client of [curl, lftp]) {
      const target = await targetOf(collecting, client);
      succeeds(await client.upload!(target, 'up.bin', `files/pub/${client.name}.bin`));
      const stored = join(collecting.server.files, 'pub', `${client.name}.bin`);
      assert.equal(await checksum(stored), await checksum(join(target.folder, 'up.bin')));
      fails(await client.download(target, 'files/pub/treasure.bin', 'got.bin'));
      assert.doesNotMatch((await client.list(target, 'files/pub')).output, /treasure\.bin/);
    }
  });

  test('under TLS the rules are the same, and one may ask for TLS', async () => {
    const pair = authority.issue('ftp.example.org');
    const rules = join(lab.folder, 'tls-only.yaml');
    await writeFile(
      rules,
      `dataConnections: { minimumPort: 1024, unspecifiedAddress: replace, foreignPassiveAddress: replace, fxp: [] }
verbs: { refuse: [], unknown: refuse }
access:
  default: allow
  rules:
    - { name: stores-under-tls, when: { verb: [write], clientTls: false }, then: deny, reply: Use TLS to store files. }
    - { name: pub-stays, when: { verb: [write], path: [/files/pub/**] }, then: deny }
`,
    );
    const tls = `tls: { client: { mode: optional, certificate: ${pair.certificateFile}, key: ${pair.keyFile} } }`;
    const mixed = await site('ProFTPD', rules, [tls]);
    const target = await targetOf(mixed, curlInOneSession);
    const clear = await curlInOneSession.upload!(target, 'up.bin', 'files/incoming/clear.bin');
    fails(clear);
    const secured = {
      ...target,
      tls: { mode: 'explicit', ca: authority.pair.certificateFile, name: 'ftp.example.org' },
    } as const;
    succeeds(await curlInOneSession.upload!(secured, 'up.bin', 'files/incoming/secret.bin'));
    fails(await curlInOneSession.upload!(secured, 'up.bin', 'files/pub/secret.bin'));
    assert.deepEqual((await readdir(join(mixed.server.files, 'incoming'))).sort(), ['secret.bin', 'treasure.bin']);
    assert.deepEqual(await readdir(join(mixed.server.files, 'pub')), ['treasure.bin']);
  });

  test('a rule on trial passes what it would deny, and tells; once it bites, all feel it', async () => {
    const server = await startServer(lab, 'ProFTPD');
    const listen = await lab.endpoint();
    const rules = join(lab.folder, 'trial.yaml');
    const write = (verdict: string): Promise<void> =>
      writeFile(
        rules,
        `dataConnections: { minimumPort: 1024, unspecifiedAddress: replace, foreignPassiveAddress: replace, fxp: [] }
verbs: { refuse: [], unknown: refuse }
access:
  default: allow
  rules:
    - { name: no-folders, when: { verb: [MKD] }, then: ${verdict}, why: folders are made by the archive }
`,
      );
    await write('report');
    const settings = `listeners:
  - name: front
    mode: reverse
    listen: "${endpointText(listen)}"
    upstream: "${endpointText(server)}"
    dataPorts: 20000-29999
rules: ${rules}
engines: 2
`;
    const gateway = await operateGateway(lab, settings);
    const control = await RawControl.login(listen, server);
    assert.match(await control.ask('MKD files/one'), /^257/);
    const told = { rule: 'no-folders', verb: 'MKD', reason: 'folders are made by the archive' };
    await loggedLine(gateway.program, { msg: 'would be denied', ...told });
    assert.equal(await gateway.metric('portcullis_rules_reported_total'), 1);
    await write('deny');
    assert.equal(await gateway.reload(settings), 'applied');
    await becomes(async () => (await control.ask('MKD files/two')).slice(0, 3), '550');
    await write('no such word');
    assert.equal(await gateway.reload(settings), 'refused');
    assert.match(await control.ask('MKD files/three'), /^550/);
    await write('close');
    assert.equal(await gateway.reload(settings), 'applied');
    assert.match(await control.ask('MKD files/four'), /^421 Not permitted by the rules of the gateway/);
    await control.ended;
    await loggedLine(gateway.program, { msg: 'session ended', outcome: 'closed-by-rule' });
  });
});
