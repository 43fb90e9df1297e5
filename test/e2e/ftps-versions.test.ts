// What does the gateway offer to whoever asks as an auditor does, with openssl s_client? TLS 1.2 and 1.3 with
// forward secrecy and authenticated encryption, no renegotiation, no compression, no handshake for other protocols;
// each refusal has its reason in the log.
//
//   openssl s_client 127.0.0.1 ──── gateway 127.g:2121 (AUTH TLS), and another (implicit) ──── scripted server

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { CertificateAuthority } from '../support/certificates.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { whyNoPeers } from '../support/peers.ts';
import { startScriptedServer } from '../support/scripted-server.ts';

interface Asked {
  readonly what: string;
  readonly words: readonly string[];
  /** Of the gateway's log. */
  readonly reason: string;
}

// Debian's OpenSSL offers what is old only when it is told twice.
const old = (cipher: string): string[] => ['-cipher', `${cipher}:@SECLEVEL=0`];
const noCipher = 'the peer offers no cipher suite that is accepted here';
const noVersion = 'the peer offers no TLS 1.2 or later';

const refused: readonly Asked[] = [
  { what: 'TLS 1.1', words: ['-tls1_1', ...old('ALL')], reason: noVersion },
  { what: 'TLS 1.0', words: ['-tls1', ...old('ALL')], reason: noVersion },
  { what: 'CBC', words: ['-tls1_2', ...old('ECDHE-RSA-AES128-SHA256')], reason: noCipher },
  { what: 'no forward secrecy', words: ['-tls1_2', ...old('AES128-GCM-SHA256')], reason: noCipher },
  { what: 'no encryption', words: ['-tls1_2', ...old('NULL-SHA256:ECDHE-RSA-NULL-SHA')], reason: noCipher },
  { what: 'no certificate', words: ['-tls1_2', ...old('ADH-AES128-GCM-SHA256')], reason: noCipher },
];

const accepted: readonly (readonly [what: string, words: readonly string[], version: string])[] = [
  ['TLS 1.3', ['-tls1_3'], 'TLSv1.3'],
  ['TLS 1.2', ['-tls1_2'], 'TLSv1.2'],
  ['TLS 1.2 with ChaCha20', ['-tls1_2', '-cipher', 'ECDHE+CHACHA20'], 'TLSv1.2'],
  ['ALPN ftp', ['-alpn', 'ftp'], 'TLSv1.3'],
];

for (const mode of ['optional', 'implicit'] as const) {
  describe(`openssl s_client, ${mode}`, { skip: whyNoPeers() }, () => {
    let lab: Lab;
    let gateway: RunningGateway;
    const authority = new CertificateAuthority();

    before(async () => {
      lab = await openLab();
      const pair = authority.issue('ftp.example.org');
      const tls = `tls: { client: { mode: ${mode}, certificate: ${pair.certificateFile}, key: ${pair.keyFile} } }`;
      gateway = await startGateway(lab, await startScriptedServer(lab), { listener: [tls] });
    });
    after(async () => {
      await lab.close();
      authority.remove();
    });

    /**
     * All that it prints. What it `says` is typed line by line, the first once the handshake is over, each further one
     * when the server has answered the one before it.
     */
    function ask(words: readonly string[], ...says: string[]): Promise<{ exitCode: number | null; output: string }> {
      const connect = [
        's_client',
        '-connect',
        `${gateway.host}:${gateway.port}`,
        '-CAfile',
        authority.pair.certificateFile,
      ];
      const starttls = mode === 'implicit' ? [] : ['-starttls', 'ftp'];
      const client = spawn('openssl', [...connect, ...starttls, '-verify_return_error', ...words]);
      let output = '';
      let typed = 0;
      const hear = (octets: Buffer): void => {
        output += octets.toString('latin1');
        const answered = output.match(/^200 /gm)?.length ?? 0;
        if (!output.includes('Verify return code') || answered < typed) return;
        const next = says[typed];
        if (next === undefined) client.stdin.end();
        else client.stdin.write(next);
        typed += 1;
      };
      client.stdin.on('error', () => undefined);
      client.stdout.on('data', hear);
      client.stderr.on('data', hear);
      return new Promise((resolve) => client.once('close', (exitCode) => resolve({ exitCode, output })));
    }

    for (const { what, words, reason } of refused) {
      test(`${what} is refused, and the log says why`, async () => {
        const failed = 'portcullis_tls_handshakes_total{leg="client",outcome="failed"}';
        const before = await gateway.metric(failed);
        const { exitCode, output } = await ask(words, 'NOOP\n');
        assert.notEqual(exitCode, 0, output);
        assert.match(output, /Cipher is \(NONE\)/);
        await loggedLine(gateway.program, { msg: 'TLS failed', leg: 'client', reason });
        assert.equal(await gateway.metric(failed), before + 1);
      });
    }

    for (const protocol of ['h2', 'http/1.1', 'imap']) {
      test(`ALPN ${protocol} gets no handshake`, async () => {
        const { exitCode, output } = await ask(['-alpn', protocol], 'NOOP\n');
        assert.notEqual(exitCode, 0, output);
        assert.match(output, /Cipher is \(NONE\)/);
        await loggedLine(gateway.program, { msg: 'TLS failed', reason: `the client means to speak ${protocol}` });
      });
    }

    for (const [what, words, version] of accepted) {
      test(`${what} is served, without compression`, async () => {
        const { output } = await ask(words, 'NOOP\r\n');
        assert.match(output, new RegExp(`New, ${version}, Cipher is (?!\\(NONE\\))`));
        assert.match(output, /Compression: NONE/);
        assert.match(output, /Verify return code: 0 \(ok\)/);
        assert.match(output, /^200 /m);
      });
    }

    test('renegotiation is refused', async () => {
      // A line that begins with R is an order to s_client itself, which takes nothing else until it has been obeyed.
      const { output } = await ask(['-tls1_2'], 'NOOP\r\n', 'R\n');
      assert.match(output, /RENEGOTIATING/);
      assert.match(output, /no renegotiation|no_renegotiation/);
    });
  });
}
