// From settings to streams: which certificate is shown, what resumes what, and whom the gateway believes.

import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type {
  CertificatePair,
  ListenerTls,
  ProtectedServerTls,
  TerminatedClientTls,
} from '../../../src/settings/tls-settings.ts';
import type { Poller } from '../../../src/sys/poller.ts';
import { type TlsContext, ticketKeyOctets } from '../../../src/sys/tls-context.ts';
import { TlsStream } from '../../../src/sys/tls-stream.ts';
import { listenerSecurity } from '../../../src/tls/listener-tls.ts';
import type { SessionSecurity } from '../../../src/tls/session-security.ts';
import type { Pair } from '../../support/certificates.ts';
import { socketTest, turnUntil } from '../sys/loopback.ts';
import {
  accepting,
  authority,
  clientContext,
  closeAll,
  connecting,
  good,
  serverContext,
  shake,
  socketPair,
  type TlsPair,
} from '../sys/tls-pair.ts';

const ticketKeys = randomBytes(ticketKeyOctets);
const wild = authority.issue('wild', { names: ['DNS:*.example.net'] });
const serverAddress = { family: 4, text: '192.0.2.10' } as const;

function pairOf({ certificate, key }: Pair): CertificatePair {
  const { subjectAltName, subject } = new X509Certificate(certificate);
  const names = (subjectAltName ?? '').split(', ').map((name) => name.slice(name.indexOf(':') + 1));
  return { certificate, key, subject, names, notAfterMs: 0, fingerprint: '' };
}

const client: TerminatedClientTls = {
  mode: 'required',
  certificates: [pairOf(good), pairOf(wild)],
  requireReuse: false,
  clientCa: undefined,
  clientCertificate: 'required',
  acceptTruncation: false,
  clearCommandChannel: false,
};
const server: ProtectedServerTls = {
  mode: 'required',
  ca: authority.pair.certificate,
  name: 'ftp.example.org',
  fingerprint: undefined,
  acceptTruncation: false,
};
const off = { mode: 'off' } as const;

function session(tls: Partial<ListenerTls>, keys = ticketKeys): SessionSecurity {
  const made = listenerSecurity({ client: off, server: off, ...tls }, keys);
  assert.ok(made.ok && made.value !== undefined, JSON.stringify(made));
  return made.value.forSession(serverAddress);
}

type Kind = 'secureControl' | 'secureData';

/** A client before the gateway. */
function asClient(poller: Poller, at: SessionSecurity, kind: Kind, as: Partial<typeof connecting> = {}): TlsPair {
  const [clientSocket, serverSocket, here, there] = socketPair(poller);
  const pair = {
    client: new TlsStream(clientSocket, { ...connecting, ...as }),
    server: at[kind]('client', serverSocket) as TlsStream,
    clientSocket,
    serverSocket,
  };
  here.stream = pair.client;
  there.stream = pair.server;
  return pair;
}

/** The gateway before a server. */
function asServer(poller: Poller, at: SessionSecurity, kind: Kind, as: Partial<typeof accepting> = {}): TlsPair {
  const [clientSocket, serverSocket, here, there] = socketPair(poller);
  const pair = {
    client: at[kind]('server', clientSocket) as TlsStream,
    server: new TlsStream(serverSocket, { ...accepting, ...as }),
    clientSocket,
    serverSocket,
  };
  here.stream = pair.client;
  there.stream = pair.server;
  return pair;
}

/** A handshake and some octets, with which the tickets of TLS 1.3 come. */
function up(poller: Poller, pair: TlsPair): TlsPair {
  assert.deepEqual(shake(poller, pair), ['up', 'up'], pair.client.failureText + pair.server.failureText);
  pair.server.send(Buffer.from('230 in\r\n'));
  const buffer = new Uint8Array(100);
  turnUntil(poller, () => pair.client.receive(buffer) > 0);
  return pair;
}

test('a listener without TLS on either leg has none, and files that cannot be used are told with their subject', () => {
  assert.deepEqual(listenerSecurity({ client: off, server: off }, ticketKeys), { ok: true, value: undefined });
  const foreign = { ...pairOf(good), key: wild.key, subject: 'CN=foreign' };
  const made = listenerSecurity({ client: { ...client, certificates: [foreign] }, server: off }, ticketKeys);
  assert.ok(!made.ok);
  assert.match(made.reason, /^CN=foreign: the key does not belong to the certificate/);
});

socketTest('the certificate is the one for the name that the client asks for, else the first', (poller) => {
  const shown = [
    ['FTP.example.org', 'CN=ftp.example.org'],
    ['a.example.net', 'CN=wild'],
    ['other.example.com', 'CN=ftp.example.org'],
    [undefined, 'CN=ftp.example.org'],
  ] as const;
  for (const [name, subject] of shown) {
    const pair = asClient(poller, session({ client }), 'secureControl', { name, context: clientContext(undefined) });
    up(poller, pair);
    assert.equal(pair.client.facts.peerSubject, subject);
    closeAll(pair);
  }
});

socketTest('sessions resume in another engine, and behind a reload, and not with other ticket keys', (poller) => {
  const control = up(poller, asClient(poller, session({ client }), 'secureControl'));
  for (const [keys, resumed] of [
    [ticketKeys, true],
    [randomBytes(ticketKeyOctets), false],
  ] as const) {
    const again = asClient(poller, session({ client }, keys), 'secureControl', { resumes: control.client });
    up(poller, again);
    assert.equal(again.server.facts.resumed, resumed);
    closeAll(again);
  }
  closeAll(control);
});

socketTest('with requireReuse a data connection resumes its own control connection, or is refused', (poller) => {
  const strict = { client: { ...client, requireReuse: true } };
  const [own, other] = [session(strict), session(strict)];
  const control = up(poller, asClient(poller, own, 'secureControl'));
  const foreign = up(poller, asClient(poller, other, 'secureControl'));
  for (const resumes of [undefined, foreign.client]) {
    const thief = asClient(poller, own, 'secureData', { resumes });
    assert.equal(shake(poller, thief)[1], 'failed');
    assert.match(thief.server.failureText, /does not resume its control connection/);
    closeAll(thief);
  }
  for (let index = 0; index < 2; index += 1) {
    const data = asClient(poller, own, 'secureData', { resumes: control.client });
    up(poller, data);
    closeAll(data);
  }
  closeAll(control);
  closeAll(foreign);
});

socketTest('without requireReuse a data connection may stand alone', (poller) => {
  const own = session({ client });
  const data = up(poller, asClient(poller, own, 'secureData'));
  assert.equal(data.server.facts.resumed, false);
  closeAll(data);
});

socketTest('a session from a listener that asks for no certificate does not resume where one is required', (poller) => {
  const open = up(poller, asClient(poller, session({ client }), 'secureControl'));
  for (const clientCertificate of ['required', 'optional'] as const) {
    const asked = { ...client, clientCa: authority.pair.certificate, clientCertificate };
    const pair = asClient(poller, session({ client: asked }), 'secureControl', { resumes: open.client });
    const [, outcome] = shake(poller, pair);
    if (clientCertificate === 'required') assert.equal(outcome, 'failed', 'let in without a certificate');
    else assert.equal(pair.server.facts.resumed, false, 'taken for one that had been asked');
    closeAll(pair);
  }
  closeAll(open);
});

socketTest('towards a server the data connection resumes the control connection', (poller) => {
  const own = session({ server });
  const context = serverContext(good, { ticketKeys });
  const strict = { contextFor: (): TlsContext => context };
  const control = up(poller, asServer(poller, own, 'secureControl', strict));
  const data = up(poller, asServer(poller, own, 'secureData', { ...strict, resumption: 'required' }));
  assert.ok(data.client.facts.resumed);
  closeAll(data);
  closeAll(control);
});

const byAddress = authority.issue('by-address', { names: ['IP:192.0.2.10'] });
const fingerprintOf = ({ certificate }: Pair): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();

const judged: readonly (readonly [
  title: string,
  tls: Partial<ProtectedServerTls>,
  shown: Pair,
  outcome: 'up' | RegExp,
])[] = [
  ['by name', {}, good, 'up'],
  ['by name, and it has another', { name: 'other.example.org' }, good, /./],
  ['without a name, by the address', { name: undefined }, byAddress, 'up'],
  ['without a name, and it has no address', { name: undefined }, good, /./],
  ['by another CA', { ca: authority.selfSigned('another').certificate }, good, /./],
  ['expired', {}, authority.issue('ftp.example.org', { days: -2 }), /./],
  ['by its fingerprint alone', { ca: undefined, fingerprint: fingerprintOf(wild) }, wild, 'up'],
  ['by another fingerprint', { ca: undefined, fingerprint: fingerprintOf(good) }, wild, /has the fingerprint/],
  ['by nobody, with a name that is only sent', { ca: undefined }, wild, 'up'],
];

for (const [title, tls, shown, outcome] of judged) {
  socketTest(`a server's certificate is judged: ${title}`, (poller) => {
    const context = serverContext(shown);
    const pair = asServer(poller, session({ server: { ...server, ...tls } }), 'secureControl', {
      contextFor: () => context,
    });
    const [gateway] = shake(poller, pair);
    assert.equal(gateway, outcome === 'up' ? 'up' : 'failed', pair.client.failureText);
    if (outcome !== 'up') assert.match(pair.client.failureText, outcome);
    closeAll(pair);
  });
}
