// Real sockets on the loopback interface for the tests of sys/: two ends on one poller, and turns until a fact holds.
// Nothing waits by sleeping: every wait is a turn of the poller, bounded by a deadline that only a broken program
// meets.

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import * as libc from '../../../src/sys/libc.ts';
import { type Pollable, Poller } from '../../../src/sys/poller.ts';
import type { SocketAddress } from '../../../src/sys/socket-address.ts';
import { setInteger } from '../../../src/sys/socket-option.ts';
import { type Accepted, type ListenOptions, TcpListener } from '../../../src/sys/tcp-listener.ts';
import { type DialOptions, TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { patienceMs } from '../../support/watch.ts';

export const loopback4 = Uint8Array.of(127, 0, 0, 1);
export const loopback6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
export const wildcard6 = new Uint8Array(16);
/** RFC 5737 §3: TEST-NET-1, which no interface here has. */
export const foreign4 = Uint8Array.of(192, 0, 2, 1);

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;

/** A pollable that only keeps the masks it was called with. */
export class Recorder implements Pollable {
  readonly masks: number[] = [];

  onReady(events: number): void {
    this.masks.push(events);
  }

  /** Was any of these bits ever among the events? */
  saw(bits: number): boolean {
    return this.masks.some((mask) => (mask & bits) !== 0);
  }

  clear(): void {
    this.masks.length = 0;
  }
}

export interface Connection {
  readonly client: TcpSocket;
  readonly server: TcpSocket;
  readonly clientEvents: Recorder;
  readonly serverEvents: Recorder;
}

/** A test with a poller of its own, which must leave as many descriptors open as it found. */
export function socketTest(name: string, body: (poller: Poller) => void): void {
  test(name, () => {
    const before = openDescriptors();
    const poller = new Poller();
    try {
      body(poller);
    } finally {
      poller.close();
    }
    assert.equal(openDescriptors(), before, 'descriptors left open');
  });
}

/**
 * How many descriptors this process has open, those of files apart: sys/ opens none, but other threads of the runtime
 * do at any moment, the loader of modules first of all.
 */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => !isFile(fd)).length;
}

function isFile(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/');
  } catch {
    // It has been closed since, as the one that looked.
    return true;
  }
}

/** Turns the poller until `holds` is true. */
export function turnUntil(poller: Poller, holds: () => boolean): void {
  const deadline = performance.now() + patienceMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${holds}`);
    poller.turn(100);
  }
}

/** A listener on a port that the kernel chooses; a failure fails the test. */
export function listen(
  poller: Poller,
  pollable: Pollable = new Recorder(),
  options: Partial<ListenOptions> = {},
  octets: Uint8Array = loopback4,
): TcpListener {
  const listened = TcpListener.open(poller, { octets, port: 0 }, pollable, { backlog: 16, ...options });
  if (!listened.ok) throw new Error(`${listened.reason.call}: ${listened.reason.code}`);
  return listened.value;
}

/** Begins a connection; a failure at once fails the test. */
export function dial(
  poller: Poller,
  remote: SocketAddress,
  pollable: Pollable = new Recorder(),
  options: DialOptions = {},
): TcpSocket {
  const dialled = TcpSocket.dial(poller, remote, pollable, options);
  if (!dialled.ok) throw new Error(`dial: ${dialled.reason}`);
  return dialled.value;
}

/** The next connection at the listener's door. */
export function takeConnection(poller: Poller, listener: TcpListener, pollable: Pollable = new Recorder()): TcpSocket {
  return TcpSocket.accepted(poller, nextAccepted(poller, listener).fd, pollable);
}

/** As `takeConnection`, before it is a socket. */
export function nextAccepted(poller: Poller, listener: TcpListener): Accepted {
  let accepted: Accepted | undefined;
  turnUntil(poller, () => {
    const answer = listener.accept();
    if (typeof answer === 'string') throw new Error(`accept: ${answer}`);
    accepted = answer;
    return accepted !== undefined;
  });
  return accepted!;
}

/** Two ends of one connection, established, their first `out` events behind them. */
export function connect(poller: Poller, options: Partial<ListenOptions> = {}): Connection {
  const listener = listen(poller, new Recorder(), options);
  const clientEvents = new Recorder();
  const serverEvents = new Recorder();
  const client = dial(poller, { octets: loopback4, port: listener.localPort() }, clientEvents);
  const server = takeConnection(poller, listener, serverEvents);
  listener.close();
  turnUntil(poller, () => clientEvents.masks.length > 0 && serverEvents.masks.length > 0);
  assert.equal(client.connected(), true);
  clientEvents.clear();
  serverEvents.clear();
  return { client, server, clientEvents, serverEvents };
}

/** Bounds what the kernel takes from the client before the server reads: less than half a mebioctet. */
export function withSmallBuffers(connection: Connection): Connection {
  // A few segments of the loopback interface (64 KiB) each: smaller ones would make the kernel wait for its persist
  // timer.
  assert.ok(setInteger(connection.client.fd, libc.SOL_SOCKET, SO_SNDBUF, 131_072));
  assert.ok(setInteger(connection.server.fd, libc.SOL_SOCKET, SO_RCVBUF, 262_144));
  return connection;
}

export function closeBoth(connection: Connection): void {
  connection.client.close();
  connection.server.close();
}

/** Opens descriptors until every number up to this one is in use; returns them, ascending. */
export function occupyUpTo(descriptor: number): number[] {
  const opened: number[] = [];
  while ((opened.at(-1) ?? -1) < descriptor) {
    const fd = libc.eventfd(0, libc.EFD_CLOEXEC | libc.EFD_NONBLOCK);
    assert.ok(fd >= 0, libc.lastError());
    opened.push(fd);
  }
  return opened;
}

/** Runs `body` while this process may not open one descriptor more. */
export function withoutFreeDescriptors(body: () => void): void {
  const limit = new BigUint64Array(2);
  const octets = new Uint8Array(limit.buffer);
  assert.equal(libc.getrlimit(libc.RLIMIT_NOFILE, octets), 0);
  const soft = limit[0]!;
  limit[0] = 0n;
  assert.equal(libc.setrlimit(libc.RLIMIT_NOFILE, octets), 0);
  try {
    body();
  } finally {
    limit[0] = soft;
    libc.setrlimit(libc.RLIMIT_NOFILE, octets);
  }
}

/** ASCII text as octets. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Octets in which every stretch of four differs from every other, so that a loss or an exchange shows. */
export function numberedOctets(count: number): Uint8Array {
  const octets = new Uint8Array(count);
  const view = new DataView(octets.buffer);
  for (let at = 0; at + 4 <= count; at += 4) view.setUint32(at, at);
  return octets;
}
