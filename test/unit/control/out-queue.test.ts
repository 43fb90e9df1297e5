import assert from 'node:assert/strict';
import { OutQueue } from '../../../src/control/out-queue.ts';
import { type Poller, Ready } from '../../../src/sys/poller.ts';
import type { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import {
  ascii,
  type Connection,
  closeBoth,
  connect,
  numberedOctets,
  socketTest,
  turnUntil,
  withSmallBuffers,
} from '../sys/loopback.ts';

const additionMax = 100_000_000;

/** Octets until the peer's end, its failure, or so many of them. */
function receive(poller: Poller, socket: TcpSocket, max: number): Buffer {
  const pieces: Uint8Array[] = [];
  let length = 0;
  turnUntil(poller, () => {
    for (;;) {
      const piece = new Uint8Array(65_536);
      const count = socket.receive(piece);
      if (count > 0) pieces.push(piece.subarray(0, count));
      length += Math.max(count, 0);
      if (count === 0 || count === -2 || length >= max) return true;
      if (count < 0) return false;
    }
  });
  return Buffer.concat(pieces);
}

/** A queue whose socket takes nothing more; what it was given altogether is returned. */
function blockedQueue(poller: Poller, connection: Connection): { queue: OutQueue; given: Uint8Array[] } {
  const queue = new OutQueue(additionMax);
  const given: Uint8Array[] = [];
  while (queue.isEmpty) {
    const octets = numberedOctets(200_000);
    given.push(octets);
    queue.push(octets);
    queue.flush(connection.client);
    poller.turn(0);
  }
  return { queue, given };
}

socketTest('what one turn produced leaves in order, and only with flush', (poller) => {
  const connection = connect(poller);
  const queue = new OutQueue(additionMax);
  for (const line of ['220 first\r\n', '331 second\r\n', '230 third\r\n']) queue.push(ascii(line));
  assert.equal(queue.isEmpty, false);
  poller.turn(0);
  assert.deepEqual(connection.serverEvents.masks, []);
  queue.flush(connection.client);
  assert.equal(queue.isEmpty, true);
  assert.equal(receive(poller, connection.server, 34).toString(), '220 first\r\n331 second\r\n230 third\r\n');
  closeBoth(connection);
});

socketTest('it is full from 16 KiB on, and no longer once they have left', (poller) => {
  const connection = connect(poller);
  const queue = new OutQueue(additionMax);
  queue.push(new Uint8Array(16_383));
  assert.equal(queue.isFull, false);
  queue.push(new Uint8Array(1));
  assert.equal(queue.isFull, true);
  queue.flush(connection.client);
  assert.deepEqual([queue.isFull, queue.isEmpty], [false, true]);
  closeBoth(connection);
});

socketTest('what the kernel does not take waits for the socket, and arrives whole and in order', (poller) => {
  const connection = withSmallBuffers(connect(poller));
  const { queue, given } = blockedQueue(poller, connection);
  queue.push(ascii('226 last\r\n'));
  given.push(ascii('226 last\r\n'));
  const total = Buffer.concat(given);
  const received: Buffer[] = [];
  let length = 0;
  connection.clientEvents.clear();
  while (length < total.length) {
    const piece = receive(poller, connection.server, 1);
    received.push(piece);
    length += piece.length;
    poller.turn(0);
    if (connection.clientEvents.saw(Ready.out)) {
      connection.clientEvents.clear();
      queue.onWritable();
      queue.flush(connection.client);
    }
  }
  assert.deepEqual(Buffer.concat(received), total);
  assert.equal(queue.isEmpty, true);
  closeBoth(connection);
});

socketTest('end-writing and close wait for the last octet', (poller) => {
  for (const ending of ['endWritingWhenSent', 'closeWhenSent'] as const) {
    const connection = withSmallBuffers(connect(poller));
    const { queue, given } = blockedQueue(poller, connection);
    const total = given.reduce((sum, octets) => sum + octets.length, 0);
    queue[ending]();
    queue.flush(connection.client);
    assert.equal(connection.client.isOpen, true);
    let length = 0;
    while (!queue.isEmpty) {
      length += receive(poller, connection.server, 1).length;
      queue.onWritable();
      queue.flush(connection.client);
    }
    assert.equal(connection.client.isOpen, ending === 'endWritingWhenSent');
    length += receive(poller, connection.server, Number.POSITIVE_INFINITY).length;
    assert.equal(length, total);
    assert.equal(connection.server.failure, undefined, 'a clean end');
    closeBoth(connection);
  }
});

socketTest(
  'with nothing to send the end follows at the next flush; a close is not weakened by a later end',
  (poller) => {
    const connection = connect(poller);
    const queue = new OutQueue(additionMax);
    queue.closeWhenSent();
    queue.endWritingWhenSent();
    assert.equal(connection.client.isOpen, true);
    queue.flush(connection.client);
    assert.equal(connection.client.isOpen, false);
    // A session may flush once more while it ends.
    queue.flush(connection.client);
    closeBoth(connection);
  },
);

socketTest('after a failure nothing waits any more, and a leg that was to be closed is closed', (poller) => {
  const connection = connect(poller);
  connection.server.reset();
  turnUntil(poller, () => connection.clientEvents.saw(Ready.error));
  const queue = new OutQueue(additionMax);
  queue.push(ascii('221 Goodbye.\r\n'));
  queue.closeWhenSent();
  queue.flush(connection.client);
  assert.equal(queue.isEmpty, true);
  assert.equal(connection.client.isOpen, false);
  assert.equal(connection.client.failure, 'ECONNRESET');
  closeBoth(connection);
});

// RFC 959 §4.1.3: IAC IP, IAC DM before ABOR, the last octet urgent.
const synch = Uint8Array.of(0xff, 0xf4, 0xff, 0xf2);

socketTest('urgent octets come behind what was queued, marked', (poller) => {
  const connection = connect(poller, { purpose: 'control' });
  const queue = new OutQueue(additionMax);
  queue.push(ascii('NOOP\r\n'));
  queue.pushUrgent(synch, connection.client);
  queue.push(ascii('ABOR\r\n'));
  queue.flush(connection.client);
  // The kernel stops a read before the mark.
  assert.deepEqual(receive(poller, connection.server, 1), Buffer.from([...ascii('NOOP\r\n'), ...synch.subarray(0, 3)]));
  assert.deepEqual(receive(poller, connection.server, 7), Buffer.from([0xf2, ...ascii('ABOR\r\n')]));
  closeBoth(connection);
});

socketTest('urgent octets never overtake what waits: then they are plain ones in their place', (poller) => {
  const connection = withSmallBuffers(connect(poller, { purpose: 'control' }));
  const { queue, given } = blockedQueue(poller, connection);
  // Room in the kernel again, which the queue has not been told of yet.
  const received = [receive(poller, connection.server, 100_000)];
  queue.pushUrgent(synch, connection.client);
  queue.push(ascii('ABOR\r\n'));
  const total = Buffer.concat([...given, synch, ascii('ABOR\r\n')]);
  while (received.reduce((sum, piece) => sum + piece.length, 0) < total.length) {
    received.push(receive(poller, connection.server, 1));
    queue.onWritable();
    queue.flush(connection.client);
  }
  assert.deepEqual(Buffer.concat(received), total);
  closeBoth(connection);
});

socketTest('beyond its bound it takes nothing more, whoever fills it, and says so', (poller) => {
  const connection = connect(poller);
  const queue = new OutQueue(1000);
  for (let lines = 0; lines < 10_000; lines++) queue.push(ascii('250 A line of a hundred.\r\n'));
  assert.equal(queue.hasOverflown, true);
  queue.push(ascii('x'));
  queue.flush(connection.client);
  const received = receive(poller, connection.server, 32_000).toString();
  assert.ok(received.length <= 2 * 16_384 + 1000);
  assert.doesNotMatch(received, /x/);
  closeBoth(connection);
});

socketTest('thousands of short lines that wait cost little more memory than their octets', (poller) => {
  const connection = withSmallBuffers(connect(poller));
  const { queue } = blockedQueue(poller, connection);
  const before = process.memoryUsage();
  const lines = 400_000;
  for (let line = 0; line < lines; line++) queue.push(Uint8Array.of(50, 48, 48, 32, 13, 10));
  const after = process.memoryUsage();
  const cost = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed;
  assert.ok(cost < lines * 6 * 8, `${cost} octets for ${lines * 6}`);
  closeBoth(connection);
});
