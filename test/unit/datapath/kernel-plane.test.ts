// What does an engine learn of its holes, and what becomes of them? With the real table, connection tracking and TCP,
// in namespaces of this process; every step happens in the call that causes it, so nothing has to be waited for but
// events.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressFromOctets } from '../../../src/address/endpoint.ts';
import { type FlowBegun, type FlowStanding, type HoleOwner, KernelPlane } from '../../../src/datapath/kernel-plane.ts';
import type { Hole } from '../../../src/nftables/hole.ts';
import { printRuleset } from '../../../src/nftables/ruleset.ts';
import { type FlowOctets, type FlowTuple, FlowWatch } from '../../../src/sys/conntrack.ts';
import { Poller } from '../../../src/sys/poller.ts';
import type { SocketAddress } from '../../../src/sys/socket-address.ts';
import { TcpListener } from '../../../src/sys/tcp-listener.ts';
import { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { networks, tablePlan } from '../../support/table-plans.ts';
import { patienceMs } from '../../support/watch.ts';
import { dial, Recorder, turnUntil } from '../sys/loopback.ts';
import { clientAddress, openRoutedNetwork, serverAddress } from '../sys/routed-network.ts';

/** Has the peer's answers dropped before they are seen. */
const deafTable = `table inet deaf {
  chain deaf { type filter hook prerouting priority raw; tcp flags & (syn | ack) == (syn | ack) drop; }
}`;

const skip = whyNoOwnNetwork();
const timeoutMs = 30_000;
const publicPort = 50_000;
/** The router's own address towards the client. */
const publicAddress = Uint8Array.of(198, 51, 100, 1);

/** Remembers what it is told. */
class Owner implements HoleOwner {
  readonly told: string[] = [];
  flow: FlowTuple | undefined;
  octets: FlowOctets | undefined;

  onFlowBegun({ flow }: FlowBegun): void {
    this.flow = flow;
    this.told.push('begun');
  }

  onFlowStands({ stage, octets }: FlowStanding): void {
    this.octets = octets;
    if (this.told.at(-1) !== stage) this.told.push(stage);
  }
}

/** A router with our table, which guards the server's network, and one engine's plane there. */
class Scene {
  readonly network = openRoutedNetwork();
  readonly poller = new Poller();
  readonly plane: KernelPlane;
  readonly tracker: FlowWatch;
  readonly listener: TcpListener;
  private readonly sockets: TcpSocket[] = [];

  constructor(eventOctets?: number) {
    const { router, server } = this.network;
    router.sysctl('net/netfilter/nf_conntrack_acct', 1);
    router.command('nft -f -', printRuleset({ ...tablePlan, guard: networks('10.77.0.0/24') }));
    const { table, dataMark } = tablePlan;
    const parts = { poller: this.poller, table, dataMark, ...(eventOctets === undefined ? {} : { eventOctets }) };
    this.plane = router.within(() => new KernelPlane(parts));
    this.tracker = router.within(() =>
      FlowWatch.open(
        this.poller,
        dataMark,
        () => {},
        () => {},
        { telling: 'when-asked' },
      ),
    );
    const local = { octets: serverAddress[4], port: 0 };
    const listened = server.within(() => TcpListener.open(this.poller, local, new Recorder(), { backlog: 16 }));
    assert.ok(listened.ok);
    this.listener = listened.value;
  }

  /** As a client would know it that was told the server's own address, or the router's. */
  hole(known: 'routed' | 'published'): Hole {
    const initiator = addressFromOctets(clientAddress[4]);
    const responder = { address: addressFromOctets(serverAddress[4]), port: this.listener.localPort() };
    const announced = { address: addressFromOctets(publicAddress), port: publicPort };
    return { initiator, advertised: known === 'routed' ? responder : announced, responder, source: initiator };
  }

  /** The client's SYN has passed the router, or not, when this returns. */
  dial({ advertised }: Hole, from?: SocketAddress): TcpSocket {
    const octets = advertised.port === publicPort ? publicAddress : serverAddress[4];
    const to = { octets, port: advertised.port };
    const socket = this.network.client.within(() =>
      dial(this.poller, to, new Recorder(), from === undefined ? {} : { from }),
    );
    this.sockets.push(socket);
    return socket;
  }

  /** Without a turn of the poller, which would tell the owner what a test may want to ask for first. */
  accept(): TcpSocket {
    const deadline = performance.now() + patienceMs;
    let accepted = this.listener.accept();
    while (accepted === undefined && performance.now() < deadline) accepted = this.listener.accept();
    assert.ok(typeof accepted === 'object', 'nobody came');
    const socket = TcpSocket.accepted(this.poller, accepted.fd, new Recorder());
    this.sockets.push(socket);
    return socket;
  }

  /** The connection of which the owner was not told: read and asked for, without a turn that would tell him. */
  begunAt(hole: Hole): FlowTuple | undefined {
    this.plane.catchUp();
    const begun = this.plane.look(hole);
    return begun === undefined || begun === 'attempted' ? undefined : begun.flow;
  }

  /** What our sets and maps hold of holes. */
  elements(): string[] {
    const listing = this.network.router.command(`nft list table inet ${tablePlan.table}`);
    const holes = listing.replaceAll(/\tset tries[46] \{.*?\n\t\}/gs, '');
    return holes.match(/198\.51\.100\.2 \. \S+ \. \d+/g) ?? [];
  }

  /** Where connection tracking has the flow that the owner was told of. */
  stateOf(flow: FlowTuple): string | undefined {
    return this.tracker.ask(flow)?.tcpState;
  }

  close(): void {
    for (const socket of this.sockets) socket.reset();
    this.listener.close();
    this.plane.shutDown();
    this.tracker.close();
    this.poller.close();
    this.network.close();
  }
}

function planeTest(name: string, body: (scene: Scene) => void, eventOctets?: number): void {
  test(name, { skip }, () => {
    const scene = new Scene(eventOctets);
    try {
      body(scene);
    } finally {
      scene.close();
    }
  });
}

planeTest(
  'a flow through a hole is told in order, with its octets; what it leaves behind goes with the next hole',
  (scene) => {
    const owner = new Owner();
    const hole = scene.hole('published');
    assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
    assert.equal(scene.elements().length, 2, 'a redirect and a pinhole');
    const client = scene.dial(hole);
    const server = scene.accept();
    assert.equal(server.send(new Uint8Array(5_000)), 5_000);
    turnUntil(scene.poller, () => owner.told.includes('joined'));
    server.endWriting();
    turnUntil(scene.poller, () => owner.told.includes('half-closed'));
    client.endWriting();
    turnUntil(scene.poller, () => owner.told.length === 4);
    assert.deepEqual(owner.told, ['begun', 'joined', 'half-closed', 'completed']);
    assert.ok(owner.octets!.reply > 5_000, 'with headers');

    const next = new Owner();
    assert.equal(scene.plane.open(hole, timeoutMs, next), undefined, 'the same place once more');
    assert.equal(scene.elements().length, 2);
    scene.plane.close(hole, 'only-the-hole');
    assert.deepEqual(scene.elements(), []);
  },
);

planeTest('what a first packet leaves behind goes soon, also when no other hole is opened', (scene) => {
  const hole = scene.hole('published');
  const owner = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
  scene.dial(hole);
  turnUntil(scene.poller, () => owner.told.includes('joined') && scene.elements().length === 0);
});

planeTest('a first packet that gets no answer is no flow of the way: the hole stays for the one that does', (scene) => {
  const { server } = scene.network;
  const port = scene.listener.localPort();
  server.command(
    'nft -f -',
    `table inet silent { chain silent { type filter hook input priority filter; tcp dport ${port} drop; }; }`,
  );
  const hole = scene.hole('routed');
  const owner = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
  scene.dial(hole);
  assert.equal(scene.begunAt(hole), undefined);
  assert.equal(scene.elements().length, 1);
  server.command('nft delete table inet silent', '');
  scene.dial(hole);
  scene.accept();
  turnUntil(scene.poller, () => owner.told.length === 2);
  assert.deepEqual(owner.told, ['begun', 'joined']);
  assert.deepEqual(scene.elements(), []);
});

planeTest('a first packet that is refused is nothing to tell either', (scene) => {
  const hole = scene.hole('routed');
  const owner = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
  scene.listener.close();
  const refused = scene.dial(hole);
  turnUntil(scene.poller, () => !refused.isOpen || refused.failure !== undefined || !refused.connected());
  assert.equal(scene.begunAt(hole), undefined);
  assert.deepEqual(owner.told, []);
  assert.equal(scene.elements().length, 1);
});

planeTest('whoever asks knows at once, and is not told again', (scene) => {
  const hole = scene.hole('routed');
  const owner = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
  scene.dial(hole);
  const server = scene.accept();
  const flow = scene.begunAt(hole)!;
  assert.deepEqual(owner.told, []);
  assert.equal(scene.plane.look(hole), undefined, 'it is told once');
  assert.equal(scene.plane.standing(flow)?.stage, 'joined');
  assert.equal(server.send(new Uint8Array(5_000)), 5_000);
  server.reset();
  const { stage, octets } = scene.plane.standing(flow)!;
  assert.equal(stage, 'failed');
  assert.ok(octets!.reply > 5_000, 'with headers');
  // Everything that could still be told is, and the next round has passed.
  assert.equal(scene.tracker.kill(flow), true);
  const next = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, next), undefined);
  scene.dial(hole);
  scene.accept();
  turnUntil(scene.poller, () => next.told.length === 2);
  assert.deepEqual(owner.told, []);
});

planeTest('of many that begin at a hole only the one that is completed is its flow', (scene) => {
  const hole = scene.hole('routed');
  const owner = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
  // The client's own firewall loses every answer, so none of these is completed.
  scene.network.client.command('nft -f -', deafTable);
  const attempts = Array.from({ length: 9 }, () => scene.dial(hole));
  assert.equal(scene.begunAt(hole), undefined);
  assert.equal(scene.elements().length, 1);
  // What is answered late is nobody's then.
  for (const socket of attempts) socket.reset();
  scene.network.client.command('nft delete table inet deaf', '');
  const rightful = scene.dial(hole);
  scene.accept();
  assert.equal(scene.begunAt(hole)?.sourcePort, rightful.localAddress().port);
  assert.deepEqual(scene.elements(), []);
});

planeTest(
  'events that are lost make nobody think that a hole is unused whose flow is there',
  (scene) => {
    const hole = scene.hole('published');
    const owner = new Owner();
    assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
    // The queue has room for a few events; these take it.
    scene.network.client.command('nft -f -', deafTable);
    for (const socket of Array.from({ length: 64 }, () => scene.dial(hole))) socket.reset();
    scene.network.client.command('nft delete table inet deaf', '');
    const socket = scene.dial(hole);
    scene.accept();
    turnUntil(scene.poller, () => owner.told.length === 2);
    assert.deepEqual(owner.told, ['begun', 'joined']);
    assert.equal(owner.flow?.sourcePort, socket.localAddress().port);
  },
  // The kernel makes it its least, some two events.
  1,
);

for (const [stage, end] of [
  ['joined', 'failed'],
  ['completed', 'completed'],
] as const) {
  planeTest(`a flow that the kernel is made to forget once it is ${stage} has ${end}`, (scene) => {
    const hole = scene.hole('routed');
    const owner = new Owner();
    assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
    const client = scene.dial(hole);
    const server = scene.accept();
    turnUntil(scene.poller, () => owner.told.length === 2);
    if (stage === 'completed') for (const end of [client, server]) end.endWriting();
    // Nothing is asked between the end of the flow and this.
    assert.equal(scene.stateOf(owner.flow!), stage === 'completed' ? 'time-wait' : 'established');
    assert.equal(scene.tracker.kill(owner.flow!), true);
    assert.equal(scene.plane.standing(owner.flow!), undefined);
    turnUntil(scene.poller, () => owner.told.length === 3);
    assert.deepEqual(owner.told, ['begun', 'joined', end]);
  });
}

planeTest('a flow between the same ends as one that has ended: each is told to its own owner', (scene) => {
  const hole = scene.hole('routed');
  const owner = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
  const first = scene.dial(hole);
  const from = first.localAddress();
  const server = scene.accept();
  turnUntil(scene.poller, () => owner.told.length === 1);
  // The server ends first, so that it is the one that waits, and the client's port is free again.
  server.endWriting();
  first.close();

  const next = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, next), undefined);
  scene.dial(hole, from);
  scene.accept();
  const flow = scene.begunAt(hole)!;
  assert.equal(owner.told.at(-1), 'completed');
  assert.deepEqual(next.told, []);
  assert.equal(scene.plane.standing(flow)?.stage, 'joined');
});

planeTest('nothing passes a hole that is closed, and two at one place cannot be', (scene) => {
  const hole = scene.hole('routed');
  const owner = new Owner();
  assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
  assert.equal(scene.plane.open(hole, timeoutMs, new Owner()), 'EEXIST');
  scene.plane.close(hole, 'only-the-hole');
  assert.deepEqual(scene.elements(), []);
  scene.dial(hole);
  scene.poller.turn(0);
  assert.equal(scene.listener.accept(), undefined);
  assert.deepEqual(owner.told, []);
});

for (const [ending, state] of [
  ['and-its-flow', undefined],
  ['only-the-hole', 'established'],
] as const) {
  planeTest(`a flow that slips through while its hole is being closed, ${ending}`, (scene) => {
    const hole = scene.hole('routed');
    const owner = new Owner();
    assert.equal(scene.plane.open(hole, timeoutMs, owner), undefined);
    const client = scene.dial(hole);
    scene.accept();
    // No turn since the first packet: the plane has not heard of it.
    scene.plane.close(hole, ending);
    scene.poller.turn(0);
    const flow: FlowTuple = {
      family: 4,
      source: clientAddress[4],
      destination: serverAddress[4],
      sourcePort: client.localAddress().port,
      destinationPort: hole.advertised.port,
    };
    assert.equal(scene.stateOf(flow), state);
    assert.deepEqual(owner.told, []);
  });
}
