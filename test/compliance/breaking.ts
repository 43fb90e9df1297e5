// Does a broken transfer look broken? Whatever stops one leg is a reset at the other, the outcome `failed`, and never a
// clean end: stream mode ends a file with the end of the connection (RFC 959 §3.4), so a clean one would call it
// complete.

import assert from 'node:assert/strict';
import { octetsOfAddress } from '../../src/address/endpoint.ts';
import type { Side } from '../../src/session/expectation.ts';
import { listen, Recorder } from '../unit/sys/loopback.ts';
import { assertCarried } from './carrying.ts';
import type { Traits } from './data-path-fixture.ts';
import { Peer, socketAddress } from './peer.ts';
import {
  absent4,
  dials4,
  gateway4,
  type LegChanges,
  listens4,
  peerAddress,
  type Scene,
  type SceneTest,
} from './scene.ts';
import type { TestedWay } from './tested-way.ts';

const mebi = 1_048_576;
const sides = ['client', 'server'] as const;
// One slot of the timers' wheel is 100 ms.
const shortMs = 300;
// Where octets have to move in time, a busy machine gets that much between two of them.
const idleMs = 2_000;

export function breakingCases(test: SceneTest, { connections }: Traits): void {
  for (const side of sides) {
    resetCases(test, side);
    // Two connections can each come about, or stand still, without the other; of one, through.ts has what corresponds.
    if (connections !== 'one-each') continue;
    separateCases(test, side);
    dialCases(test, side);
  }
  if (connections === 'one-each') timeCases(test);
  openCases(test);
}

function resetCases(test: SceneTest, side: Side): void {
  const other = otherSide(side);

  test(`the ${side} is reset once both legs are up and nothing has moved`, (scene) => {
    const way = scene.open(listens4, dials4).join();
    way[side].reset();
    assertBroken(scene, way, other);
  });

  for (const octets of [1000, 20 * mebi]) {
    test(`the ${side} is reset after sending ${octets} octets`, (scene) => {
      const way = scene.open(listens4, dials4).join();
      way[side].send(octets);
      scene.until(() => way[other].received === octets);
      way[side].reset();
      assertBroken(scene, way, other);
    });

    test(`the ${side} is reset after receiving ${octets} octets of more`, (scene) => {
      const way = scene.open(listens4, dials4).join();
      way[other].send(octets + 1000);
      scene.until(() => way[side].received >= octets);
      way[side].reset();
      assertBroken(scene, way, other);
    });
  }

  test(`the ${side} is reset while its octets wait for a slow reader`, (scene) => {
    const way = scene.open(listens4, dials4).join();
    way[other].stopReading();
    way[side].send(50 * mebi);
    scene.settle(() => way[side].sent);
    way[side].reset();
    assertBroken(scene, way, other);
    // Octets that were on their way must not surface in the next transfer.
    const next = scene.open(listens4, dials4).join();
    for (const each of sides) next[each].send(mebi).endWriting();
    scene.until(() => next.hasEnded && next.client.hasEnded && next.server.hasEnded);
    assertCarried(next, mebi, mebi);
  });

  test(`the ${side} reads slowly and is reset while octets wait for it`, (scene) => {
    const way = scene.open(listens4, dials4).join();
    way[side].stopReading();
    way[other].send(50 * mebi);
    scene.settle(() => way[other].sent);
    way[side].reset();
    assertBroken(scene, way, other);
  });

  test(`the ${side} is reset after the other direction's end`, (scene) => {
    for (const octets of [0, 1000, 300_000]) {
      const way = scene.open(listens4, dials4).join();
      way[other].send(octets).endWriting();
      scene.until(() => way[side].hasEnded);
      way[side].reset();
      assertBroken(scene, way, other);
    }
  });

  test(`the ${side} is reset after its own end, in the middle of the other direction`, (scene) => {
    for (const octets of [1, 300_000]) {
      const way = scene.open(listens4, dials4).join();
      way[side].send(1000).endWriting();
      way[other].send(octets);
      scene.until(() => way[side].received === octets && way[other].hasEnded);
      way[side].reset();
      scene.until(() => way.hasEnded);
      assert.equal(way.result?.outcome, 'failed');
      scene.until(() => way[other].wasReset);
    }
  });
}

function separateCases(test: SceneTest, side: Side): void {
  const other = otherSide(side);

  test(`the ${side} is reset before the other leg is up`, (scene) => {
    for (const shape of [listens4, dials4]) {
      const way = side === 'client' ? scene.open(shape, listens4) : scene.open(listens4, shape);
      const peer = way.connect(side).send(1000);
      scene.until(() => way.reports.includes(`arrived ${side}`));
      peer.reset();
      scene.until(() => way.hasEnded);
      assert.deepEqual(way.reports, [`arrived ${side}`, 'ended failed']);
      const late = way.callFrom(other, way.ends[other]);
      scene.until(() => late.life === 'broken');
      assert.equal(late.failure, 'ECONNREFUSED');
    }
  });

  test(`the ${side} sends an urgent octet, which the kernel leaves out: nothing looks complete`, (scene) => {
    for (const octets of [1000, 300_000]) {
      const way = scene.open(listens4, dials4).join();
      way[side].send(octets);
      scene.until(() => way[other].received === octets);
      way[side].sendUrgent();
      way[side].send(1000).endWriting();
      assertBroken(scene, way, other);
    }
    const early = scene.open(listens4, listens4);
    early.connect(side);
    scene.until(() => early.reports.length > 0 && early[side].life === 'connected');
    early[side].sendUrgent();
    early[side].endWriting();
    early.connect(other);
    scene.until(() => early.hasEnded);
    assert.equal(early.result?.outcome, 'failed');
  });
}

function dialCases(test: SceneTest, side: Side): void {
  const other = otherSide(side);

  test(`the ${side} refuses the gateway's connection: the other leg is reset`, (scene) => {
    const remotePort = closedPort(scene, side);
    const way = openDialling(scene, side, { remotePort });
    const waiting = way.connect(other);
    scene.until(() => way.reports.includes(`arrived ${other}`));
    way.dial(side);
    scene.until(() => way.hasEnded && waiting.wasReset);
    assert.equal(way.result?.outcome, 'failed');
    assert.match(way.result!.reason, /ECONNREFUSED/);
    assert.equal(waiting.hasEnded, false);
  });

  test(`the ${side} refuses the gateway's connection before the other leg is up`, (scene) => {
    const way = openDialling(scene, side, { remotePort: closedPort(scene, side) });
    way.dial(side);
    scene.until(() => way.hasEnded);
    assert.deepEqual(way.reports, ['ended failed']);
  });

  test(`the ${side} cannot even be dialled: told after the call, the other leg is reset`, (scene) => {
    const way = openDialling(scene, side, { local: absent4 });
    const waiting = way.connect(other);
    scene.until(() => way.reports.includes(`arrived ${other}`));
    way.dial(side);
    assert.equal(way.hasEnded, false);
    scene.until(() => way.hasEnded && waiting.wasReset);
    assert.match(way.result!.reason, /EADDRNOTAVAIL/);
  });
}

function timeCases(test: SceneTest): void {
  for (const side of sides) {
    const other = otherSide(side);

    test(
      `the ${other} does not come in time: the ${side} is reset`,
      (scene) => {
        const way = scene.open(listens4, listens4);
        const peer = way.connect(side);
        scene.until(() => way.hasEnded && peer.wasReset);
        assert.deepEqual(way.reports, [`arrived ${side}`, 'ended failed']);
      },
      { joinTimeoutMs: shortMs },
    );

    test(
      `the ${side} does not answer the gateway's connection in time: the ${other} is reset`,
      (scene) => {
        const { port, release } = deafPort(scene, side);
        const way = openDialling(scene, side, { remotePort: port });
        const waiting = way.connect(other);
        scene.until(() => way.reports.includes(`arrived ${other}`));
        way.dial(side);
        scene.until(() => way.hasEnded && waiting.wasReset);
        assert.deepEqual(way.reports, [`arrived ${other}`, 'ended failed']);
        release();
      },
      { joinTimeoutMs: shortMs },
    );

    test(
      `no octet moves for too long, the ${side} having sent before: both are reset`,
      (scene) => {
        const way = scene.open(listens4, dials4).join();
        way[side].send(300_000).endWriting();
        scene.until(() => way[other].hasEnded);
        scene.until(() => way.hasEnded && way.client.wasReset && way.server.wasReset);
        assert.equal(way.result?.outcome, 'failed');
      },
      { dataIdleTimeoutMs: idleMs },
    );
  }

  test(
    'an octet now and then keeps a connection alive, in either direction',
    (scene) => {
      const way = scene.open(listens4, dials4).join();
      for (const until = performance.now() + 3 * idleMs; performance.now() < until; ) {
        const side = way.client.received < way.server.received ? 'server' : 'client';
        way[side].send(1);
        // The turn waits; that time passes is what is tested here.
        scene.poller.turn(idleMs / 20);
      }
      assert.equal(way.hasEnded, false, way.result?.reason);
      way.close();
      scene.until(() => way.client.wasReset && way.server.wasReset);
    },
    { dataIdleTimeoutMs: idleMs },
  );
}

function openCases(test: SceneTest): void {
  test(
    'an opened way waits as long as its owner lets it',
    (scene) => {
      const way = scene.open(listens4, dials4);
      for (const until = performance.now() + 3 * shortMs; performance.now() < until; ) scene.poller.turn(shortMs);
      assert.deepEqual(way.reports, []);
      way.close();
    },
    { joinTimeoutMs: shortMs, dataIdleTimeoutMs: shortMs },
  );
}

/** The way has failed, the other peer saw a reset and never a clean end. */
function assertBroken(scene: Scene, way: TestedWay, other: Side): void {
  const endedBefore = way[other].hasEnded;
  scene.until(() => way.hasEnded);
  assert.equal(way.result?.outcome, 'failed');
  way[other].startReading();
  scene.until(() => way[other].life === 'broken');
  assert.ok(way[other].wasReset, String(way[other].failure));
  assert.equal(way[other].hasEnded, endedBefore, 'no clean end');
}

function otherSide(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}

/** A way that dials on this side and listens on the other. */
function openDialling(scene: Scene, side: Side, changes: LegChanges): TestedWay {
  return side === 'client'
    ? scene.open(dials4, listens4, { client: changes })
    : scene.open(listens4, dials4, { server: changes });
}

/** A port of the peer's address at which nobody listens. */
function closedPort(scene: Scene, side: Side): number {
  const peer = Peer.listening(side, scene.poller, socketAddress(peerAddress(side, dials4)));
  const port = peer.listeningPort;
  peer.close();
  return port;
}

/** A listener whose queue is full, so that the kernel drops each further request: a host that does not answer. */
function deafPort(scene: Scene, side: Side): { readonly port: number; release(): void } {
  const address = peerAddress(side, dials4);
  const listener = listen(scene.poller, new Recorder(), { backlog: 0 }, octetsOfAddress(address));
  listener.pause();
  const port = listener.localPort();
  const crowd = [0, 1, 2].map(() =>
    Peer.dialling('client', scene.poller, socketAddress(gateway4), socketAddress(address, port)),
  );
  scene.settle(() => crowd.filter((each) => each.life === 'connected').length);
  return {
    port,
    release: () => {
      for (const each of [listener, ...crowd]) each.close();
    },
  };
}
