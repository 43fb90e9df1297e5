// Handshakes and transfers under TLS, one after another, with cuts, resets, truncation and garbage at every step:
// does anything that OpenSSL holds through the FFI crash, leak, or tell a lie? A program of its own, because a crash
// ends it.
//
//   tls-soak-program.ts COUNT SEED      prints one line of JSON at its end; needs --expose-gc

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import koffi from 'koffi';
import { openssl } from '../../../src/sys/openssl.ts';
import { type Pollable, Poller, Ready } from '../../../src/sys/poller.ts';
import { WOULD_BLOCK } from '../../../src/sys/stream.ts';
import type { TcpListener } from '../../../src/sys/tcp-listener.ts';
import type { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import type { TlsContext } from '../../../src/sys/tls-context.ts';
import { type AcceptOptions, type ConnectOptions, TlsStream } from '../../../src/sys/tls-stream.ts';
import { dial, listen, loopback4, takeConnection } from './loopback.ts';
import { accepting, authority, clientContext, connecting, good, serverContext } from './tls-pair.ts';

const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;
const TLS1_2_VERSION = 0x0303;
const turnsMax = 20_000;

const faults = ['none', 'none', 'none', 'reset', 'truncation', 'garbage', 'abandon', 'leave', 'half-close'] as const;

type Fault = (typeof faults)[number];

/** A linear congruential generator (Numerical Recipes): the same seed gives the same soak. */
class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  below(bound: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * bound);
  }

  oneOf<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }
}

const buffer = new Uint8Array(65_536);
const source = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);

/** One end of a connection: it shakes hands, sends, ends its direction, and reads to the end. */
class End implements Pollable {
  readonly stream: TlsStream;
  readonly socket: TcpSocket;
  life: 'shaking' | 'up' | 'ended' | 'failed' | 'gone' = 'shaking';
  received = 0;
  private sent = 0;
  private readonly octets: number;
  private said: 'open' | 'ended' = 'open';

  constructor(socket: TcpSocket, stream: TlsStream, octets: number) {
    this.socket = socket;
    this.stream = stream;
    this.octets = octets;
  }

  get sentOctets(): number {
    return this.sent;
  }

  get hasSaidAll(): boolean {
    return this.said === 'ended';
  }

  get isOver(): boolean {
    return this.life === 'failed' || this.life === 'gone' || (this.life === 'ended' && this.hasSaidAll);
  }

  onReady(events: number): void {
    this.stream.hear(events);
  }

  advance(): void {
    if (this.life === 'shaking') {
      const state = this.stream.handshake();
      if (state === 'under-way') return;
      this.life = state === 'up' ? 'up' : 'failed';
      if (state === 'failed') this.stream.close();
    }
    if (this.life === 'up' || this.life === 'ended') this.send();
    if (this.life === 'up') this.receive();
  }

  private send(): void {
    while (this.sent < this.octets) {
      const count = this.stream.send(source.subarray(this.sent, this.octets));
      if (count === WOULD_BLOCK) return;
      if (count < 0) {
        this.fail();
        return;
      }
      this.sent += count;
    }
    if (this.said === 'ended') return;
    this.said = 'ended';
    this.stream.endWriting();
  }

  private receive(): void {
    for (;;) {
      const count = this.stream.receive(buffer);
      if (count === WOULD_BLOCK) return;
      if (count < 0) {
        this.fail();
        return;
      }
      if (count === 0) {
        this.life = 'ended';
        return;
      }
      const expected = source.subarray(this.received, this.received + count);
      assert.equal(Buffer.compare(buffer.subarray(0, count), expected), 0, 'other octets than were sent');
      this.received += count;
    }
  }

  private fail(): void {
    this.life = 'failed';
    this.stream.reset();
  }

  /** For whoever does not wait for the end. */
  go(how: 'reset' | 'close'): void {
    this.life = 'gone';
    if (how === 'reset') this.stream.reset();
    else this.stream.close();
    if (this.socket.isOpen) this.socket.reset();
  }
}

interface Shared {
  readonly poller: Poller;
  readonly listener: TcpListener;
  readonly dice: Dice;
  readonly servers: readonly TlsContext[];
  readonly clients: readonly TlsContext[];
}

/** The other side of what is put over a socket only later. */
class Relay implements Pollable {
  end: End | undefined;
  noted = 0;

  onReady(events: number): void {
    this.noted |= events;
    this.end?.onReady(events);
  }
}

function connected({ poller, listener }: Shared): [TcpSocket, TcpSocket, Relay, Relay] {
  const [here, there] = [new Relay(), new Relay()];
  const client = dial(poller, { octets: loopback4, port: listener.localPort() }, here);
  const server = takeConnection(poller, listener, there);
  for (let turns = 0; turns < turnsMax && (here.noted & Ready.out) === 0; turns += 1) poller.turn(1);
  return [client, server, here, there];
}

/** One connection; whether its handshake went on from `resumes`. */
function connection(
  shared: Shared,
  fault: Fault,
  resumes: Pair | undefined,
): { readonly pair: Pair; readonly resumed: boolean } {
  const { dice, poller } = shared;
  const version = resumes?.version ?? dice.below(2);
  const accept: AcceptOptions = {
    ...accepting,
    contextFor: () => shared.servers[version]!,
    ticketsOver: resumes?.server.stream,
  };
  const connect: ConnectOptions = {
    ...connecting,
    context: shared.clients[version]!,
    resumes: resumes?.client.stream,
  };
  const [clientSocket, serverSocket, here, there] = connected(shared);
  const client = new End(clientSocket, new TlsStream(clientSocket, connect), dice.below(source.length));
  const server = new End(serverSocket, new TlsStream(serverSocket, accept), dice.below(source.length));
  here.end = client;
  there.end = server;
  const pair = { client, server, version };
  const cutAt = fault === 'none' ? Number.POSITIVE_INFINITY : dice.below(14);
  const victim = dice.oneOf([client, server]);
  for (let step = 0; step < turnsMax && !(client.isOver && server.isOver); step += 1) {
    if (step === cutAt) cut(fault, victim);
    if (!client.isOver) client.advance();
    if (!server.isOver) server.advance();
    poller.turn(client.isOver || server.isOver || step > cutAt ? 1 : 0);
    if (fault === 'abandon' && step > cutAt + 2) break;
  }
  check(pair, fault);
  const resumed = fault === 'none' && client.stream.facts.resumed;
  return { pair, resumed };
}

function cut(fault: Fault, victim: End): void {
  if (victim.isOver) return;
  switch (fault) {
    case 'none':
    case 'abandon':
      return;
    case 'reset':
      victim.go('reset');
      return;
    case 'truncation':
      victim.socket.endWriting();
      return;
    case 'garbage':
      victim.socket.send(source.subarray(0, 300));
      return;
    case 'leave':
      if (victim.life === 'up') victim.stream.leave();
      return;
    case 'half-close':
      victim.stream.endWriting();
      return;
  }
}

/** A clean end is said only by whoever has said all: no cut may look like one. */
function check({ client, server }: Pair, fault: Fault): void {
  const quiet = fault === 'none';
  for (const [end, other] of [
    [client, server],
    [server, client],
  ] as const) {
    if (quiet) {
      assert.equal(end.life, 'ended', `${end.stream.failureText} ${end.stream.failure}`);
      assert.equal(end.received, other.sentOctets);
    } else if (end.life === 'ended' && fault !== 'leave' && fault !== 'half-close') {
      assert.ok(other.hasSaidAll && end.received === other.sentOctets, `${fault}: a clean end after ${end.received}`);
    }
  }
}

interface Pair {
  /** Which of the contexts. */
  readonly version: number;
  readonly client: End;
  readonly server: End;
}

function part({ client, server }: Pair, dice: Dice): void {
  for (const end of [client, server]) end.go(dice.oneOf(['reset', 'close']));
}

function sockets(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Octets that malloc has given out, OpenSSL's among them. mallinfo(3). */
function allocated(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return Number(mallinfo2().uordblks);
}

const words = [
  'arena',
  'ordblks',
  'smblks',
  'hblks',
  'hblkhd',
  'usmblks',
  'fsmblks',
  'uordblks',
  'fordblks',
  'keepcost',
];
koffi.struct('mallinfo2_t', Object.fromEntries(words.map((word) => [word, 'size_t'])));
const mallinfo2 = koffi.load(null).func('mallinfo2_t mallinfo2()') as unknown as () => { uordblks: number };

const [count = '4000', seed = '1'] = process.argv.slice(2);
assert.ok(globalThis.gc !== undefined, 'run with --expose-gc');

const poller = new Poller();
const shared: Shared = {
  poller,
  listener: listen(poller, { onReady: () => undefined }, { backlog: 64 }),
  dice: new Dice(Number(seed)),
  servers: [serverContext(good), serverContext(good)],
  clients: [clientContext(authority.pair.certificate), clientContext(authority.pair.certificate)],
};
for (const context of [shared.servers[1]!, shared.clients[1]!])
  openssl().SSL_CTX_ctrl(context.pointer, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, null);

const tally = { resumed: 0, sound: 0, cut: 0 };

function some(handshakes: number): void {
  const { dice } = shared;
  for (let done = 0; done < handshakes; ) {
    const control = connection(shared, 'none', undefined);
    done += 1;
    // What goes on from it: some sound, some not.
    for (let data = dice.below(4); data > 0; data -= 1) {
      const fault = dice.oneOf(faults);
      const { pair, resumed } = connection(shared, fault, control.pair);
      tally[fault === 'none' ? 'sound' : 'cut'] += 1;
      if (resumed) tally.resumed += 1;
      part(pair, dice);
      done += 1;
    }
    part(control.pair, dice);
    if (dice.below(50) === 0) globalThis.gc?.();
  }
}

// The caches of sessions and allocators are as large as they will be.
some(Math.max(1000, Number(count) / 4));
const before = { octets: allocated(), descriptors: sockets() };
some(Number(count));
const after = { octets: allocated(), descriptors: sockets() };
shared.listener.close();
poller.close();
const more = {
  octetsMore: after.octets - before.octets,
  descriptorsMore: after.descriptors - before.descriptors,
};
process.stdout.write(`${JSON.stringify({ ...tally, ...more })}\n`);
