import assert from 'node:assert/strict';
import { type Poller, Ready } from '../../../src/sys/poller.ts';
import { PipePool, type SplicePipe } from '../../../src/sys/splice-pipe.ts';
import { FAILED, WOULD_BLOCK } from '../../../src/sys/stream.ts';
import type { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import {
  ascii,
  closeBoth,
  connect,
  numberedOctets,
  openDescriptors,
  socketTest,
  turnUntil,
  withoutFreeDescriptors,
  withSmallBuffers,
} from './loopback.ts';

/** A test with a pool of its own, which is closed before the descriptors are counted. */
function pipeTest(name: string, body: (poller: Poller, pool: PipePool, pipe: SplicePipe) => void): void {
  socketTest(name, (poller) => {
    const pool = new PipePool();
    const pipe = pool.take();
    assert.ok(pipe !== undefined);
    body(poller, pool, pipe);
    pool.close();
  });
}

/** Sends in two connections by turns, so that the kernel cannot join the pieces of one: each takes a slot of a pipe. */
function sendInPieces(poller: Poller, client: TcpSocket, pieces: number): number {
  const other = connect(poller);
  let sent = 0;
  for (let piece = 0; piece < pieces; piece++) {
    sent += client.send(new Uint8Array(100).fill(piece));
    other.client.send(new Uint8Array(100));
  }
  client.endWriting();
  closeBoth(other);
  return sent;
}

pipeTest('octets pass from one connection to another through a pipe, whole and in order', (poller, pool, pipe) => {
  const from = connect(poller);
  const to = withSmallBuffers(connect(poller));
  const octets = numberedOctets(3_000_000);
  const received = new Uint8Array(octets.length);
  let sent = 0;
  let inPipe = 0;
  let length = 0;
  let partial = 0;
  const sendWhatGoes = (): void => {
    while (sent < octets.length) {
      const count = from.client.send(octets.subarray(sent));
      if (count < 0) return;
      sent += count;
    }
  };
  const moveWhatGoes = (): void => {
    for (;;) {
      const moved = inPipe > 0 ? to.client.spliceFrom(pipe, inPipe) : from.server.spliceInto(pipe);
      if (moved < 0) return;
      if (inPipe > 0 && moved < inPipe) partial++;
      inPipe += inPipe > 0 ? -moved : moved;
    }
  };
  turnUntil(poller, () => {
    sendWhatGoes();
    moveWhatGoes();
    // Read only now, so that the second leg was full before.
    for (let count = 1; count > 0 && length < octets.length; length += Math.max(count, 0)) {
      count = to.server.receive(received.subarray(length));
    }
    return length === octets.length;
  });
  assert.deepEqual(received, octets);
  assert.ok(partial > 0, 'the second leg took a pipe in part');
  assert.deepEqual([inPipe, from.server.failure, to.client.failure], [0, undefined, undefined]);
  pool.giveBack(pipe, true);
  closeBoth(from);
  closeBoth(to);
});

pipeTest('spliceFrom moves no more than it was told; the rest follows in order', (poller, pool, pipe) => {
  const from = connect(poller);
  const to = connect(poller);
  from.client.send(ascii('0123456789'));
  turnUntil(poller, () => from.serverEvents.saw(Ready.in));
  assert.equal(from.server.spliceInto(pipe), 10);
  assert.equal(to.client.spliceFrom(pipe, 4), 4);
  assert.equal(to.client.spliceFrom(pipe, 100), 6);
  to.client.endWriting();
  turnUntil(poller, () => to.serverEvents.saw(Ready.peerShutdown));
  const buffer = new Uint8Array(100);
  const count = to.server.receive(buffer);
  assert.deepEqual(buffer.subarray(0, count), ascii('0123456789'));
  pool.giveBack(pipe, true);
  closeBoth(from);
  closeBoth(to);
});

pipeTest('spliceInto: nothing there blocks, the end is 0, a reset fails and stays failed', (poller, pool, pipe) => {
  const ended = connect(poller);
  assert.equal(ended.server.spliceInto(pipe), WOULD_BLOCK);
  ended.client.endWriting();
  turnUntil(poller, () => ended.serverEvents.saw(Ready.peerShutdown));
  assert.equal(ended.server.spliceInto(pipe), 0);
  assert.equal(ended.server.failure, undefined);

  const broken = connect(poller);
  broken.client.reset();
  turnUntil(poller, () => broken.serverEvents.saw(Ready.error));
  assert.equal(broken.server.spliceInto(pipe), FAILED);
  assert.equal(broken.server.failure, 'ECONNRESET');
  assert.equal(broken.server.spliceInto(pipe), FAILED);
  pool.giveBack(pipe, true);
  closeBoth(ended);
  closeBoth(broken);
});

pipeTest('a stream in many pieces needs many splices, and a short one is not the last', (poller, pool, pipe) => {
  const from = connect(poller);
  const to = connect(poller);
  const sent = sendInPieces(poller, from.client, 600);
  turnUntil(poller, () => from.serverEvents.saw(Ready.peerShutdown));
  const counts: number[] = [];
  for (let count = 1; count > 0; ) {
    count = from.server.spliceInto(pipe);
    counts.push(count);
    if (count > 0) assert.equal(to.client.spliceFrom(pipe, count), count);
  }
  assert.equal(counts.pop(), 0);
  assert.ok(counts.length > 1 && counts[0]! < sent, String(counts));
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    sent,
  );
  pool.giveBack(pipe, true);
  closeBoth(from);
  closeBoth(to);
});

pipeTest('a full pipe blocks while octets wait, no event tells when it is empty again', (poller, pool, pipe) => {
  const from = connect(poller);
  const to = connect(poller);
  const sent = sendInPieces(poller, from.client, 600);
  turnUntil(poller, () => from.serverEvents.saw(Ready.peerShutdown));
  let inPipe = 0;
  for (let count = 1; count > 0; inPipe += Math.max(count, 0)) count = from.server.spliceInto(pipe);
  assert.ok(inPipe < sent, `${inPipe} of ${sent}`);
  from.serverEvents.clear();
  assert.equal(to.client.spliceFrom(pipe, inPipe), inPipe);
  poller.turn(0);
  assert.deepEqual(from.serverEvents.masks, []);
  assert.ok(from.server.spliceInto(pipe) > 0);
  pool.giveBack(pipe, false);
  closeBoth(from);
  closeBoth(to);
});

pipeTest('splicing into a broken connection fails and raises no signal', (poller, pool, pipe) => {
  const from = connect(poller);
  const to = connect(poller);
  from.client.send(ascii('too late'));
  turnUntil(poller, () => from.serverEvents.saw(Ready.in));
  assert.equal(from.server.spliceInto(pipe), 8);
  to.server.reset();
  turnUntil(poller, () => to.clientEvents.saw(Ready.error));
  assert.equal(to.client.spliceFrom(pipe, 8), FAILED);
  assert.equal(to.client.failure, 'ECONNRESET');
  // This one is EPIPE, which kills a process that does not ignore SIGPIPE.
  assert.equal(to.client.spliceFrom(pipe, 8), FAILED);
  assert.equal(to.client.failure, 'EPIPE');
  pool.giveBack(pipe, false);
  closeBoth(from);
  closeBoth(to);
});

pipeTest('an empty pipe comes back from the pool, one with octets in it never does', (poller, pool, pipe) => {
  pool.giveBack(pipe, true);
  const before = openDescriptors();
  assert.equal(pool.take(), pipe);
  assert.equal(openDescriptors(), before);

  const from = connect(poller);
  from.client.send(ascii('of another transfer'));
  turnUntil(poller, () => from.serverEvents.saw(Ready.in));
  assert.equal(from.server.spliceInto(pipe), 19);
  const used = openDescriptors();
  pool.giveBack(pipe, false);
  assert.equal(openDescriptors(), used - 2);

  const next = pool.take()!;
  assert.equal(from.client.spliceFrom(next, 19), WOULD_BLOCK, 'the next pipe is empty');
  pool.giveBack(next, true);
  closeBoth(from);
});

pipeTest('the pool keeps a bounded number of idle pipes', (_poller, pool, pipe) => {
  const taken = Array.from({ length: 200 }, () => pool.take()!);
  const before = openDescriptors();
  for (const each of [pipe, ...taken]) pool.giveBack(each, true);
  assert.equal(before - openDescriptors(), 2 * (201 - 128));
  pool.close();
  assert.equal(before - openDescriptors(), 2 * 201);
});

pipeTest('without descriptors there is no pipe, but one that was given back', (_poller, pool, pipe) => {
  withoutFreeDescriptors(() => {
    assert.equal(pool.take(), undefined);
    pool.giveBack(pipe, true);
    assert.equal(pool.take(), pipe);
  });
  pool.giveBack(pipe, true);
});
