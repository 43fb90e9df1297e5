import assert from 'node:assert/strict';
import { Pump, type PumpState } from '../../../src/datapath/pump.ts';
import * as libc from '../../../src/sys/libc.ts';
import { type Poller, Ready } from '../../../src/sys/poller.ts';
import { setInteger } from '../../../src/sys/socket-option.ts';
import { PipePool } from '../../../src/sys/splice-pipe.ts';
import { WOULD_BLOCK } from '../../../src/sys/stream.ts';
import type { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import {
  ascii,
  type Connection,
  closeBoth,
  connect,
  numberedOctets,
  openDescriptors,
  socketTest,
  turnUntil,
  withoutFreeDescriptors,
} from '../sys/loopback.ts';

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
/** What the pump reads in one go. */
const readOctets = 65_536;
/** What one run may move: the bound in pump.ts and the last piece, a whole pipe, that crosses it. */
const runOctetsMax = 8_388_608 + 1_048_576;

interface Bench {
  readonly poller: Poller;
  readonly pipes: PipePool;
  /** `client` writes; `server` is the pump's source. */
  readonly from: Connection;
  /** `client` is the pump's sink; `server` reads. */
  readonly to: Connection;
  readonly pump: Pump;
}

function pumpTest(name: string, body: (bench: Bench) => void): void {
  socketTest(name, (poller) => {
    const pipes = new PipePool();
    const from = connect(poller);
    const to = connect(poller);
    const pump = new Pump(from.server, to.client, { source: from.server, sink: to.client, pipes });
    body({ poller, pipes, from, to, pump });
    pump.close();
    pipes.close();
    closeBoth(from);
    closeBoth(to);
  });
}

/** Puts octets at the source's door; they are all there when it returns. */
function offer({ poller, from }: Bench, octets: Uint8Array): void {
  from.serverEvents.clear();
  assert.equal(from.client.send(octets), octets.length);
  turnUntil(poller, () => from.serverEvents.saw(Ready.in));
}

/** All that waits for the reader now. */
function receiveWaiting(socket: TcpSocket, max = Number.POSITIVE_INFINITY): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let left = max; left > 0; left -= pieces.at(-1)!.length) {
    const piece = new Uint8Array(Math.min(left, readOctets));
    const count = socket.receive(piece);
    if (count <= 0) break;
    pieces.push(piece.subarray(0, count));
  }
  return Buffer.concat(pieces);
}

/** Sends until the sink takes nothing more; returns how many octets the reader will find before the pump's. */
function fillSink({ poller, to }: Bench): number {
  const octets = new Uint8Array(readOctets);
  let filled = 0;
  for (let still = 0; still < 3; ) {
    const count = to.client.send(octets);
    if (count > 0) filled += count;
    else still++;
    poller.turn(0);
  }
  return filled;
}

/** Runs the pump as the relay does, whenever the sink has room or the source has more, until the reader has it all. */
function runUntil(bench: Bench, received: Uint8Array[], total: number): PumpState[] {
  const { poller, from, to, pump } = bench;
  const states: PumpState[] = [];
  let length = received.reduce((sum, piece) => sum + piece.length, 0);
  turnUntil(poller, () => {
    const piece = receiveWaiting(to.server, 100_000);
    received.push(piece);
    length += piece.length;
    const sinkReady = pump.state === 'on-sink' && to.clientEvents.saw(Ready.out);
    const sourceReady = pump.state === 'on-source' && from.serverEvents.saw(Ready.in | Ready.peerShutdown);
    if (sinkReady || sourceReady || pump.state === 'unfinished') {
      to.clientEvents.clear();
      from.serverEvents.clear();
      states.push(pump.run('unknown'));
    }
    return length >= total;
  });
  return states;
}

pumpTest('a small file is copied in one run, without a pipe; a short read waits for the next event', (bench) => {
  const { pump, to, from, poller } = bench;
  const before = openDescriptors();
  offer(bench, ascii('230 octets'));
  from.client.endWriting();
  turnUntil(poller, () => from.serverEvents.saw(Ready.peerShutdown));
  assert.equal(pump.run('open'), 'on-source', 'the event did not say that the end had come');
  assert.equal(pump.octets, 10);
  assert.equal(pump.run('unknown'), 'ended');
  assert.equal(openDescriptors(), before);
  turnUntil(poller, () => to.serverEvents.saw(Ready.in));
  assert.deepEqual(receiveWaiting(to.server), Buffer.from('230 octets'));
});

pumpTest('the event that brings the end too: octets and end in one run', (bench) => {
  offer(bench, ascii('all of it'));
  bench.from.client.endWriting();
  turnUntil(bench.poller, () => bench.from.serverEvents.saw(Ready.peerShutdown));
  assert.equal(bench.pump.run('unknown'), 'ended');
  assert.equal(bench.pump.octets, 9);
});

pumpTest('nothing there, nothing done', ({ pump }) => {
  assert.deepEqual([pump.run('open'), pump.run('unknown'), pump.octets], ['on-source', 'on-source', 0]);
});

pumpTest('what a full sink does not take is kept, the source is not read on, and all follows in order', (bench) => {
  const { pump, to, from } = bench;
  const filled = fillSink(bench);
  const octets = numberedOctets(120_000);
  offer(bench, octets);
  to.clientEvents.clear();
  assert.equal(pump.run('open'), 'on-sink');
  assert.equal(pump.octets, 0);
  const left = () => {
    const count = libc.recv(from.server.fd, new Uint8Array(200_000), 200_000, libc.MSG_PEEK);
    return count;
  };
  assert.equal(left(), octets.length - readOctets, 'one read was taken out');
  assert.equal(pump.run('open'), 'on-sink');
  assert.equal(left(), octets.length - readOctets, 'and no second one');
  // Another pump uses the shared buffer meanwhile: what was kept must not be a view of it.
  const other = { ...bench, from: connect(bench.poller), to: connect(bench.poller) };
  const splicing = { source: other.from.server, sink: other.to.client, pipes: bench.pipes };
  const otherPump = new Pump(splicing.source, splicing.sink, splicing);
  offer(other, new Uint8Array(readOctets).fill(0xee));
  otherPump.run('open');
  closeBoth(other.from);
  closeBoth(other.to);

  const received: Uint8Array[] = [];
  runUntil(bench, received, filled + octets.length);
  assert.deepEqual(Buffer.concat(received).subarray(filled), Buffer.from(octets));
  assert.equal(pump.octets, octets.length);
});

pumpTest('a sink that takes parts: each octet once, counted when it has left', (bench) => {
  const { pump, to } = bench;
  // Less than one read fits, so that every send is a partial one.
  assert.ok(setInteger(to.client.fd, libc.SOL_SOCKET, SO_SNDBUF, 8192));
  const octets = numberedOctets(130_000);
  offer(bench, octets);
  to.clientEvents.clear();
  assert.equal(pump.run('open'), 'on-sink');
  assert.ok(pump.octets > 0 && pump.octets < readOctets, `${pump.octets} of one read were taken`);
  const received: Uint8Array[] = [];
  const states = runUntil(bench, received, octets.length);
  assert.ok(states.includes('on-sink'), 'more than one partial send');
  assert.deepEqual(Buffer.concat(received), Buffer.from(octets));
  assert.equal(pump.octets, octets.length);
});

pumpTest('a stream that goes on gets one pipe, and an empty pipe goes back to the pool', (bench) => {
  const { pump, pipes, to } = bench;
  const octets = numberedOctets(400_000);
  const before = openDescriptors();
  offer(bench, octets);
  pump.run('open');
  const received: Uint8Array[] = [];
  runUntil(bench, received, octets.length);
  assert.deepEqual(Buffer.concat(received), Buffer.from(octets));
  assert.equal(openDescriptors(), before + 2);
  pump.close();
  assert.equal(openDescriptors(), before + 2, 'kept for the next stream');
  const next = pipes.take()!;
  assert.equal(openDescriptors(), before + 2);
  assert.equal(to.client.spliceFrom(next, 1), WOULD_BLOCK, 'and empty');
  pipes.giveBack(next, true);
});

pumpTest('a pipe with octets in it is closed, never given to another transfer', (bench) => {
  const { poller, pump, from, to } = bench;
  const before = openDescriptors();
  const piece = new Uint8Array(readOctets);
  to.clientEvents.clear();
  // Nobody reads, so at last the octets stop in the pipe.
  turnUntil(poller, () => {
    from.client.send(piece);
    return pump.run('unknown') === 'on-sink' && openDescriptors() === before + 2;
  });
  pump.run('unknown');
  pump.close();
  assert.equal(openDescriptors(), before);
});

pumpTest('one run moves no more than its share, and the rest is not lost', (bench) => {
  const { poller, pump, from, to } = bench;
  for (const { client, server } of [from, to]) {
    assert.ok(setInteger(client.fd, libc.SOL_SOCKET, SO_SNDBUF, 4_194_304));
    assert.ok(setInteger(server.fd, libc.SOL_SOCKET, SO_RCVBUF, 4_194_304));
  }
  const piece = numberedOctets(readOctets);
  let sent = 0;
  let received = 0;
  let largest = 0;
  let yielded = 0;
  const total = 64 * 1_048_576;
  turnUntil(poller, () => {
    for (let count = 1; count > 0 && sent < total; sent += Math.max(count, 0)) {
      count = from.client.send(piece.subarray(sent % readOctets));
    }
    poller.turn(0);
    const before = pump.octets;
    if (pump.run('unknown') === 'unfinished') yielded++;
    largest = Math.max(largest, pump.octets - before);
    const waiting = receiveWaiting(to.server);
    received += waiting.length;
    return received >= total;
  });
  assert.ok(largest <= runOctetsMax, `${largest} octets in one run`);
  assert.ok(yielded > 0, `at most ${largest} octets in one run, so the bound was never met`);
  assert.equal(pump.octets, received);
});

pumpTest('without a descriptor left for a pipe the stream is copied on', (bench) => {
  const octets = numberedOctets(300_000);
  offer(bench, octets);
  withoutFreeDescriptors(() => {
    const received: Uint8Array[] = [];
    bench.pump.run('open');
    runUntil(bench, received, octets.length);
    assert.deepEqual(Buffer.concat(received), Buffer.from(octets));
  });
});

for (const octets of [0, 1000, 300_000]) {
  pumpTest(`a source that is reset after ${octets} octets fails, and is never taken for ended`, (bench) => {
    const { poller, pump, from, to } = bench;
    if (octets > 0) offer(bench, numberedOctets(octets));
    pump.run('open');
    runUntil(bench, [], octets);
    from.client.reset();
    turnUntil(poller, () => from.serverEvents.saw(Ready.error));
    assert.equal(pump.run('unknown'), 'source-failed');
    assert.equal(from.server.failure, 'ECONNRESET');
    assert.equal(to.client.failure, undefined);
  });

  pumpTest(`a sink that is reset after ${octets} octets is told apart from the source`, (bench) => {
    const { poller, pump, from, to } = bench;
    if (octets > 0) offer(bench, numberedOctets(octets));
    pump.run('open');
    runUntil(bench, [], octets);
    to.server.reset();
    turnUntil(poller, () => to.clientEvents.saw(Ready.error));
    offer(bench, ascii('more'));
    assert.equal(pump.run('unknown'), 'sink-failed');
    assert.equal(to.client.failure, 'ECONNRESET');
    assert.equal(from.server.failure, undefined);
  });
}
