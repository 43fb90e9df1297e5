// The files that settings name for TLS: what becomes of good ones, and what each bad one is told at its place.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import { renewTls, tlsFilesOf } from '../../../src/settings/renew-tls.ts';
import type { Settings } from '../../../src/settings/settings.ts';
import {
  type CertificatePair,
  type ClientTls,
  isTerminated,
  type ServerTls,
} from '../../../src/settings/tls-settings.ts';
import { printProblem } from '../../../src/yaml/problem.ts';
import { CertificateAuthority, type Pair } from '../../support/certificates.ts';

const day = 86_400_000;
const authority = new CertificateAuthority();
const good = authority.issue('ftp.example.org', {
  names: ['DNS:FTP.example.org', 'DNS:*.files.example.org', 'IP:192.0.2.10', 'IP:2001:db8::10'],
});
const other = authority.issue('other.example.org');

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'));
  put('cert.pem', good.certificate);
  put('key.pem', good.key);
  put('ca.pem', authority.pair.certificate);
});
after(() => {
  authority.remove();
  rmSync(folder, { recursive: true });
});

// `tls` begins in line 7, behind four blanks.
function settingsWith(tls: string): string {
  return `listeners:
  - name: front
    mode: reverse
    listen: 0.0.0.0:21
    upstream: 10.0.0.5:21
    tls:
${tls}
`;
}

const usual = `      client:
        mode: required
        certificate: cert.pem
        key: key.pem`;

describe('certificates and keys', () => {
  it('are read from beside the settings, with what is to be known of them', () => {
    const [pair, ...others] = pairsOf(mustLoad(usual));
    assert.equal(others.length, 0);
    assert.deepEqual(
      { ...pair, notAfterMs: undefined, fingerprint: undefined },
      {
        certificate: good.certificate,
        key: good.key,
        subject: 'CN=ftp.example.org',
        names: ['ftp.example.org', '*.files.example.org', '192.0.2.10', '2001:db8::10'],
        notAfterMs: undefined,
        fingerprint: undefined,
      },
    );
    assert.ok(Math.abs(pair!.notAfterMs - Date.now() - 30 * day) < day);
    const printed = openssl('x509', '-in', good.certificateFile, '-noout', '-fingerprint', '-sha256');
    assert.equal(pair!.fingerprint, printed.trim().split('=')[1]!.replaceAll(':', '').toLowerCase());
  });

  it('are settled by the defaults of their leg', () => {
    const { client, server } = tlsOf(mustLoad(`${usual}\n      server: { mode: implicit, ca: ca.pem }`));
    assert.deepEqual(
      { ...client, certificates: [] },
      {
        mode: 'required',
        certificates: [],
        requireReuse: false,
        clientCa: undefined,
        clientCertificate: 'required',
        acceptTruncation: false,
        clearCommandChannel: false,
      },
    );
    const ca = authority.pair.certificate.trim();
    const plain = { name: undefined, fingerprint: undefined, acceptTruncation: false };
    assert.deepEqual(server, { mode: 'implicit', ca, ...plain });
  });

  it('may be several, and may all stand in one file', () => {
    put('both.pem', `${other.key}\nany text\n${other.certificate}${authority.pair.certificate}`);
    const pairs = pairsOf(
      mustLoad(`      client:
        mode: optional
        certificates:
          - { certificate: cert.pem, key: ${join(folder, 'key.pem')} }
          - { certificate: both.pem, key: both.pem }`),
    );
    assert.deepEqual(
      pairs.map(({ names }) => names[0]),
      ['ftp.example.org', 'other.example.org'],
    );
    assert.equal(pairs[1]!.certificate.match(/BEGIN/g)?.length, 2);
    assert.ok(!pairs[1]!.certificate.includes('PRIVATE'));
    assert.equal(pairs[1]!.key, other.key);
  });

  it('are named by the subject where they have no other names', () => {
    const plain = authority.selfSigned('FTP.example.net');
    assert.deepEqual(pairsOf(mustLoad(usual, plain))[0]?.names, ['ftp.example.net']);
  });

  it('never show a key that is printed or logged, and cross to a thread whole', () => {
    const settings = mustLoad(usual, good);
    const secret = good.key.split('\n')[1]!;
    for (const text of [JSON.stringify(settings), inspect(settings, { depth: 20 })]) {
      assert.ok(text.includes('CN=ftp.example.org'));
      assert.ok(text.includes('(hidden)') && !text.includes(secret), text);
    }
    assert.deepEqual(structuredClone(settings), settings);
    assert.equal(pairsOf(structuredClone(settings))[0]?.key, good.key);
  });
});

describe('the server’s certificate', () => {
  it('is judged by the system’s authorities, by a pinned fingerprint, or by nobody', () => {
    const pin = 'aB:'.repeat(32).slice(0, -1);
    const cases: [string, Partial<ServerTls & { ca: unknown }>][] = [
      [`{ mode: required, fingerprint: "${pin}", name: FTP.example.org }`, { name: 'ftp.example.org' }],
      ['{ mode: required, verify: false }', { name: undefined }],
    ];
    for (const [text, expected] of cases) {
      const { server } = tlsOf(mustLoad(`      server: ${text}`));
      assert.ok(server.mode !== 'off');
      assert.equal(server.ca, undefined);
      assert.equal(server.fingerprint, text.includes('fingerprint') ? 'ab'.repeat(32) : undefined);
      assert.deepEqual({ name: server.name }, expected);
    }
    const { server } = tlsOf(mustLoad('      server: { mode: required }'));
    assert.ok(server.mode !== 'off' && /BEGIN CERTIFICATE/.test(server.ca ?? ''), 'the system’s');
  });

  it('that nobody judges is warned of, and the settings hold', () => {
    const settings = mustLoad('      server: { mode: required, verify: false }');
    assert.deepEqual(settings.warnings.map(printProblem), [
      `${folder}/settings.yaml:7:41: listeners[0].tls.server.verify: false lets whoever sits between the gateway and ` +
        'the server read and change everything; name a ca or a fingerprint',
    ]);
  });
});

interface BadFile {
  readonly title: string;
  readonly certificate?: () => string | Uint8Array;
  readonly key?: () => string | Uint8Array;
  /** How long after now the file is judged. */
  readonly laterMs?: number;
  /** Each behind `listeners[0].tls.client.`. */
  readonly problems: readonly string[];
}

const inCertificate = '9:22: certificate: the file cert.pem';
const inKey = '10:14: key: the file key.pem';

const badFiles: readonly BadFile[] = [
  {
    title: 'a certificate that has expired',
    laterMs: 40 * day,
    problems: [`${inCertificate} holds the certificate of CN=ftp.example.org, which has expired on DATE; renew it`],
  },
  {
    title: 'a certificate that is not valid yet',
    laterMs: -40 * day,
    problems: [
      `${inCertificate} holds the certificate of CN=ftp.example.org, which is valid from DATE on; check the clock`,
    ],
  },
  {
    title: 'the key of another certificate',
    key: () => other.key,
    problems: [`${inKey} holds a key that does not belong to the certificate; expected the one that it was issued for`],
  },
  {
    title: 'a chain whose own certificate does not come first',
    certificate: () => `${authority.pair.certificate}${good.certificate}`,
    problems: [`${inKey} holds the key of certificate number 2 in the other file; put that certificate first`],
  },
  {
    title: 'keys that need a passphrase, in the form of today and in the old one',
    key: () => openssl('pkey', '-in', good.keyFile, '-aes128', '-passout', 'pass:x'),
    problems: [`${inKey} holds an encrypted key; expected one without a passphrase (openssl pkey removes it)`],
  },
  {
    title: 'an old encrypted key',
    key: () => openssl('ec', '-in', good.keyFile, '-aes128', '-passout', 'pass:x'),
    problems: [`${inKey} holds an encrypted key; expected one without a passphrase (openssl pkey removes it)`],
  },
  {
    title: 'the two exchanged',
    certificate: () => good.key,
    key: () => good.certificate,
    problems: [
      `${inCertificate} holds a key and no certificate (-----BEGIN CERTIFICATE-----)`,
      `${inKey} holds a certificate and no private key (-----BEGIN PRIVATE KEY-----)`,
    ],
  },
  {
    title: 'DER',
    certificate: () => execFileSync('openssl', ['x509', '-in', good.certificateFile, '-outform', 'DER']),
    problems: [`${inCertificate} is DER or PKCS#12; convert it to PEM (openssl x509, pkey or pkcs12)`],
  },
  {
    title: 'other text, and nothing',
    certificate: () => 'cert: yes\n',
    key: () => '',
    problems: [
      `${inCertificate} holds nothing in PEM (-----BEGIN … to -----END …); check that this is the right file`,
      `${inKey} holds nothing in PEM (-----BEGIN … to -----END …); check that this is the right file`,
    ],
  },
  {
    title: 'half of a file',
    certificate: () => good.certificate.slice(0, 300),
    problems: [`${inCertificate} holds nothing in PEM (-----BEGIN … to -----END …); check that this is the right file`],
  },
  {
    title: 'damaged texts',
    certificate: () => good.certificate.replace(/\n.{30}/, '\n'),
    key: () => good.key.replace(/\n.{30}/, '\n'),
    problems: [
      `${inCertificate} holds a certificate that cannot be read; copy it anew from where it was issued`,
      `${inKey} holds a key that cannot be read; copy it anew from where it was made`,
    ],
  },
  {
    title: 'a damaged certificate behind a good one',
    certificate: () => `${good.certificate}${other.certificate.replace(/\n.{30}/, '\n')}`,
    problems: [
      `${inCertificate} holds a certificate (number 2) that cannot be read; copy it anew from where it was issued`,
    ],
  },
];

describe('a bad certificate or key', () => {
  for (const { title, certificate, key, laterMs, problems } of badFiles) {
    it(`${title}: told at its place`, () => {
      put('cert.pem', certificate?.() ?? good.certificate);
      put('key.pem', key?.() ?? good.key);
      const loaded = load(usual, Date.now() + (laterMs ?? 0));
      assert.ok(!loaded.ok);
      const told = loaded.reason
        .map(printProblem)
        .map((text) => text.replace(`${folder}/settings.yaml:`, '').replace(`${folder}/`, ''))
        .map((text) => text.replace('listeners[0].tls.client.', '').replace(/\d{4}-\d\d-\d\d/, 'DATE'));
      assert.deepEqual(told, problems);
    });
  }

  it('of several is told at its own', () => {
    put('cert.pem', good.certificate);
    put('key.pem', good.key);
    put('other-key.pem', good.key);
    put('other-cert.pem', other.certificate);
    const problems = problemsOf(`      client:
        mode: implicit
        certificates:
          - { certificate: cert.pem, key: key.pem }
          - { certificate: other-cert.pem, key: other-key.pem }
        clientCa: key.pem
      server:
        mode: required
        ca: not-there.pem`);
    assert.deepEqual(problems, [
      '11:49: listeners[0].tls.client.certificates[1].key: the file other-key.pem holds a key that does not belong ' +
        'to the certificate; expected the one that it was issued for',
      '12:19: listeners[0].tls.client.clientCa: the file key.pem holds a key and no certificate ' +
        '(-----BEGIN CERTIFICATE-----)',
      '15:13: listeners[0].tls.server.ca: the file not-there.pem does not exist; check the path',
    ]);
  });

  it('is told together with what is wrong with the keys of the file', () => {
    put('cert.pem', good.certificate);
    put('key.pem', other.key);
    const problems = problemsOf(`${usual}\n        requireReuse: perhaps`);
    assert.deepEqual(
      problems.map((text) => text.slice(0, 45)),
      ['10:14: listeners[0].tls.client.key: the file ', '11:23: listeners[0].tls.client.requireReuse: '],
    );
  });
});

describe('a certificate that ends within fourteen days', () => {
  it('is a warning', () => {
    const soon = authority.issue('soon.example.org', { days: 13 });
    const { warnings } = mustLoad(usual, soon);
    assert.equal(warnings.length, 1);
    assert.match(
      printProblem(warnings[0]!),
      /settings\.yaml:9:22: .*client\.certificate: the certificate of CN=soon\.example\.org in .* expires on \d{4}-/,
    );
    assert.deepEqual(mustLoad(usual, authority.issue('late.example.org', { days: 16 })).warnings, []);
  });
});

describe('files that are read again', () => {
  it('are those that the settings name, each once', () => {
    const settings = mustLoad(`${usual}\n        clientCa: ca.pem\n      server: { mode: required, ca: ca.pem }`, good);
    assert.deepEqual(
      tlsFilesOf(settings),
      ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name)),
    );
    assert.deepEqual(tlsFilesOf(mustLoad('      server: { mode: required }')), []);
  });

  it('give new certificates, whatever the settings file has become', () => {
    const settings = mustLoad(`${usual}\n        clientCa: ca.pem\n        requireReuse: true`, good);
    appendFileSync(join(folder, 'settings.yaml'), 'half a line');
    put('cert.pem', other.certificate);
    put('key.pem', other.key);
    put('ca.pem', other.certificate);
    const renewed = renewTls(settings);
    assert.deepEqual(renewed.problems, []);
    assert.ok(renewed.settings !== undefined);
    const { client } = tlsOf(renewed.settings);
    assert.ok(client.mode === 'required' && client.requireReuse);
    assert.equal(client.certificates[0].subject, 'CN=other.example.org');
    assert.equal(client.clientCa, other.certificate.trim());
    assert.deepEqual({ ...renewed.settings, listeners: [] }, { ...settings, listeners: [] });
    assert.ok(!JSON.stringify(renewed.settings).includes('PRIVATE KEY'));
  });

  it('and hold what they held change nothing', () => {
    const settings = mustLoad(usual, good);
    put('key.pem', good.key);
    assert.equal(renewTls(settings).settings, undefined);
  });

  it('never replace what is good by what is not, say where it is named, and renew the rest', () => {
    put('other-cert.pem', other.certificate);
    put('other-key.pem', other.key);
    const two = `      client:
        mode: optional
        certificates:
          - { certificate: cert.pem, key: key.pem }
          - { certificate: other-cert.pem, key: other-key.pem }
        clientCa: ca.pem`;
    put('ca.pem', authority.pair.certificate);
    const settings = mustLoad(two, good);
    put('key.pem', other.key);
    put('ca.pem', 'half');
    assert.equal(renewTls(settings).settings, undefined, 'nothing good has come');
    const next = authority.issue('next.example.org');
    put('other-cert.pem', next.certificate);
    put('other-key.pem', next.key);
    const renewed = renewTls(settings);
    assert.deepEqual(
      renewed.problems.map((each) => printProblem(each).replace(`${folder}/settings.yaml:`, '').slice(0, 60)),
      [
        '10:43: listeners[0].tls.client.certificates[0].key: the file',
        '12:19: listeners[0].tls.client.clientCa: the file /tmp/porta',
      ].map((text) => text.replace('/tmp/porta', `${folder}`.slice(0, 10))),
    );
    assert.ok(renewed.settings !== undefined);
    const { client } = tlsOf(renewed.settings);
    assert.ok(client.mode === 'optional');
    assert.deepEqual(
      client.certificates.map(({ subject }) => subject),
      ['CN=ftp.example.org', 'CN=next.example.org'],
    );
    assert.equal(client.certificates[0].key, good.key);
    assert.equal(client.clientCa, authority.pair.certificate.trim());
  });
});

function put(name: string, content: string | Uint8Array): void {
  writeFileSync(join(folder, name), content);
}

function load(tls: string, nowMs?: number) {
  put('settings.yaml', settingsWith(tls));
  return loadSettings(join(folder, 'settings.yaml'), {}, nowMs);
}

function problemsOf(tls: string): string[] {
  const loaded = load(tls);
  return loaded.ok
    ? []
    : loaded.reason.map((each) => printProblem(each).replace(`${folder}/settings.yaml:`, '').replace(`${folder}/`, ''));
}

function mustLoad(tls: string, pair?: Pair): Settings {
  if (pair !== undefined) {
    cpSync(pair.certificateFile, join(folder, 'cert.pem'));
    cpSync(pair.keyFile, join(folder, 'key.pem'));
  }
  const loaded = load(tls);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.reason.map(printProblem).join('\n'));
  return loaded.value;
}

function tlsOf({ listeners }: Settings): { client: ClientTls; server: ServerTls } {
  return listeners[0]!.tls;
}

function pairsOf(settings: Settings): readonly CertificatePair[] {
  const { client } = tlsOf(settings);
  return isTerminated(client) ? client.certificates : [];
}

function openssl(...argv: readonly string[]): string {
  return execFileSync('openssl', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
