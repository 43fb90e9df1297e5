// How a connection fails (src/sys/tcp-socket.ts): refused, unreachable, reset; and that a broken one never looks ended.

import assert from 'node:assert/strict';
import { SysError } from '../../../src/sys/errno.ts';
import { Poller, Ready } from '../../../src/sys/poller.ts';
import { FAILED } from '../../../src/sys/stream.ts';
import { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import {
  ascii,
  closeBoth,
  connect,
  dial,
  foreign4,
  listen,
  loopback4,
  Recorder,
  socketTest,
  turnUntil,
  wildcard6,
} from './loopback.ts';

const buffer = new Uint8Array(64);

socketTest('a refused connection comes as an event and says ECONNREFUSED', (poller) => {
  const listener = listen(poller);
  const port = listener.localPort();
  listener.close();
  const events = new Recorder();
  const client = dial(poller, { octets: loopback4, port }, events);
  turnUntil(poller, () => events.masks.length > 0);
  assert.equal(events.saw(Ready.error), true);
  assert.equal(client.connected(), false);
  assert.equal(client.failure, 'ECONNREFUSED');
  // The kernel has told its error now; it must not be forgotten.
  assert.equal(client.receive(buffer), FAILED);
  client.close();
});

socketTest('a local address that is not ours fails at once', (poller) => {
  const dialled = TcpSocket.dial(poller, { octets: loopback4, port: 9 }, new Recorder(), {
    from: { octets: foreign4, port: 0 },
  });
  assert.deepEqual(dialled, { ok: false, reason: 'EADDRNOTAVAIL' });
});

socketTest('a local address of the other family fails at once', (poller) => {
  const dialled = TcpSocket.dial(poller, { octets: loopback4, port: 9 }, new Recorder(), {
    from: { octets: wildcard6, port: 0 },
  });
  assert.deepEqual(dialled, { ok: false, reason: 'EAFNOSUPPORT' });
});

socketTest('a local port that a listener holds is in use', (poller) => {
  const listener = listen(poller);
  const from = { octets: loopback4, port: listener.localPort() };
  const dialled = TcpSocket.dial(poller, { octets: loopback4, port: 9 }, new Recorder(), { from });
  assert.deepEqual(dialled, { ok: false, reason: 'EADDRINUSE' });
  listener.close();
});

socketTest('a reset is ECONNRESET at the other end, not an end', (poller) => {
  const connection = connect(poller);
  const { client, server, serverEvents } = connection;
  client.reset();
  assert.equal(client.isOpen, false);
  turnUntil(poller, () => serverEvents.saw(Ready.error));
  assert.equal(serverEvents.saw(Ready.hangUp), true);
  assert.equal(server.receive(buffer), FAILED);
  assert.equal(server.failure, 'ECONNRESET');
  server.close();
});

socketTest('a reset behind octets: the octets first, then ECONNRESET, and never an end after it', (poller) => {
  const connection = connect(poller);
  const { client, server, serverEvents } = connection;
  client.send(ascii('half a fi'));
  turnUntil(poller, () => serverEvents.saw(Ready.in));
  client.reset();
  turnUntil(poller, () => serverEvents.saw(Ready.error));
  assert.equal(server.receive(buffer), 9);
  assert.equal(server.receive(buffer), FAILED);
  assert.equal(server.failure, 'ECONNRESET');
  // The kernel reports an error once and calls it an end from then on.
  assert.equal(server.receive(buffer), FAILED);
  server.close();
});

socketTest('a reset that a send met first is not an end for the receive after it', (poller) => {
  const connection = connect(poller);
  const { client, server, serverEvents } = connection;
  client.reset();
  turnUntil(poller, () => serverEvents.saw(Ready.error));
  assert.equal(server.send(ascii('x')), FAILED);
  assert.equal(server.failure, 'ECONNRESET');
  assert.equal(server.receive(buffer), FAILED);
  server.close();
});

socketTest('a reset that connected() met first is not an end for the receive after it', (poller) => {
  const connection = connect(poller);
  const { client, server, serverEvents } = connection;
  client.reset();
  turnUntil(poller, () => serverEvents.saw(Ready.error));
  assert.equal(server.connected(), false);
  assert.equal(server.failure, 'ECONNRESET');
  assert.equal(server.receive(buffer), FAILED);
  server.close();
});

socketTest('close with received octets left unread is a reset', (poller) => {
  const connection = connect(poller);
  const { client, server, clientEvents, serverEvents } = connection;
  client.send(ascii('QUIT\r\n'));
  turnUntil(poller, () => serverEvents.saw(Ready.in));
  server.close();
  turnUntil(poller, () => clientEvents.saw(Ready.error));
  assert.equal(client.receive(buffer), FAILED);
  assert.equal(client.failure, 'ECONNRESET');
  client.close();
});

socketTest('a closed socket answers FAILED with EBADF to everything and touches no descriptor', (poller) => {
  const connection = connect(poller);
  const { client } = connection;
  closeBoth(connection);
  for (const call of [
    () => client.receive(buffer),
    () => client.send(buffer),
    () => client.sendUrgent(buffer),
    () => client.spliceInto({ readEnd: 0, writeEnd: 1 }),
    () => client.spliceFrom({ readEnd: 0, writeEnd: 1 }, 1),
  ]) {
    client.failure = undefined;
    assert.equal(call(), FAILED);
    assert.equal(client.failure, 'EBADF');
  }
  assert.equal(client.connected(), false);
  assert.deepEqual(client.localAddress(), { octets: new Uint8Array(0), port: 0 });
  client.endWriting();
});

socketTest('a socket that cannot be registered is closed before the error is thrown', (poller) => {
  const listener = listen(poller);
  // The socket gets the number that the closed set had, and a socket is no set.
  const gone = new Poller();
  gone.close();
  const remote = { octets: loopback4, port: listener.localPort() };
  assert.throws(() => TcpSocket.dial(gone, remote, new Recorder()), SysError);
  listener.close();
});
