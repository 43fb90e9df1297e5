import assert from 'node:assert/strict';
import * as libc from '../../../src/sys/libc.ts';
import { type Poller, Ready } from '../../../src/sys/poller.ts';
import { FAILED, WOULD_BLOCK } from '../../../src/sys/stream.ts';
import { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import {
  ascii,
  closeBoth,
  connect,
  dial,
  listen,
  loopback4,
  numberedOctets,
  occupyUpTo,
  Recorder,
  socketTest,
  takeConnection,
  turnUntil,
  withSmallBuffers,
} from './loopback.ts';

/** Receives until `octets` have come; the end or a failure before that fails the test. */
function receiveExactly(poller: Poller, socket: TcpSocket, octets: number): Uint8Array {
  const received = new Uint8Array(octets);
  let length = 0;
  turnUntil(poller, () => {
    const count = socket.receive(received.subarray(length));
    if (count !== WOULD_BLOCK) {
      assert.ok(count > 0, `${count} after ${length} octets: ${socket.failure}`);
      length += count;
    }
    return length === octets;
  });
  return received;
}

/** Sends from `octets` until the kernel takes no more; returns what each call said. */
function sendUntilBlocked(socket: TcpSocket, octets: Uint8Array): number[] {
  const counts: number[] = [];
  for (let sent = 0; sent < octets.length; sent += counts.at(-1)!) {
    const count = socket.send(octets.subarray(sent));
    if (count === WOULD_BLOCK) return counts;
    assert.ok(count > 0, String(socket.failure));
    counts.push(count);
  }
  throw new Error('never blocked');
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

socketTest('a dialled connection reports `out` once it is established, and only then is it connected', (poller) => {
  const listener = listen(poller);
  const events = new Recorder();
  const client = dial(poller, { octets: loopback4, port: listener.localPort() }, events);
  assert.equal(client.isOpen, true);
  turnUntil(poller, () => events.masks.length > 0);
  assert.equal(events.masks[0]! & (Ready.out | Ready.error | Ready.hangUp), Ready.out);
  assert.equal(client.connected(), true);
  assert.equal(client.failure, undefined);
  client.close();
  assert.equal(client.isOpen, false);
  listener.close();
});

socketTest('a dialled connection leaves from the address and the port that it was told', (poller) => {
  const listener = listen(poller);
  const remote = { octets: loopback4, port: listener.localPort() };
  const octets = Uint8Array.of(127, 0, 0, 9);
  // A port that was free a moment ago, from an address that nothing else uses.
  const probe = listen(poller, undefined, {}, octets);
  const port = probe.localPort();
  probe.close();
  for (const from of [
    { octets, port },
    { octets, port: 0 },
  ]) {
    const dialled = TcpSocket.dial(poller, remote, new Recorder(), { from });
    assert.ok(dialled.ok);
    const server = takeConnection(poller, listener);
    const local = dialled.value.localAddress();
    assert.deepEqual(local.octets, octets);
    if (from.port === 0) assert.notEqual(local.port, 0);
    else assert.equal(local.port, port);
    dialled.value.reset();
    server.close();
  }
  listener.close();
});

// RFC 959 §3.2: a server's data connections all leave from port 20.
socketTest('one local port serves several connections at once, to different ends', (poller) => {
  const listeners = [listen(poller), listen(poller)];
  const octets = Uint8Array.of(127, 0, 0, 9);
  const probe = listen(poller, undefined, {}, octets);
  const from = { octets, port: probe.localPort() };
  probe.close();
  const connections = listeners.map((listener) => {
    const remote = { octets: loopback4, port: listener.localPort() };
    const dialled = TcpSocket.dial(poller, remote, new Recorder(), { from });
    assert.ok(dialled.ok, dialled.ok ? undefined : dialled.reason);
    return { client: dialled.value, server: takeConnection(poller, listener) };
  });
  for (const { client } of connections) assert.deepEqual(client.localAddress(), from);
  for (const { client, server } of connections) {
    client.reset();
    server.close();
  }
  for (const listener of listeners) listener.close();
});

socketTest('octets arrive in the given part of the buffer and nowhere else; nothing there is WOULD_BLOCK', (poller) => {
  const connection = connect(poller);
  const buffer = new Uint8Array(16).fill(0xee);
  assert.equal(connection.server.receive(buffer), WOULD_BLOCK);
  assert.equal(connection.server.failure, undefined);
  assert.equal(connection.client.send(ascii('..NOOP..').subarray(2, 6)), 4);
  turnUntil(poller, () => connection.serverEvents.saw(Ready.in));
  assert.equal(connection.server.receive(buffer.subarray(4, 12)), 4);
  assert.deepEqual(buffer, Uint8Array.of(...Array(4).fill(0xee), ...ascii('NOOP'), ...Array(8).fill(0xee)));
  assert.equal(connection.server.receive(buffer), WOULD_BLOCK);
  closeBoth(connection);
});

socketTest('what is sent to a slow reader is taken in part, then not at all; an `out` event resumes it', (poller) => {
  const connection = withSmallBuffers(connect(poller));
  const { client, server, clientEvents } = connection;
  const octets = numberedOctets(4_000_000);
  const counts = sendUntilBlocked(client, octets);
  const sent = sumOf(counts);
  assert.ok(counts[0]! < octets.length, 'the first send was a partial one');
  assert.equal(client.send(octets.subarray(sent)), WOULD_BLOCK);
  assert.equal(client.failure, undefined);

  clientEvents.clear();
  poller.turn(0);
  assert.equal(clientEvents.saw(Ready.out), false, 'nobody has read anything');
  assert.deepEqual(receiveExactly(poller, server, sent), octets.subarray(0, sent));
  turnUntil(poller, () => clientEvents.saw(Ready.out));
  assert.ok(client.send(octets.subarray(sent)) > 0);
  closeBoth(connection);
});

socketTest('everything arrives in order through small buffers, however often the sender was blocked', (poller) => {
  const connection = withSmallBuffers(connect(poller));
  const { client, server, clientEvents } = connection;
  const octets = numberedOctets(1_000_000);
  const received = new Uint8Array(octets.length);
  let sent = 0;
  let length = 0;
  let blocked = 0;
  while (length < octets.length) {
    while (sent < octets.length) {
      const count = client.send(octets.subarray(sent));
      if (count < 0) break;
      sent += count;
    }
    assert.equal(client.failure, undefined);
    if (sent < octets.length) blocked++;
    clientEvents.clear();
    turnUntil(poller, () => {
      for (let count = 1; count > 0; length += Math.max(0, count)) count = server.receive(received.subarray(length));
      assert.equal(server.failure, undefined);
      return length === octets.length || clientEvents.saw(Ready.out);
    });
  }
  assert.ok(blocked > 1, `blocked ${blocked} times`);
  assert.deepEqual(received, octets);
  closeBoth(connection);
});

socketTest('half-close: either end may end its direction, and the other direction goes on', (poller) => {
  for (const clientFirst of [true, false]) {
    const connection = connect(poller);
    const [first, second] = clientFirst
      ? [connection.client, connection.server]
      : [connection.server, connection.client];
    const [firstEvents, secondEvents] = clientFirst
      ? [connection.clientEvents, connection.serverEvents]
      : [connection.serverEvents, connection.clientEvents];
    const buffer = new Uint8Array(16);

    assert.equal(first.send(ascii('last')), 4);
    first.endWriting();
    turnUntil(poller, () => secondEvents.saw(Ready.peerShutdown));
    assert.equal(second.receive(buffer), 4);
    assert.equal(second.receive(buffer), 0);
    assert.equal(second.receive(buffer), 0, 'the end stays the end');

    assert.equal(second.send(ascii('still here')), 10);
    turnUntil(poller, () => firstEvents.saw(Ready.in));
    assert.equal(firstEvents.saw(Ready.peerShutdown), false);
    assert.equal(first.receive(buffer), 10);
    second.endWriting();
    turnUntil(poller, () => firstEvents.saw(Ready.peerShutdown));
    assert.equal(first.receive(buffer), 0);
    assert.deepEqual([first.failure, second.failure], [undefined, undefined]);
    closeBoth(connection);
  }
});

socketTest('after endWriting nothing more can be sent', (poller) => {
  const connection = connect(poller);
  connection.client.endWriting();
  assert.equal(connection.client.send(ascii('x')), FAILED);
  assert.equal(connection.client.failure, 'EPIPE');
  closeBoth(connection);
});

socketTest('octets and their end can come with one event: a short count is not the last word then', (poller) => {
  const connection = connect(poller);
  const { client, server, serverEvents } = connection;
  client.send(ascii('226'));
  client.endWriting();
  turnUntil(poller, () => serverEvents.saw(Ready.peerShutdown));
  const buffer = new Uint8Array(64);
  assert.equal(server.receive(buffer), 3);
  serverEvents.clear();
  poller.turn(0);
  assert.deepEqual(serverEvents.masks, [], 'no further event announces the end');
  assert.equal(server.receive(buffer), 0);
  closeBoth(connection);
});

socketTest('close delivers what the kernel has taken; closing again closes nobody else', (poller) => {
  const connection = connect(poller);
  const { client, server } = connection;
  const octets = numberedOctets(100_000);
  assert.equal(client.send(octets), octets.length);
  const descriptor = client.fd;
  client.close();
  const others = occupyUpTo(descriptor);
  assert.equal(others.at(-1), descriptor);
  client.close();
  client.reset();
  for (const other of others) assert.equal(libc.close(other), 0, 'it was still open');
  assert.deepEqual(receiveExactly(poller, server, octets.length), octets);
  assert.equal(server.receive(new Uint8Array(1)), 0);
  server.close();
});
