// Thousands of sockets on one poller (src/sys/poller.ts): everybody is served, nothing is left behind.

import assert from 'node:assert/strict';
import { raiseDescriptorLimit } from '../../../src/sys/descriptor-limit.ts';
import { edgeTriggered, type Pollable, type Poller, Ready } from '../../../src/sys/poller.ts';
import { WOULD_BLOCK } from '../../../src/sys/stream.ts';
import type { TcpListener } from '../../../src/sys/tcp-listener.ts';
import { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { dial, listen, loopback4, openDescriptors, socketTest, turnUntil } from './loopback.ts';

const connections = 2000;
const buffer = new Uint8Array(4096);

/** Sends back what it receives, and ends when its peer has. */
class Echo implements Pollable {
  socket: TcpSocket | undefined;
  private readonly done: () => void;

  constructor(done: () => void) {
    this.done = done;
  }

  onReady(): void {
    const socket = this.socket!;
    let count = socket.receive(buffer);
    for (; count > 0; count = socket.receive(buffer)) {
      assert.equal(socket.send(buffer.subarray(0, count)), count);
    }
    if (count === WOULD_BLOCK) return;
    assert.equal(count, 0, String(socket.failure));
    socket.close();
    this.done();
  }
}

/** Sends its own number many times over, and ends when all of it has come back. */
class Caller implements Pollable {
  socket: TcpSocket | undefined;
  private readonly word: Uint8Array;
  private readonly received = new Uint8Array(1024);
  private length = 0;
  private sent = false;
  private readonly done: () => void;

  constructor(number: number, done: () => void) {
    this.word = new Uint8Array(Uint32Array.from({ length: 256 }, () => number).buffer);
    this.done = done;
  }

  onReady(events: number): void {
    const socket = this.socket!;
    if (!this.sent && (events & Ready.out) !== 0) {
      assert.equal(socket.connected(), true, String(socket.failure));
      assert.equal(socket.send(this.word), this.word.length);
      this.sent = true;
    }
    for (;;) {
      const count = socket.receive(buffer);
      if (count === WOULD_BLOCK) break;
      assert.ok(count > 0, `${count}: ${socket.failure}`);
      this.received.set(buffer.subarray(0, count), this.length);
      this.length += count;
    }
    if (this.length < this.word.length) return;
    assert.deepEqual(this.received, this.word);
    socket.close();
    this.done();
  }
}

function acceptAll(poller: Poller, listener: TcpListener, done: () => void): number {
  for (let taken = 0; ; taken++) {
    const accepted = listener.accept();
    if (accepted === undefined) return taken;
    assert.ok(typeof accepted === 'object', String(accepted));
    const echo = new Echo(done);
    echo.socket = TcpSocket.accepted(poller, accepted.fd, echo);
  }
}

socketTest('2,000 connections on one poller: all open at once, each gets back its own, all are closed', (poller) => {
  // Both ends are here, and the process has its own few.
  assert.ok(raiseDescriptorLimit(2 * connections + 200) >= 2 * connections + 200);
  const before = openDescriptors();
  let echoed = 0;
  let called = 0;
  let accepted = 0;
  const listener = listen(
    poller,
    {
      onReady: () => {
        accepted += acceptAll(poller, listener, () => echoed++);
      },
    },
    { backlog: 512 },
  );
  const callers = Array.from({ length: connections }, (_, number) => new Caller(number, () => called++));
  const remote = { octets: loopback4, port: listener.localPort() };
  for (const [index, caller] of callers.entries()) {
    caller.socket = dial(poller, remote, { onReady: () => undefined });
    // Fewer than the backlog at a time, so that no connection request is dropped and tried again a second later.
    if (index % 256 === 255) turnUntil(poller, () => accepted === index + 1);
  }
  turnUntil(poller, () => accepted === connections);
  assert.equal(openDescriptors() - before, 2 * connections + 1);
  for (const caller of callers) {
    // Registered anew, so that each is told of `out` now.
    poller.remove(caller.socket!.fd);
    poller.add(caller.socket!.fd, caller, edgeTriggered);
  }
  turnUntil(poller, () => called === connections && echoed === connections);
  listener.close();
  assert.equal(openDescriptors(), before);
});
