// The stage of one compliance test: a fresh data path, addresses for everybody, and ways with their peers. When the
// curtain falls nothing may be left: no port, no descriptor, no report.

import assert from 'node:assert/strict';
import { type TestOptions, test } from 'node:test';
import { type Address, parseAddress } from '../../src/address/endpoint.ts';
import type { Network } from '../../src/address/network.ts';
import type { DataLeg, Side } from '../../src/session/expectation.ts';
import type { Poller } from '../../src/sys/poller.ts';
import { openDescriptors, turnUntil } from '../unit/sys/loopback.ts';
import type { Bench, DataPathFixture, FixtureWishes, LegTls, Places } from './data-path-fixture.ts';
import { Peer, socketAddress } from './peer.ts';
import { TestedWay } from './tested-way.ts';

export interface LegShape {
  readonly mode: 'listen' | 'dial';
  readonly family: 4 | 6;
}

export const listens4: LegShape = { mode: 'listen', family: 4 };
export const listens6: LegShape = { mode: 'listen', family: 6 };
export const dials4: LegShape = { mode: 'dial', family: 4 };
export const dials6: LegShape = { mode: 'dial', family: 6 };

export function addressOf(text: string): Address {
  const read = parseAddress(text);
  assert.ok(read.ok, text);
  return read.value;
}

// Addresses of the loopback network that no other test uses; of IPv6 there is only one.
export const gateway4 = addressOf('127.77.0.1');
export const stranger4 = addressOf('127.77.0.4');
/** RFC 5737 §3: TEST-NET-1, which no interface here has. */
export const absent4 = addressOf('192.0.2.1');
export const loopback6 = addressOf('::1');
const peers4 = { client: addressOf('127.77.0.2'), server: addressOf('127.77.0.3') };

/** Everybody on this machine's loopback interface. */
export const onLoopback: Places = {
  gateway: (_side, family) => (family === 4 ? gateway4 : loopback6),
  peer: (side, family) => peerAddress(side, { family }),
  stranger: () => stranger4,
  within: (_side, body) => body(),
};

// Below the range that the kernel chooses from, so that no peer of this test sits on a port of the pool.
const ordinaryWishes: FixtureWishes = {
  dataPorts: [{ from: 14_000, to: 15_999 }],
  joinTimeoutMs: 60_000,
  dataIdleTimeoutMs: 60_000,
  expectationTimeoutMs: 60_000,
};

export interface LegChanges {
  readonly admits?: Address;
  readonly admitsToo?: readonly Network[];
  readonly local?: Address;
  readonly remotePort?: number;
  readonly sourcePort?: number;
}

export class Scene {
  readonly fixture: DataPathFixture;
  readonly poller: Poller;
  readonly places: Places;
  private readonly ways: TestedWay[] = [];
  private readonly tls: Partial<Readonly<Record<Side, LegTls>>>;

  constructor(fixture: DataPathFixture, { places, tls = {} }: Bench) {
    this.fixture = fixture;
    this.places = places;
    this.tls = tls;
    this.poller = fixture.poller;
  }

  /** Opens a way with legs of these shapes; refused ones have a `refusal`. */
  open(client: LegShape, server: LegShape, changes: Partial<Record<Side, LegChanges>> = {}): TestedWay {
    const listening: Partial<Record<Side, Peer>> = {};
    const leg = (side: Side, shape: LegShape): DataLeg => this.legOf(side, shape, changes[side] ?? {}, listening);
    const { places, tls } = this;
    const isTold = tls.client !== undefined || tls.server !== undefined;
    const expectation = {
      way: this.ways.length + 1,
      client: leg('client', client),
      server: leg('server', server),
      ...(isTold ? { tls: 'by-transfer' as const } : {}),
    };
    const ends = { client: places.peer('client', client.family), server: places.peer('server', server.family) };
    const way = new TestedWay(expectation, ends, this.poller, listening, places, tls);
    this.ways.push(way);
    return way.open(this.fixture.path);
  }

  until(holds: () => boolean): void {
    turnUntil(this.poller, holds);
  }

  /** Turns until nothing happens any more: several turns with no event that changes what `progress` sees. */
  settle(progress: () => number): void {
    for (let still = 0, before = progress(); still < 5; still++) {
      this.poller.turn(10);
      if (progress() !== before) still = 0;
      before = progress();
    }
  }

  end(): void {
    // Whatever is still to be told is told now: nothing, or the owner objects.
    for (let turns = 0; turns < 5; turns++) this.poller.turn(0);
    assert.deepEqual(
      this.ways.filter((way) => way.isOwedAnEnd).map((way) => way.reports),
      [],
      'ways that never ended',
    );
    assert.equal(this.fixture.ports.inUse, 0, 'ports not given back');
    for (const way of this.ways) assert.equal(way.furtherConnections, 0, 'more than one connection got through');
  }

  dismissPeers(): void {
    for (const way of this.ways) way.dismissPeers();
  }

  private legOf(side: Side, shape: LegShape, changes: LegChanges, listening: Partial<Record<Side, Peer>>): DataLeg {
    const local = changes.local ?? this.places.gateway(side, shape.family);
    const address = this.places.peer(side, shape.family);
    if (shape.mode === 'listen') {
      return { mode: 'listen', local, admits: changes.admits ?? address, admitsToo: changes.admitsToo ?? [] };
    }
    const { sourcePort, remotePort } = changes;
    if (remotePort !== undefined) return { mode: 'dial', remote: { address, port: remotePort }, local, sourcePort };
    const peer = this.places.within(side, () =>
      Peer.listening(side, this.poller, socketAddress(address), this.tls[side]?.peer),
    );
    listening[side] = peer;
    return { mode: 'dial', remote: { address, port: peer.listeningPort }, local, sourcePort };
  }
}

export function peerAddress(side: Side, { family }: Pick<LegShape, 'family'>): Address {
  return family === 4 ? peers4[side] : loopback6;
}

export type SceneTest = (
  name: string,
  body: (scene: Scene) => void,
  wishes?: Partial<FixtureWishes>,
  options?: TestOptions,
) => void;

/** Tests of one implementation; each leaves as many descriptors open as it found. */
export function sceneTests(bench: Bench): SceneTest {
  return (name, body, wishes = {}, options = {}) => {
    test(name, options, () => {
      const before = openDescriptors();
      const fixture = bench.make({ ...ordinaryWishes, ...wishes });
      const scene = new Scene(fixture, bench);
      try {
        body(scene);
        scene.end();
      } finally {
        scene.dismissPeers();
        fixture.close();
      }
      assert.equal(openDescriptors(), before, 'descriptors left open');
    });
  };
}
