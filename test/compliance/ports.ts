// Where do the ports of a way come from, and do they come back? Out of the pool, each to one way at a time, exactly
// once back whatever happens; other programs on the same ports are in nobody's way.

import assert from 'node:assert/strict';
import { octetsOfAddress } from '../../src/address/endpoint.ts';
import { TcpListener } from '../../src/sys/tcp-listener.ts';
import { openDescriptors, Recorder } from '../unit/sys/loopback.ts';
import { assertCarried, endBoth } from './carrying.ts';
import type { Traits } from './data-path-fixture.ts';
import {
  absent4,
  addressOf,
  dials4,
  dials6,
  gateway4,
  type LegShape,
  listens4,
  listens6,
  type Scene,
  type SceneTest,
} from './scene.ts';
import type { TestedWay } from './tested-way.ts';

const few = [{ from: 14_100, to: 14_103 }];
const one = [{ from: 14_100, to: 14_100 }];

export function portCases(test: SceneTest, { connections }: Traits): void {
  test(
    'each way has a port of its own, and the next is refused when all are given out',
    (scene) => {
      const ways = [listens4, dials4, listens6, dials6].map((client) => scene.open(client, counterpart(client)));
      const given = ways.map(({ ports }) => ports.client ?? ports.server);
      assert.deepEqual(given.toSorted(), [14_100, 14_101, 14_102, 14_103]);
      for (const { ports, expectation } of ways) {
        assert.equal(ports.client === undefined, expectation.client.mode === 'dial');
        assert.equal(ports.server === undefined, expectation.server.mode === 'dial');
      }
      assert.match(scene.open(listens4, dials4).refusal!, /dataPorts/);
      ways[0]!.close();
      finish(scene, scene.open(listens4, dials4));
      assert.equal(scene.fixture.ports.inUse, 3);
      for (const way of ways) way.close();
      assert.equal(scene.fixture.ports.inUse, 0);
    },
    { dataPorts: few },
  );

  reuseCases(test);
  if (connections === 'one-each') ownSocketCases(test);
}

/** Where both legs may listen, on sockets of the gateway's own. */
function ownSocketCases(test: SceneTest): void {
  test(
    'ports come from the pool, are distinct, and a dialling leg has none',
    (scene) => {
      const { ports } = scene.fixture;
      const first = scene.open(listens4, listens6);
      const second = scene.open(dials4, listens4);
      const third = scene.open(listens6, dials6);
      assert.deepEqual([second.ports.client, third.ports.server], [undefined, undefined]);
      const given = [first.ports.client, first.ports.server, second.ports.server, third.ports.client];
      assert.deepEqual(given.toSorted(), [14_100, 14_101, 14_102, 14_103]);
      assert.equal(ports.inUse, 4);
      for (const way of [first, second, third]) way.close();
      assert.equal(ports.inUse, 0);
    },
    { dataPorts: few },
  );

  test(
    'with all ports given out a way is refused and nothing of it stays open; later it is opened',
    (scene) => {
      const held = [scene.open(listens4, dials4), scene.open(listens4, dials4), scene.open(listens4, dials4)];
      // Counted with the peer that listens for the refused way, as it does for this one.
      const before = openDescriptors();
      const refused = scene.open(listens4, listens4);
      assert.match(refused.refusal!, /dataPorts/);
      assert.equal(openDescriptors(), before);
      assert.equal(scene.fixture.ports.inUse, 3, 'the one port that it could have had is back');
      held[0]!.close();
      finish(scene, scene.open(listens4, listens4));
      for (const way of held.slice(1)) way.close();
    },
    { dataPorts: few },
  );

  test(
    'ports that another program holds are passed over and stay in the pool',
    (scene) => {
      const octets = octetsOfAddress(gateway4);
      const others = [14_100, 14_101, 14_103].map((port) => {
        const listened = TcpListener.open(scene.poller, { octets, port }, new Recorder(), { backlog: 1 });
        assert.ok(listened.ok);
        return listened.value;
      });
      for (let tries = 0; tries < 10; tries++) {
        const way = scene.open(listens4, dials4);
        assert.equal(way.ports.client, 14_102);
        assert.equal(scene.fixture.ports.inUse, 1);
        assert.ok(scene.open(listens4, dials4).refusal, 'no port is left');
        finish(scene, way);
      }
      for (const other of others) other.close();
      const ways = few.flatMap(({ from, to }) =>
        Array.from({ length: to - from + 1 }, () => scene.open(listens4, dials4)),
      );
      assert.deepEqual(ways.map((way) => way.ports.client).toSorted(), [14_100, 14_101, 14_102, 14_103]);
      for (const way of ways) way.close();
    },
    { dataPorts: few },
  );

  test('an address that this machine does not have: refused, nothing stays open', (scene) => {
    const before = openDescriptors();
    const way = scene.open(listens4, listens4, { server: { local: absent4 } });
    assert.match(way.refusal!, /192\.0\.2\.1.*EADDRNOTAVAIL/);
    assert.equal(openDescriptors(), before);
    assert.equal(scene.fixture.ports.inUse, 0);
  });

  test('a dialling leg comes from its local address, and from its source port where it has one', (scene) => {
    const client = { sourcePort: 14_900 };
    const server = { local: addressOf('127.77.0.9') };
    const way = scene.open(dials4, dials4, { client, server }).join();
    assert.deepEqual(way.client.gateway, { address: gateway4, port: 14_900 });
    assert.deepEqual(way.server.gateway?.address, server.local);
    // Two at once from one port, to different peers: an active server's port 20 serves all its clients.
    const another = scene.open(dials4, dials4, { client }).join();
    assert.equal(another.client.gateway?.port, 14_900);
    for (const each of [way, another]) {
      endBoth(each);
      scene.until(() => each.hasEnded);
      assertCarried(each, 0, 0);
    }
  });
}

function reuseCases(test: SceneTest): void {
  test(
    'one port serves one way after another, whichever way they end',
    (scene) => {
      for (let round = 0; round < 30; round++) {
        const way = scene.open(listens4, dials4);
        assert.equal(way.ports.client, 14_100);
        if (round % 3 === 0) way.close();
        else if (round % 3 === 1) finish(scene, way);
        else {
          way.connect('client');
          scene.until(() => way.reports.length > 0);
          way.client.reset();
          scene.until(() => way.hasEnded);
        }
        assert.equal(scene.fixture.ports.inUse, 0);
      }
    },
    { dataPorts: one },
  );

  test(
    'a way at the port of one that was closed in the middle is told only of its own connection',
    (scene) => {
      const former = scene.open(listens4, dials4).join();
      former.client.send(1000);
      scene.until(() => former.server.received === 1000);
      former.close();
      const way = scene.open(listens4, dials4);
      former.dismissPeers();
      // Whatever the end of the former connection still brings.
      scene.settle(() => way.reports.length);
      assert.deepEqual(way.reports, []);
      finish(scene, way);
    },
    { dataPorts: one },
  );
}

function counterpart({ mode, family }: LegShape): LegShape {
  return { mode: mode === 'listen' ? 'dial' : 'listen', family };
}

function finish(scene: Scene, way: TestedWay): void {
  way.join();
  way.client.send(1000);
  way.server.send(2000);
  endBoth(way);
  scene.until(() => way.hasEnded && way.client.hasEnded && way.server.hasEnded);
  assertCarried(way, 1000, 2000);
}
