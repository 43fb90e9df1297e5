// A session on real sockets, for the tests of session-driver.ts: the client and the server are ends in the hands of the
// test, on the session's own poller.

import assert from 'node:assert/strict';
import { addressFromOctets, type Endpoint } from '../../../src/address/endpoint.ts';
import type { ServicePoint, Upstream } from '../../../src/control/service-point.ts';
import { SessionDriver } from '../../../src/control/session-driver.ts';
import { newQuotaMemory, SessionQuota } from '../../../src/control/session-quota.ts';
import { Turns } from '../../../src/control/turns.ts';
import { type SessionFacts, sessionFacts, type Witness } from '../../../src/control/witness.ts';
import { PortPool } from '../../../src/datapath/port-pool.ts';
import { Relay } from '../../../src/datapath/relay.ts';
import { openAccess } from '../../../src/policy/access-rules.ts';
import type { SessionRecord } from '../../../src/session/action.ts';
import { defaultLimits, type Limits } from '../../../src/session/limits.ts';
import type { SessionTerms } from '../../../src/session/session.ts';
import * as libc from '../../../src/sys/libc.ts';
import { type Pollable, type Poller, Ready } from '../../../src/sys/poller.ts';
import type { SocketAddress } from '../../../src/sys/socket-address.ts';
import { setInteger } from '../../../src/sys/socket-option.ts';
import { PipePool } from '../../../src/sys/splice-pipe.ts';
import { FAILED, WOULD_BLOCK } from '../../../src/sys/stream.ts';
import type { TcpListener } from '../../../src/sys/tcp-listener.ts';
import { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { noTls } from '../../support/no-tls.ts';
import { listen, loopback4, nextAccepted, Recorder, turnUntil } from '../sys/loopback.ts';
import { boundless } from './client-bounds.ts';

// Tests of floods would otherwise wait for the clock.
const unhurried: Limits = { ...defaultLimits, commandsPerSecond: 1e9, commandBurst: 1e9, refusedCommandsMax: 1e6 };

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;

/** An end of a control connection: sends text, keeps what it reads. */
export class Talker implements Pollable {
  socket: TcpSocket | undefined;
  text = '';
  ending: 'none' | 'end' | 'failure' = 'none';
  appetite: 'reads' | 'waits' = 'reads';
  sent = 0;
  /** Octets read and thrown away by an `onText` that counts. */
  counted = 0;
  onText: () => void = () => undefined;
  private readonly unsent: Uint8Array[] = [];

  say(text: string): void {
    this.unsent.push(Buffer.from(text, 'latin1'));
    this.push();
  }

  /** All that it was to say has been taken by the kernel. */
  get hasSaidAll(): boolean {
    return this.unsent.length === 0;
  }

  startReading(): void {
    this.appetite = 'reads';
    this.pull();
  }

  onReady(events: number): void {
    if ((events & ~Ready.out) !== 0) this.pull();
    this.push();
  }

  private pull(): void {
    const buffer = new Uint8Array(65_536);
    while (this.appetite === 'reads' && this.ending === 'none') {
      const count = this.socket!.receive(buffer);
      if (count === WOULD_BLOCK) break;
      if (count === FAILED) this.ending = 'failure';
      else if (count === 0) this.ending = 'end';
      else this.text += Buffer.from(buffer.subarray(0, count)).toString('latin1');
    }
    this.onText();
  }

  private push(): void {
    while (this.unsent.length > 0 && this.socket?.isOpen === true) {
      const first = this.unsent[0]!;
      const count = this.socket.send(first);
      if (count < 0) return;
      this.sent += count;
      if (count === first.length) this.unsent.shift();
      else this.unsent[0] = first.subarray(count);
    }
  }
}

/** Keeps what it is told; `onRecord` may throw, as a mistake of ours would. */
class KeepingWitness implements Witness {
  readonly records: SessionRecord[] = [];
  readonly errors: { id: string | undefined; error: unknown }[] = [];
  readonly over: string[] = [];
  onRecord: (facts: SessionFacts, record: SessionRecord) => void = () => undefined;

  sessionStarted(): void {}

  sessionRecord(facts: SessionFacts, record: SessionRecord): void {
    this.onRecord(facts, record);
    this.records.push(record);
  }

  sessionOver(): void {}

  turnedAway(): void {}

  controlOctets(): void {}

  internalError(facts: SessionFacts | undefined, error: unknown): void {
    this.errors.push({ id: facts?.id, error });
  }
}

export class SessionBench {
  readonly poller: Poller;
  readonly witness = new KeepingWitness();
  readonly ports = new PortPool([{ from: 13_000, to: 13_099 }]);
  readonly quota = new SessionQuota(newQuotaMemory(100));
  readonly serverDoor: TcpListener;
  private readonly serverPort: number;
  private readonly pipes = new PipePool();
  private readonly talkers: Talker[] = [];
  private readonly point: ServicePoint;
  private readonly upstream: Upstream = { dialect: { epsv: 'unknown', eprt: 'unknown' } };
  private begun = 0;
  private readonly clientFds = new Map<string, number>();

  constructor(poller: Poller) {
    this.poller = poller;
    this.serverDoor = listen(poller);
    this.serverPort = this.serverDoor.localPort();
    const times = { joinTimeoutMs: 30_000, dataIdleTimeoutMs: 30_000 };
    this.point = {
      poller,
      dataPath: new Relay({ poller, pipes: this.pipes, ports: this.ports, times }),
      security: undefined,
      passiveRanges: undefined,
      serverDial: () => ({ purpose: 'control' }),
      witness: this.witness,
      turns: new Turns(poller),
      onSessionOver: ({ id }, place) => {
        place.giveBack();
        this.witness.over.push(id);
      },
    };
  }

  until(holds: () => boolean): void {
    turnUntil(this.poller, holds);
  }

  /** A client connects and its session begins; the server is not there yet. */
  begin(id: string, limits: Partial<Limits> = {}): Talker {
    const frontDoor = listen(this.poller, new Recorder(), { purpose: 'control' });
    const client = new Talker();
    const dialled = TcpSocket.dial(this.poller, { octets: loopback4, port: frontDoor.localPort() }, client);
    assert.ok(dialled.ok);
    client.socket = dialled.value;
    this.talkers.push(client);
    const { fd, peer } = nextAccepted(this.poller, frontDoor);
    const server = endpointOf({ octets: loopback4, port: this.serverPort });
    const facts = sessionFacts(id, 'front', endpointOf(peer), server);
    const place = this.quota.admit(facts.client.address, 100, boundless);
    assert.ok(typeof place !== 'string');
    const terms = termsOf(facts, { ...unhurried, ...limits });
    const driver = new SessionDriver(this.point, this.upstream, facts, terms, place);
    frontDoor.close();
    // A few segments of the loopback interface: little can hide from the tests in the kernel.
    setInteger(fd, libc.SOL_SOCKET, SO_SNDBUF, 131_072);
    setInteger(client.socket.fd, libc.SOL_SOCKET, SO_RCVBUF, 262_144);
    this.clientFds.set(id, fd);
    driver.start(fd);
    this.begun++;
    return client;
  }

  /** The server takes the session's connection. */
  answer(): Talker {
    const server = new Talker();
    server.socket = TcpSocket.accepted(this.poller, nextAccepted(this.poller, this.serverDoor).fd, server);
    this.talkers.push(server);
    return server;
  }

  /** A session whose greeting has been read. */
  greet(id = 'one'): { client: Talker; server: Talker } {
    const client = this.begin(id);
    const server = this.answer();
    server.say('220 ready\r\n');
    this.until(() => client.text === '220 ready\r\n');
    client.text = '';
    return { client, server };
  }

  /** A session whose client is in, and has read all replies. */
  logIn(id: string): { client: Talker; server: Talker } {
    const { client, server } = this.greet(id);
    for (const [command, reply] of [
      ['USER me', '331 Password, please.'],
      ['PASS word', '230 Come in.'],
    ] as const) {
      client.say(`${command}\r\n`);
      this.until(() => server.text.endsWith(`${command}\r\n`));
      server.say(`${reply}\r\n`);
      this.until(() => client.text.endsWith(`${reply}\r\n`));
    }
    client.text = '';
    server.text = '';
    return { client, server };
  }

  /** Until nothing moves any more: several turns after which `progress` is the same. */
  settle(progress: () => number): void {
    for (let still = 0, before = progress(); still < 5; still++) {
      this.poller.turn(10);
      if (progress() !== before) still = 0;
      before = progress();
    }
  }

  /** The session at hand asks for a way with EPSV; the port that the client is told. */
  openPassive(client: Talker, server: Talker): number {
    client.say('EPSV\r\n');
    this.until(() => server.text.endsWith('\r\n'));
    server.say('229 Entering Extended Passive Mode (|||2000|)\r\n');
    this.until(() => client.text.includes('229 '));
    return Number(/\|\|\|(\d+)\|/.exec(client.text)?.[1]);
  }

  /** Somebody connects to a port of the gateway. */
  callFrom(octets: Uint8Array, port: number): void {
    const caller = new Talker();
    const from = { octets, port: 0 };
    const dialled = TcpSocket.dial(this.poller, { octets: loopback4, port }, caller, { from });
    assert.ok(dialled.ok);
    caller.socket = dialled.value;
    this.talkers.push(caller);
  }

  /** Waits, without a turn of the loop, until the kernel has something for that session from its client. */
  awaitArrival(id: string): void {
    const octet = new Uint8Array(1);
    while (libc.recv(this.clientFds.get(id)!, octet, 1, libc.MSG_PEEK) <= 0);
  }

  /** Lines of clients that led to anything. */
  get linesTaken(): number {
    return this.witness.records.filter(({ kind }) => kind === 'command' || kind === 'refusal').length;
  }

  close(): void {
    for (const talker of this.talkers) talker.socket?.close();
    this.serverDoor.close();
    this.until(() => this.witness.over.length === this.begun);
    assert.equal(this.ports.inUse, 0);
    this.pipes.close();
  }
}

function endpointOf({ octets, port }: SocketAddress): Endpoint {
  return { address: addressFromOctets(octets), port };
}

function termsOf({ client, server }: SessionFacts, limits: Limits): SessionTerms {
  return {
    clientPeer: client,
    clientLocal: endpointOf({ octets: loopback4, port: 21 }),
    serverPeer: server,
    advertise: undefined,
    advertiseToServer: undefined,
    serverMode: 'as-client',
    activeSourcePort: undefined,
    dataSource: 'routes',
    endFlows: false,
    ownPorts: [],
    ruleset: {
      source: 'test',
      dataConnections: {
        minimumPort: 1024,
        activePorts: undefined,
        beforeLogin: 'allow',
        unspecifiedAddress: 'replace',
        foreignPassiveAddress: 'replace',
        fxp: [],
      },
      verbs: { refuse: new Set(), allow: new Set(), unknown: 'refuse', site: { allow: undefined, refuse: new Set() } },
      access: openAccess,
      malformedReply: 'close',
      masks: { greeting: undefined, system: undefined, privateAddresses: false },
    },
    limits,
    tls: noTls,
    listener: 'front',
    epochMs: 0,
  };
}
