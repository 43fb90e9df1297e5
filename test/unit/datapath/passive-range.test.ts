// Whom does the kernel let through for a session that nobody reads, whither, and until when? With the real table,
// connection tracking and TCP, in namespaces of this process.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, addressFromOctets } from '../../../src/address/endpoint.ts';
import { KernelPlane } from '../../../src/datapath/kernel-plane.ts';
import { PassiveRanges } from '../../../src/datapath/passive-range.ts';
import type { RangePeers } from '../../../src/nftables/range-elements.ts';
import { printRuleset } from '../../../src/nftables/ruleset.ts';
import { Poller } from '../../../src/sys/poller.ts';
import { TcpListener } from '../../../src/sys/tcp-listener.ts';
import { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { tablePlan } from '../../support/table-plans.ts';
import { dial, nextAccepted, Recorder, turnUntil } from '../sys/loopback.ts';
import { clientAddress, openRoutedNetwork, serverAddress } from '../sys/routed-network.ts';

const skip = whyNoOwnNetwork();
const ports = { from: 40_000, to: 40_001 };
const [client, server] = [addressFromOctets(clientAddress[4]), addressFromOctets(serverAddress[4])];
const strangerOctets = Uint8Array.of(198, 51, 100, 3);
const publishedOctets = Uint8Array.of(198, 51, 100, 1);
const published = addressFromOctets(publishedOctets);
const inside = addressFromOctets(Uint8Array.of(10, 77, 0, 1));

const routed: RangePeers = { client, announced: server, server, source: client, ports };
const translated: RangePeers = { client, announced: published, server, source: inside, ports };

type Answer = 'passes' | 'refused';

/** Of the operator: only what bears our mark is forwarded, the rest is told at once. */
const firewall = `table inet firewall {
  chain forward { type filter hook forward priority filter; ct mark 0xf7b accept; reject with tcp reset; }
}`;

/** A router with our table, the operator's, and two engines there. */
class Scene {
  readonly network = openRoutedNetwork();
  readonly poller = new Poller();
  readonly plane: KernelPlane;
  readonly engines: readonly PassiveRanges[];
  readonly sockets: TcpSocket[] = [];
  readonly lost: string[] = [];
  private readonly listeners: TcpListener[];

  constructor() {
    const { router, server: at } = this.network;
    this.network.client.command('ip address add 198.51.100.3/24 dev eth0');
    this.writeTable();
    const { table, dataMark } = tablePlan;
    this.plane = router.within(() => new KernelPlane({ poller: this.poller, table, dataMark }));
    const { poller, plane } = this;
    this.engines = [0, 1].map((index) =>
      router.within(() => new PassiveRanges({ poller, plane, table, index, count: 2 })),
    );
    this.listeners = [ports.from, ports.to, ports.to + 1].map((port) => {
      const local = { octets: serverAddress[4], port };
      const listened = at.within(() => TcpListener.open(this.poller, local, new Recorder(), { backlog: 16 }));
      assert.ok(listened.ok);
      return listened.value;
    });
  }

  writeTable(): void {
    const ours = printRuleset({ ...tablePlan, passiveRanges: [ports], engines: 2 });
    this.network.router.command('nft -f -', `${ours}\n${firewall}`);
  }

  open(peers: RangePeers, engine = 0, endFlows = false) {
    const opened = this.engines[engine]!.open(peers, endFlows, (reason) => this.lost.push(reason));
    assert.ok(opened.ok, opened.ok ? '' : opened.reason);
    return opened.value;
  }

  why(peers: RangePeers): string {
    const opened = this.engines[0]!.open(peers, false, (reason) => this.lost.push(reason));
    assert.ok(!opened.ok);
    return opened.reason;
  }

  /** What becomes of a new connection to the server, or to where it is published. */
  dials(port: number, to: 'server' | 'published' = 'server', from?: Uint8Array): Answer {
    const octets = to === 'server' ? serverAddress[4] : publishedOctets;
    const heard = new Recorder();
    const options = from === undefined ? {} : { from: { octets: from, port: 0 } };
    const socket = this.network.client.within(() => dial(this.poller, { octets, port }, heard, options));
    this.sockets.push(socket);
    turnUntil(this.poller, () => heard.masks.length > 0);
    return socket.connected() ? 'passes' : 'refused';
  }

  /** The next connection as the server has it. */
  take(port: number): { readonly socket: TcpSocket; readonly peer: string } {
    const { fd, peer } = nextAccepted(this.poller, this.listeners[port - ports.from]!);
    const socket = TcpSocket.accepted(this.poller, fd, new Recorder());
    this.sockets.push(socket);
    return { socket, peer: addressFromOctets(peer.octets).text };
  }

  close(): void {
    for (const socket of this.sockets) socket.reset();
    for (const listener of this.listeners) listener.close();
    for (const engine of this.engines) engine.shutDown();
    this.plane.shutDown();
    this.poller.close();
    this.network.close();
  }
}

function rangeTest(name: string, body: (scene: Scene) => void): void {
  test(name, { skip }, () => {
    const scene = new Scene();
    try {
      body(scene);
    } finally {
      scene.close();
    }
  });
}

rangeTest('this client reaches these ports while the session lasts, and nobody else anything else', (scene) => {
  assert.equal(scene.dials(ports.from), 'refused');
  const range = scene.open(routed);
  assert.equal(scene.dials(ports.from), 'passes');
  assert.equal(scene.dials(ports.from), 'passes', 'more than once');
  assert.equal(scene.dials(ports.to), 'passes');
  assert.equal(scene.dials(ports.to + 1), 'refused');
  assert.equal(scene.dials(ports.from, 'server', strangerOctets), 'refused');
  assert.equal(range.connections(), 3);
  range.close();
  assert.equal(scene.dials(ports.from), 'refused');
  assert.equal(scene.take(ports.from).socket.send(new Uint8Array(1)), 1, 'what is under way goes on');
});

rangeTest('addresses are translated in both directions, ports are not', (scene) => {
  const range = scene.open(translated);
  assert.equal(scene.dials(ports.to, 'published'), 'passes');
  assert.equal(scene.take(ports.to).peer, '10.77.0.1');
  assert.equal(scene.dials(ports.to, 'published', strangerOctets), 'refused');
  range.close();
  assert.equal(scene.dials(ports.to, 'published'), 'refused');
});

rangeTest('two sessions of one client with one server: the range is there until the last has ended', (scene) => {
  const [first, second] = [scene.open(routed), scene.open(routed)];
  first.close();
  first.close();
  assert.equal(scene.dials(ports.from), 'passes');
  second.close();
  assert.equal(scene.dials(ports.from), 'refused');
});

rangeTest('connections end with the last session of their peers, in whichever engine', (scene) => {
  const [here, there] = [scene.open(routed, 0, true), scene.open(routed, 1, true)];
  assert.equal(scene.dials(ports.from), 'passes');
  const { socket } = scene.take(ports.from);
  here.close();
  const round = performance.now() + 1_500;
  turnUntil(scene.poller, () => performance.now() > round);
  assert.equal(socket.send(new Uint8Array(1)), 1);
  assert.equal(there.connections(), 1);
  there.close();
  turnUntil(scene.poller, () => there.connections() === 0);
});

rangeTest('a connection of the same peers at the same ports that came through a pinhole is not ended', (scene) => {
  const range = scene.open(routed, 0, true);
  const responder = { address: server, port: ports.from };
  const owner = { onFlowBegun: () => undefined, onFlowStands: () => undefined };
  const hole = { initiator: client, advertised: responder, responder, source: client };
  assert.equal(scene.plane.open(hole, 30_000, owner), undefined);
  assert.equal(scene.dials(ports.from), 'passes', 'through the pinhole');
  const { socket: expected } = scene.take(ports.from);
  assert.equal(scene.dials(ports.to), 'passes', 'unread');
  turnUntil(scene.poller, () => scene.plane.flows()?.length === 2);
  assert.equal(range.connections(), 1);
  range.close();
  turnUntil(scene.poller, () => scene.plane.flows()?.length === 1);
  assert.equal(expected.send(new Uint8Array(1)), 1);
  const [left] = scene.plane.flows() ?? [];
  assert.equal(left?.original.destinationPort, ports.from);
});

rangeTest('a table that was flushed and written anew has the range again within a round', (scene) => {
  scene.open(routed);
  scene.open(translated, 1);
  scene.network.router.command('nft flush ruleset');
  scene.writeTable();
  assert.equal(scene.dials(ports.from), 'refused');
  const elements = () => scene.network.router.command('nft list ruleset').match(/198\.51\.100\.2 \. \S+/g)?.length;
  turnUntil(scene.poller, () => elements() === 4);
  assert.equal(scene.dials(ports.from), 'passes');
  assert.deepEqual(scene.lost, []);
});

rangeTest('a table that stays away is told, and the range is closed', (scene) => {
  const range = scene.open(routed);
  scene.network.router.command('nft flush ruleset');
  turnUntil(scene.poller, () => scene.lost.length > 0);
  assert.deepEqual(scene.lost, ['its passive ports cannot be held open: ENOENT']);
  scene.writeTable();
  range.close();
  assert.equal(scene.dials(ports.from), 'refused');
});

rangeTest('what the kernel cannot do is refused with its reason', (scene) => {
  const six: Address = addressFromOctets(clientAddress[6]);
  assert.equal(scene.why({ ...routed, client: six }), 'client and server speak different address families');
  scene.open(translated);
  assert.equal(
    scene.why({ ...translated, source: published }),
    'another session of this client has the ports of this server otherwise translated',
  );
  assert.match(scene.why({ ...routed, ports: { from: 1, to: 2 } }), /^the kernel refuses its passive ports: ENOENT$/);
});
