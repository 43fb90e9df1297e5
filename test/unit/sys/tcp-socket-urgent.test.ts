// Urgent octets (src/sys/tcp-socket.ts): in line on control connections, a broken connection where octets are spliced.
// RFC 959 §4.1.3 (end): ABOR comes behind the Telnet Interrupt Process and Synch; RFC 1123 §3.2.4.

import assert from 'node:assert/strict';
import { Ready } from '../../../src/sys/poller.ts';
import { PipePool } from '../../../src/sys/splice-pipe.ts';
import { FAILED, WOULD_BLOCK } from '../../../src/sys/stream.ts';
import type { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { ascii, closeBoth, connect, socketTest, turnUntil } from './loopback.ts';

// IAC IP IAC DM; the Synch marks the last octet urgent.
const interrupt = Uint8Array.of(0xff, 0xf4, 0xff, 0xf2);

/** All that waits, and how it was divided. */
function receiveWaiting(socket: TcpSocket): { octets: number[]; counts: number[] } {
  const buffer = new Uint8Array(256);
  const octets: number[] = [];
  const counts: number[] = [];
  for (;;) {
    const count = socket.receive(buffer);
    if (count <= 0) return { octets, counts };
    octets.push(...buffer.subarray(0, count));
    counts.push(count);
  }
}

socketTest('on a control connection the urgent octet stays in its place', (poller) => {
  const connection = connect(poller, { purpose: 'control' });
  const { client, server, serverEvents } = connection;
  assert.equal(client.send(ascii('STAT\r\n')), 6);
  assert.equal(client.sendUrgent(interrupt), 4);
  assert.equal(client.send(ascii('ABOR\r\n')), 6);
  client.endWriting();
  turnUntil(poller, () => serverEvents.saw(Ready.peerShutdown));
  const { octets, counts } = receiveWaiting(server);
  assert.deepEqual(octets, [...ascii('STAT\r\n'), ...interrupt, ...ascii('ABOR\r\n')]);
  // Why a short count is not the last word: the kernel stops before the mark.
  assert.deepEqual(counts, [9, 7]);
  closeBoth(connection);
});

socketTest('without the option the kernel leaves the urgent octet out of the stream', (poller) => {
  const connection = connect(poller);
  const { client, server, serverEvents } = connection;
  client.sendUrgent(interrupt);
  client.send(ascii('ABOR\r\n'));
  client.endWriting();
  turnUntil(poller, () => serverEvents.saw(Ready.peerShutdown));
  assert.deepEqual(receiveWaiting(server).octets, [...interrupt.subarray(0, 3), ...ascii('ABOR\r\n')]);
  closeBoth(connection);
});

socketTest('an urgent mark in spliced octets is a failure, never an end that hides what follows', (poller) => {
  for (const purpose of ['data', 'control'] as const) {
    const pool = new PipePool();
    const pipe = pool.take()!;
    const connection = connect(poller, { purpose });
    const { client, server, serverEvents } = connection;
    client.send(ascii('first'));
    client.sendUrgent(ascii('!'));
    client.send(ascii('second'));
    client.endWriting();
    turnUntil(poller, () => serverEvents.saw(Ready.peerShutdown));
    assert.equal(server.spliceInto(pipe), 5);
    assert.equal(server.spliceInto(pipe), FAILED);
    assert.equal(server.failure, 'EPROTO');
    pool.giveBack(pipe, false);
    closeBoth(connection);
  }
});

socketTest('an urgent mark in spliced octets that have not ended blocks', (poller) => {
  const pool = new PipePool();
  const pipe = pool.take()!;
  const connection = connect(poller);
  const { client, server, serverEvents } = connection;
  client.sendUrgent(ascii('!'));
  client.send(ascii('behind it'));
  turnUntil(poller, () => serverEvents.saw(Ready.in));
  assert.equal(server.spliceInto(pipe), WOULD_BLOCK);
  assert.equal(server.failure, undefined);
  pool.giveBack(pipe, true);
  pool.close();
  closeBoth(connection);
});
