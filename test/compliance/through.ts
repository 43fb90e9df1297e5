// What is promised of a way whose peers have one connection between them, with the gateway out of its octets' reach? It
// opens for one host and one connection, within its time, and an answer that never comes leaves nothing open.

import assert from 'node:assert/strict';
import type { Side } from '../../src/session/expectation.ts';
import { networks } from '../support/table-plans.ts';
import { assertCarried, endBoth } from './carrying.ts';
import { Peer, socketAddress } from './peer.ts';
import { dials4, type LegChanges, listens4, type Scene, type SceneTest } from './scene.ts';
import type { TestedWay } from './tested-way.ts';

const sides = ['client', 'server'] as const;
const shortMs = 300;

export function throughCases(test: SceneTest): void {
  for (const dialler of sides) {
    const responder = dialler === 'client' ? 'server' : 'client';

    test(`the ${responder} refuses: the ${dialler} is told so by it, and the way waits for its owner`, (scene) => {
      const way = openFor(scene, dialler, { [responder]: { remotePort: closedPort(scene, responder) } });
      const peer = way.connect(dialler);
      scene.until(() => peer.life === 'broken');
      assert.equal(peer.failure, 'ECONNREFUSED');
      // A first packet that is refused could be anybody's, so it is nothing to tell.
      assert.deepEqual(way.reports, []);
      way.close();
    });

    test(
      `the ${dialler} comes too late: it is kept out, and the way waits for its owner`,
      (scene) => {
        const way = openFor(scene, dialler);
        for (const until = performance.now() + 2 * shortMs; performance.now() < until; ) scene.poller.turn(shortMs);
        const late = way.callFrom(dialler, way.ends[dialler]);
        scene.until(() => late.life === 'broken');
        assert.deepEqual(way.reports, []);
        assert.equal(scene.fixture.ports.inUse, 1);
        way.close();
      },
      { expectationTimeoutMs: shortMs },
    );

    test(`once a way is closed nobody passes, the ${dialler} neither`, (scene) => {
      const way = openFor(scene, dialler);
      way.close();
      const late = way.callFrom(dialler, way.ends[dialler]);
      scene.until(() => late.life === 'broken');
      assert.deepEqual(way.reports, []);
    });

    test(`the ${dialler} comes as soon as the way is open, before anything is read or told`, (scene) => {
      const way = openFor(scene, dialler);
      const peer = way.connect(dialler);
      way.connect(responder);
      assert.deepEqual(way.reports, [], 'nothing is told during a call');
      scene.until(() => way.isJoined && peer.life === 'connected' && way[responder].life === 'connected');
      endBoth(way);
      scene.until(() => way.hasEnded && way.client.hasEnded && way.server.hasEnded);
      assertCarried(way, 0, 0);
    });
  }

  test('a way for more than one host is refused', (scene) => {
    const way = scene.open(listens4, dials4, { client: { admitsToo: networks('198.51.100.0/24') } });
    assert.match(way.refusal!, /more than one host/);
  });

  test('two ways of one host at once, each at its own port, go to their own responders', (scene) => {
    const ways = [scene.open(listens4, dials4).join(), scene.open(listens4, dials4).join()];
    for (const [index, way] of ways.entries()) way.client.send(1000 + index);
    for (const way of ways) endBoth(way);
    scene.until(() => ways.every((way) => way.hasEnded && way.client.hasEnded && way.server.hasEnded));
    for (const [index, way] of ways.entries()) assertCarried(way, 1000 + index, 0);
  });
}

function openFor(scene: Scene, dialler: Side, changes: Partial<Record<Side, LegChanges>> = {}): TestedWay {
  return dialler === 'client' ? scene.open(listens4, dials4, changes) : scene.open(dials4, listens4, changes);
}

/** A port of the peer's address at which nobody listens. */
function closedPort({ places, poller }: Scene, side: Side): number {
  const peer = places.within(side, () => Peer.listening(side, poller, socketAddress(places.peer(side, 4))));
  const port = peer.listeningPort;
  peer.close();
  return port;
}
