// TLS over memory: what both ends see of handshakes, octets, ends and breaks.

import assert from 'node:assert/strict';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { FAILED, WOULD_BLOCK } from '../../../src/sys/stream.ts';
import { TlsStream } from '../../../src/sys/tls-stream.ts';
import { socketTest, turnUntil } from './loopback.ts';
import {
  accepting,
  authority,
  clientContext,
  closeAll,
  connecting,
  good,
  readAll,
  serverContext,
  shake,
  socketPair,
  tlsPair,
} from './tls-pair.ts';

const text = (octets: Uint8Array) => Buffer.from(octets).toString('latin1');
const octetsOf = (words: string) => Buffer.from(words, 'latin1');

socketTest('a handshake tells both ends what was agreed', (poller) => {
  const pair = tlsPair(poller);
  assert.deepEqual(shake(poller, pair), ['up', 'up'], pair.client.failureText + pair.server.failureText);
  assert.deepEqual(pair.client.facts, {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    resumed: false,
    peerSubject: 'CN=ftp.example.org',
  });
  assert.equal(pair.server.facts.peerSubject, undefined);
  closeAll(pair);
});

socketTest('octets pass both ways, and an end is close_notify', (poller) => {
  const pair = tlsPair(poller);
  shake(poller, pair);
  assert.equal(pair.client.send(octetsOf('USER anna\r\n')), 11);
  pair.client.endWriting();
  const heard = readAll(poller, pair.server);
  assert.deepEqual([text(heard.octets), heard.end], ['USER anna\r\n', 'end']);
  assert.equal(pair.server.send(octetsOf('331 password\r\n')), 14);
  pair.server.close();
  const answer = readAll(poller, pair.client);
  assert.deepEqual([text(answer.octets), answer.end], ['331 password\r\n', 'end']);
  closeAll(pair);
});

socketTest('megabytes pass whole, though the peer reads late', (poller) => {
  const pair = tlsPair(poller);
  shake(poller, pair);
  const data = randomBytes(20_000_000);
  let sent = 0;
  let sawBlocked = false;
  const hash = createHash('sha256');
  let received = 0;
  const buffer = new Uint8Array(65_536);
  const feed = (): void => {
    while (sent < data.length) {
      const count = pair.client.send(data.subarray(sent, sent + 65_536));
      if (count === WOULD_BLOCK) {
        sawBlocked = true;
        return;
      }
      assert.ok(count > 0);
      sent += count;
    }
  };
  feed();
  let ended = false;
  turnUntil(poller, () => {
    for (let count = pair.server.receive(buffer); count !== WOULD_BLOCK; count = pair.server.receive(buffer)) {
      assert.notEqual(count, FAILED, pair.server.failureText);
      if (count === 0) {
        ended = true;
        break;
      }
      received += count;
      hash.update(buffer.subarray(0, count));
    }
    if (sent < data.length) {
      feed();
      if (sent === data.length) pair.client.endWriting();
    }
    return ended;
  });
  assert.ok(sawBlocked, 'the sender had to wait');
  assert.equal(received, data.length);
  assert.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'));
  closeAll(pair);
});

socketTest('an end without close_notify is a broken stream, unless that is accepted', (poller) => {
  for (const truncation of ['broken', 'accepted'] as const) {
    const pair = tlsPair(poller, { truncation });
    shake(poller, pair);
    pair.client.send(octetsOf('half a file'));
    pair.clientSocket.endWriting();
    const heard = readAll(poller, pair.server);
    assert.equal(text(heard.octets), 'half a file');
    assert.equal(heard.end, truncation === 'broken' ? 'failed' : 'end');
    assert.equal(pair.server.truncated, truncation === 'accepted');
    if (truncation === 'broken') assert.match(pair.server.failureText, /without close_notify/);
    closeAll(pair);
  }
});

socketTest('a reset stays a reset', (poller) => {
  const pair = tlsPair(poller);
  shake(poller, pair);
  pair.client.reset();
  assert.equal(readAll(poller, pair.server).end, 'failed');
  assert.equal(pair.server.failure, 'ECONNRESET');
  closeAll(pair);
});

socketTest('a data connection goes on from the session of its control connection', (poller) => {
  const control = tlsPair(poller);
  shake(poller, control);
  // With TLS 1.3 the ticket comes behind the handshake.
  control.server.send(octetsOf('230 in\r\n'));
  const buffer = new Uint8Array(100);
  turnUntil(poller, () => control.client.receive(buffer) > 0);
  for (const end of ['in order', 'reset by the client', 'reset by the server', 'in order'] as const) {
    const data = tlsPair(poller, { resumption: 'required', ticketsOver: control.server }, { resumes: control.client });
    assert.deepEqual(shake(poller, data), ['up', 'up'], data.server.failureText);
    assert.ok(data.client.facts.resumed && data.server.facts.resumed);
    if (end === 'reset by the client') data.client.reset();
    if (end === 'reset by the server') data.server.reset();
    closeAll(data);
  }
  closeAll(control);
});

socketTest('a data connection must go on from its own control connection where that is demanded', (poller) => {
  const own = Buffer.from('session 1');
  const control = tlsPair(poller, { sessionContext: own });
  const other = tlsPair(poller, { sessionContext: Buffer.from('session 2') });
  const buffer = new Uint8Array(100);
  for (const pair of [control, other]) {
    shake(poller, pair);
    pair.server.send(octetsOf('230 in\r\n'));
    turnUntil(poller, () => pair.client.receive(buffer) > 0);
  }
  const demanding = { sessionContext: own, resumption: 'required' } as const;
  const thief = tlsPair(poller, demanding, { resumes: other.client });
  assert.equal(shake(poller, thief)[1], 'failed');
  assert.match(thief.server.failureText, /does not resume its control connection/);
  const stranger = tlsPair(poller, demanding);
  assert.equal(shake(poller, stranger)[1], 'failed');
  const rightful = tlsPair(poller, demanding, { resumes: control.client });
  assert.deepEqual(shake(poller, rightful), ['up', 'up'], rightful.server.failureText);
  for (const pair of [thief, stranger, rightful, control, other]) closeAll(pair);
});

socketTest('a certificate is chosen by the name that the client asks for', (poller) => {
  const byName = new Map(['one.example', 'two.example'].map((name) => [name, serverContext(authority.issue(name))]));
  for (const [name, context] of byName) {
    const pair = tlsPair(poller, { contextFor: (asked) => byName.get(asked ?? '') ?? context }, { name });
    assert.deepEqual(shake(poller, pair), ['up', 'up'], pair.client.failureText);
    assert.equal(pair.client.facts.peerSubject, `CN=${name}`);
    closeAll(pair);
  }
});

socketTest('a server is known by its CA and name, or by its fingerprint; else the reason says why not', (poller) => {
  const expired = authority.issue('ftp.example.org', { days: -1 });
  const selfSigned = authority.selfSigned('ftp.example.org', ['-addext', 'subjectAltName=DNS:ftp.example.org']);
  const inAddress = authority.issue('by address', { names: ['IP:10.0.0.5'] });
  const pin = new X509Certificate(selfSigned.certificate).fingerprint256.replaceAll(':', '').toLowerCase();
  const trusting = clientContext(undefined);
  const cases = [
    [good, {}, undefined],
    [good, { name: 'other.example.org' }, /hostname mismatch/],
    [expired, {}, /certificate has expired/],
    [selfSigned, {}, /self-signed certificate/],
    [selfSigned, { context: trusting, fingerprint: pin }, undefined],
    [good, { context: trusting, fingerprint: pin }, /fingerprint .* not the one in the settings/],
    [inAddress, { name: '10.0.0.5' }, undefined],
    [inAddress, { name: '10.0.0.6' }, /IP address mismatch/],
  ] as const;
  for (const [pair, options, reason] of cases) {
    const context = serverContext(pair);
    const tls = tlsPair(poller, { contextFor: () => context }, options);
    const [client] = shake(poller, tls);
    if (reason === undefined) assert.equal(client, 'up', tls.client.failureText);
    else assert.match(tls.client.failureText, reason);
    closeAll(tls);
  }
});

socketTest('clients show a certificate where that is required', (poller) => {
  const context = serverContext(good, { clientCa: authority.pair.certificate, clientCertificate: 'required' });
  const tls = tlsPair(poller, { contextFor: () => context });
  assert.equal(shake(poller, tls)[1], 'failed');
  assert.equal(tls.server.failureText, 'the client shows no certificate, which is required');
  closeAll(tls);
});

socketTest('what is no TLS is told as such, and answered', (poller) => {
  for (const [words, reason] of [
    ['USER anna\r\n', /speaks no TLS/],
    ['GET / HTTP/1.1\r\n\r\n', /speaks no TLS/],
  ] as const) {
    const [clientSocket, serverSocket, , there] = socketPair(poller);
    const server = new TlsStream(serverSocket, accepting);
    there.stream = server;
    clientSocket.send(octetsOf(words));
    turnUntil(poller, () => server.handshake() === 'failed');
    assert.match(server.failureText, reason);
    server.close();
    clientSocket.close();
  }
  const [clientSocket, serverSocket, here] = socketPair(poller);
  const client = new TlsStream(clientSocket, connecting);
  here.stream = client;
  serverSocket.send(octetsOf('220 ready\r\n'));
  turnUntil(poller, () => client.handshake() === 'failed');
  assert.equal(client.failureText, 'the peer speaks no TLS');
  client.close();
  serverSocket.close();
});

socketTest('both ends take leave of TLS, and go on in the clear', (poller) => {
  const pair = tlsPair(poller);
  shake(poller, pair);
  pair.server.send(octetsOf('200 clear\r\n'));
  const buffer = new Uint8Array(100);
  turnUntil(poller, () => pair.client.receive(buffer) > 0);
  turnUntil(poller, () => {
    const [here, there] = [pair.client.leave(), pair.server.leave()];
    assert.ok(here !== 'failed' && there !== 'failed', pair.client.failureText + pair.server.failureText);
    return here === 'gone' && there === 'gone';
  });
  pair.clientSocket.send(octetsOf('NOOP\r\n'));
  turnUntil(poller, () => pair.serverSocket.receive(buffer) > 0);
  assert.equal(text(buffer.subarray(0, 6)), 'NOOP\r\n');
  pair.clientSocket.close();
  pair.serverSocket.close();
});
