import assert from 'node:assert/strict';
import { SysError } from '../../../src/sys/errno.ts';
import * as libc from '../../../src/sys/libc.ts';
import { Poller, Ready } from '../../../src/sys/poller.ts';
import { FAILED } from '../../../src/sys/stream.ts';
import { type Listened, TcpListener, turnAway } from '../../../src/sys/tcp-listener.ts';
import {
  ascii,
  closeBoth,
  connect,
  dial,
  foreign4,
  listen,
  loopback4,
  loopback6,
  nextAccepted,
  Recorder,
  socketTest,
  takeConnection,
  turnUntil,
  wildcard6,
  withoutFreeDescriptors,
} from './loopback.ts';

function openAgain(poller: Poller, octets: Uint8Array, port: number, sharePort = false): Listened {
  return TcpListener.open(poller, { octets, port }, new Recorder(), { backlog: 128, sharePort });
}

function optionOf(fd: number, level: number, option: number): number {
  const value = new Int32Array(1);
  const length = new Uint8Array(Int32Array.of(4).buffer);
  assert.equal(libc.getsockopt(fd, level, option, new Uint8Array(value.buffer), length), 0);
  return value[0]!;
}

socketTest('a port in use is EADDRINUSE at bind, also for the other family of a wildcard', (poller) => {
  const listener = listen(poller);
  const failed = { ok: false, reason: { call: 'bind', code: 'EADDRINUSE' } };
  assert.deepEqual(openAgain(poller, loopback4, listener.localPort()), failed);
  assert.deepEqual(openAgain(poller, wildcard6, listener.localPort()), failed);
  listener.close();
});

socketTest('an address that is not ours is EADDRNOTAVAIL at bind', (poller) => {
  const failed = { ok: false, reason: { call: 'bind', code: 'EADDRNOTAVAIL' } };
  assert.deepEqual(openAgain(poller, foreign4, 0), failed);
});

socketTest('no descriptors left is EMFILE at socket', (poller) => {
  withoutFreeDescriptors(() => {
    assert.deepEqual(openAgain(poller, loopback4, 0), { ok: false, reason: { call: 'socket', code: 'EMFILE' } });
  });
});

socketTest('a listener that cannot be registered is closed before the error is thrown', () => {
  // The listener gets the number that the closed set had, and a socket is no set.
  const gone = new Poller();
  gone.close();
  assert.throws(() => listen(gone), SysError);
});

socketTest('a port whose old connections are in TIME_WAIT can be listened on at once', (poller) => {
  const listener = listen(poller);
  const port = listener.localPort();
  const clientEvents = new Recorder();
  const client = dial(poller, { octets: loopback4, port }, clientEvents);
  const server = takeConnection(poller, listener);
  listener.close();
  // Who closes first keeps the TIME_WAIT: here the side with the port.
  server.close();
  turnUntil(poller, () => clientEvents.saw(Ready.peerShutdown));
  client.close();
  const again = openAgain(poller, loopback4, port);
  assert.ok(again.ok);
  again.value.close();
});

socketTest('an IPv6 wildcard takes clients of both families', (poller) => {
  const listener = listen(poller, undefined, {}, wildcard6);
  for (const octets of [loopback4, loopback6]) {
    const client = dial(poller, { octets, port: listener.localPort() });
    takeConnection(poller, listener).close();
    client.close();
  }
  listener.close();
});

socketTest('connections of both ends are non-blocking and closed on exec', (poller) => {
  const F_GETFD = 1;
  const F_GETFL = 3;
  const connection = connect(poller);
  for (const { fd } of [connection.client, connection.server]) {
    assert.equal(libc.fcntl(fd, F_GETFD, 0), 1);
    assert.equal(libc.fcntl(fd, F_GETFL, 0) & libc.O_NONBLOCK, libc.O_NONBLOCK);
  }
  closeBoth(connection);
});

socketTest(
  'control connections inherit no delay, keep-alive and urgent data in line, others have none of it',
  (poller) => {
    const control = connect(poller, { purpose: 'control' });
    const { fd } = control.server;
    assert.equal(optionOf(fd, libc.SOL_SOCKET, libc.SO_OOBINLINE), 1);
    assert.equal(optionOf(fd, libc.SOL_SOCKET, libc.SO_KEEPALIVE), 1);
    assert.equal(optionOf(fd, libc.IPPROTO_TCP, libc.TCP_KEEPIDLE), 120);
    assert.equal(optionOf(fd, libc.IPPROTO_TCP, libc.TCP_NODELAY), 1);
    closeBoth(control);

    const data = connect(poller);
    assert.equal(optionOf(data.server.fd, libc.SOL_SOCKET, libc.SO_OOBINLINE), 0);
    assert.equal(optionOf(data.server.fd, libc.SOL_SOCKET, libc.SO_KEEPALIVE), 0);
    assert.equal(optionOf(data.server.fd, libc.IPPROTO_TCP, libc.TCP_NODELAY), 0);
    assert.equal(optionOf(data.client.fd, libc.IPPROTO_TCP, libc.TCP_NODELAY), 0);
    closeBoth(data);
  },
);

socketTest('a connection that waits is told at every turn; paused it is not, resumed it is', (poller) => {
  const events = new Recorder();
  const listener = listen(poller, events);
  assert.equal(listener.accept(), undefined);
  const client = dial(poller, { octets: loopback4, port: listener.localPort() });
  turnUntil(poller, () => events.masks.length >= 2);

  listener.pause();
  events.clear();
  poller.turn(0);
  assert.deepEqual(events.masks, []);

  const resumed = new Recorder();
  listener.resume(resumed);
  poller.turn(0);
  assert.deepEqual(resumed.masks, [Ready.in]);
  assert.deepEqual(events.masks, []);
  takeConnection(poller, listener).close();
  assert.equal(listener.accept(), undefined);
  client.close();
  listener.close();
});

socketTest('without descriptors accept says EMFILE, and the connection is there when some are free again', (poller) => {
  const events = new Recorder();
  const listener = listen(poller, events);
  const client = dial(poller, { octets: loopback4, port: listener.localPort() });
  turnUntil(poller, () => events.masks.length > 0);
  withoutFreeDescriptors(() => assert.equal(listener.accept(), 'EMFILE'));
  takeConnection(poller, listener).close();
  client.close();
  listener.close();
});

socketTest('closing a listener resets who waits unaccepted; accept and port have no more to tell', (poller) => {
  const listener = listen(poller);
  const events = new Recorder();
  const client = dial(poller, { octets: loopback4, port: listener.localPort() }, events);
  turnUntil(poller, () => events.saw(Ready.out));
  listener.close();
  listener.close();
  turnUntil(poller, () => events.saw(Ready.error));
  assert.equal(client.receive(new Uint8Array(1)), FAILED);
  assert.equal(client.failure, 'ECONNRESET');
  assert.equal(listener.accept(), 'EBADF');
  assert.equal(listener.localPort(), 0);
  client.close();
});

socketTest('a client that resets before it is accepted is accepted and fails at the first read', (poller) => {
  const events = new Recorder();
  const listener = listen(poller, events);
  const client = dial(poller, { octets: loopback4, port: listener.localPort() });
  turnUntil(poller, () => events.masks.length > 0);
  client.reset();
  const serverEvents = new Recorder();
  const server = takeConnection(poller, listener, serverEvents);
  turnUntil(poller, () => serverEvents.saw(Ready.error));
  assert.equal(server.receive(new Uint8Array(1)), FAILED);
  assert.equal(server.failure, 'ECONNRESET');
  server.close();
  listener.close();
});

socketTest('who is turned away reads a last word and then the end', (poller) => {
  const listener = listen(poller);
  const events = new Recorder();
  const client = dial(poller, { octets: loopback4, port: listener.localPort() }, events);
  turnAway(nextAccepted(poller, listener).fd, ascii('421 Full.\r\n'));
  turnUntil(poller, () => events.saw(Ready.peerShutdown));
  const buffer = new Uint8Array(64);
  assert.equal(client.receive(buffer), 11);
  assert.deepEqual(buffer.subarray(0, 11), ascii('421 Full.\r\n'));
  assert.equal(client.receive(buffer), 0);
  client.close();
  listener.close();
});

socketTest('turning away who has gone already raises no signal', (poller) => {
  const listener = listen(poller);
  const client = dial(poller, { octets: loopback4, port: listener.localPort() });
  const { fd } = nextAccepted(poller, listener);
  client.reset();
  turnAway(fd, ascii('421 Full.\r\n'));
  listener.close();
});

socketTest('listeners share a port when all of them say so, and the kernel spreads connections over them', (poller) => {
  const first = listen(poller, undefined, { sharePort: true, backlog: 128 });
  const port = first.localPort();
  assert.deepEqual(openAgain(poller, loopback4, port, false), {
    ok: false,
    reason: { call: 'bind', code: 'EADDRINUSE' },
  });
  const second = openAgain(poller, loopback4, port, true);
  assert.ok(second.ok);

  // With 64 of them the chance that one listener gets none is 2^-63.
  const clients = Array.from({ length: 64 }, () => dial(poller, { octets: loopback4, port }));
  const taken = [0, 0];
  turnUntil(poller, () => {
    for (const [index, listener] of [first, second.value].entries()) {
      const accepted = listener.accept();
      if (typeof accepted !== 'object') continue;
      libc.close(accepted.fd);
      taken[index]!++;
    }
    return taken[0]! + taken[1]! === clients.length;
  });
  assert.ok(taken[0]! > 0 && taken[1]! > 0, String(taken));
  for (const end of [...clients, first, second.value]) end.close();
});
