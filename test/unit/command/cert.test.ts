// `portcullis cert` as it is typed: what it makes, whether OpenSSL and the settings take it, and what it refuses.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import { printProblem } from '../../../src/yaml/problem.ts';

const repository = join(import.meta.dirname, '../../..');

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-cert-'));
});
after(() => rmSync(folder, { recursive: true }));

describe('portcullis cert', () => {
  it('makes a pair that OpenSSL verifies, for all names, and says what to write into the settings', () => {
    const out = join(folder, 'new folder', 'pair');
    const names = ['FTP.example.org', '*.example.org', '192.0.2.1', '2001:db8::1'];
    const { status, stdout, stderr } = portcullis('cert', '--out', out, ...names);
    assert.deepEqual([status, stderr], [0, '']);
    const [certificate, key] = [join(out, 'cert.pem'), join(out, 'key.pem')];
    assert.equal(statSync(key).mode & 0o777, 0o600);

    for (const given of [
      '-verify_hostname ftp.example.org',
      '-verify_hostname a.example.org',
      '-verify_ip 192.0.2.1',
    ]) {
      const words = ['verify', '-x509_strict', '-purpose', 'sslserver', ...given.split(' ')];
      assert.match(openssl(...words, '-CAfile', certificate, certificate), /: OK$/m);
    }
    const text = openssl('x509', '-in', certificate, '-noout', '-text');
    assert.match(text, /Subject: CN ?= ?ftp\.example\.org\n/);
    assert.match(text, /NIST CURVE: P-256/);
    assert.match(text, /IP Address:2001:DB8:0:0:0:0:0:1/);
    assert.equal(openssl('x509', '-in', certificate, '-noout', '-pubkey'), openssl('pkey', '-in', key, '-pubout'));
    const printed = openssl('x509', '-in', certificate, '-noout', '-fingerprint', '-sha256').trim().split('=')[1]!;
    assert.ok(stdout.includes(printed), stdout);

    const section = stdout.slice(stdout.indexOf('    tls:'), stdout.indexOf('\n\nIt is for trying'));
    const settings = join(folder, 'settings.yaml');
    const listener = '  - name: front\n    mode: reverse\n    listen: 0.0.0.0:21\n    upstream: 10.0.0.5:21\n';
    writeFileSync(settings, `listeners:\n${listener}${section}\n`);
    const loaded = loadSettings(settings);
    assert.deepEqual(loaded.ok ? [] : loaded.reason.map(printProblem), []);
    assert.ok(loaded.ok);
    const { client } = loaded.value.listeners[0]!.tls;
    assert.ok(client.mode === 'required');
    const [pair] = client.certificates;
    assert.deepEqual(pair.names, ['ftp.example.org', '*.example.org', '192.0.2.1', '2001:db8::1']);
    assert.ok(Math.abs(pair.notAfterMs - Date.now() - 90 * 86_400_000) < 60_000);
    assert.deepEqual(loaded.value.warnings, []);
  });

  it('takes a name that is too long for a subject', () => {
    const out = join(folder, 'long');
    const name = `${'a'.repeat(63)}.example.org`;
    assert.equal(portcullis('cert', name, '--out', out).status, 0);
    assert.match(openssl('x509', '-in', join(out, 'cert.pem'), '-noout', '-text'), new RegExp(`DNS:${name}`));
  });

  it('overwrites nothing, and leaves no half of a pair', () => {
    for (const name of ['cert.pem', 'key.pem']) {
      const out = join(folder, `has-${name}`);
      mkdirSync(out);
      writeFileSync(join(out, name), 'mine');
      const { status, stderr } = portcullis('cert', '--out', out, 'ftp.example.org');
      assert.equal(status, 1);
      assert.equal(stderr, `portcullis: ${join(out, name)} is there already; move it away, or choose another --out\n`);
      assert.deepEqual(readdirSync(out), [name]);
      assert.equal(readFileSync(join(out, name), 'utf8'), 'mine');
    }
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const { status, stderr } = portcullis('cert', '--out', file, 'ftp.example.org');
    assert.deepEqual([status, stderr], [1, `portcullis: ${file} cannot be written (EEXIST); choose another --out\n`]);
  });

  it('refuses what is no name, and words that it does not know', () => {
    const refused: [string, RegExp][] = [
      ['ftp.example.org:21', /^portcullis: "ftp\.example\.org:21": expected a host name without a port/],
      ['*.org', /^portcullis: "\*\.org": expected two labels at least behind \*\.$/m],
      ['a.*.example.org', /: expected names one by one, without a pattern$/m],
      ['a,DNS:b', /: expected a host name or an address/],
      ['0.0.0.0', /: expected the address of a host; nobody has this one$/m],
    ];
    for (const [name, message] of refused) {
      const { status, stderr } = portcullis('cert', '--out', join(folder, 'refused'), 'ftp.example.org', name);
      assert.equal(status, 1, name);
      assert.match(stderr, message);
    }
    for (const words of [
      [],
      ['--out'],
      ['--out', folder],
      ['a.example'],
      ['--out', folder, '--days', '3', 'a.example'],
    ]) {
      const { status, stderr } = portcullis('cert', ...words);
      assert.equal(status, 2, words.join(' '));
      assert.match(stderr, /portcullis cert --out DIR NAME/);
    }
  });
});

function portcullis(...words: readonly string[]) {
  return spawnSync(process.execPath, ['--import', 'tsx', 'src/main.ts', ...words], {
    cwd: repository,
    encoding: 'utf8',
  });
}

function openssl(...words: readonly string[]): string {
  return execFileSync('openssl', words, { encoding: 'utf8' });
}
