// May the owner end a way at any moment? close() frees everything at once and silences the way; what becomes of whoever
// is there, the traits say;
// the owner of the ways here objects to every report during a call and after close().

import assert from 'node:assert/strict';
import { openDescriptors } from '../unit/sys/loopback.ts';
import type { Traits } from './data-path-fixture.ts';
import { absent4, dials4, listens4, type Scene, type SceneTest, stranger4 } from './scene.ts';
import type { TestedWay } from './tested-way.ts';

const mebi = 1_048_576;

interface Stage {
  readonly name: string;
  /** With one leg up and the other not. */
  readonly isBetween?: true;
  reach(scene: Scene): TestedWay;
}

const stages: readonly Stage[] = [
  { name: 'as soon as it is open', reach: (scene) => scene.open(listens4, dials4) },
  {
    name: 'while a peer is at the door',
    isBetween: true,
    reach: (scene) => {
      const way = scene.open(listens4, dials4);
      way.connect('client').send(100);
      return way;
    },
  },
  {
    name: 'when one leg has arrived, with octets that wait',
    isBetween: true,
    reach: (scene) => {
      const way = scene.open(listens4, dials4);
      way.connect('client').send(mebi).endWriting();
      scene.until(() => way.reports.length > 0);
      return way;
    },
  },
  {
    name: 'while it dials',
    isBetween: true,
    reach: (scene) => {
      const way = scene.open(listens4, dials4);
      way.connect('server');
      return way;
    },
  },
  {
    name: 'when a dial has failed and is about to be reported',
    isBetween: true,
    reach: (scene) => {
      const way = scene.open(dials4, listens4, { client: { local: absent4, remotePort: 1 } });
      way.dial('client');
      return way;
    },
  },
  { name: 'when both legs are up', reach: (scene) => scene.open(listens4, dials4).join() },
  {
    name: 'in the middle of a large transfer',
    reach: (scene) => {
      const way = scene.open(listens4, dials4).join();
      way.server.send(50 * mebi);
      scene.until(() => way.client.received > 5 * mebi);
      return way;
    },
  },
  {
    name: 'while a slow reader lets octets wait',
    reach: (scene) => {
      const way = scene.open(listens4, dials4).join();
      way.client.stopReading();
      way.server.send(50 * mebi);
      scene.settle(() => way.server.sent);
      return way;
    },
  },
  {
    name: 'after a half-close',
    reach: (scene) => {
      const way = scene.open(listens4, dials4).join();
      way.server.send(1000).endWriting();
      scene.until(() => way.client.hasEnded);
      return way;
    },
  },
];

const becomes: Readonly<Record<Traits['closing'], string>> = {
  resets: 'the peers see a reset',
  'lets-go': 'the peers go on',
  cuts: 'the peers are cut off',
};

export function closingCases(test: SceneTest, { connections, closing }: Traits): void {
  const oneEach = connections === 'one-each';
  for (const { name, reach, isBetween } of stages) {
    if (isBetween && !oneEach) continue;
    test(`closed ${name}: all is freed at once, ${becomes[closing]}, nothing more is told`, (scene) => {
      const way = reach(scene);
      way.close();
      assert.equal(scene.fixture.ports.inUse, 0);
      const told = way.reports.length;
      way.close();
      way.dial('client');
      way.dial('server');
      if (closing === 'resets') assertReset(scene, way);
      else if (way.isJoined && closing === 'lets-go') assertGoesOn(scene, way);
      else if (way.isJoined) assertCut(scene, way);
      scene.settle(() => way.reports.length);
      assert.equal(way.reports.length, told);
    });
  }

  test('concluded, and then half closed: it ends as completed after a moment, and its ports are free', (scene) => {
    for (const first of ['conclude', 'end'] as const) {
      const way = scene.open(listens4, dials4).join();
      if (first === 'conclude') way.conclude();
      way.server.send(1000).endWriting();
      scene.until(() => way.client.hasEnded);
      way.conclude();
      scene.until(() => way.reports.some((report) => report.startsWith('ended')));
      assert.match(way.reports.at(-1)!, /^ended completed/);
      assert.equal(way.client.received, 1000);
      assert.equal(scene.fixture.ports.inUse, 0);
      way.dismissPeers();
    }
  });

  for (const report of [
    ...(oneEach ? ['stranger client', 'arrived client', 'arrived server'] : []),
    'joined',
    'ended completed',
    'ended failed',
  ]) {
    test(`closed inside the report "${report}"`, (scene) => {
      const before = openDescriptors();
      const way = scene.open(listens4, dials4);
      way.onReport = (heard) => {
        if (heard.startsWith(report)) way.close();
      };
      lead(scene, way, report);
      scene.until(() => way.reports.some((heard) => heard.startsWith(report)));
      assert.equal(scene.fixture.ports.inUse, 0);
      way.dismissPeers();
      scene.settle(() => way.reports.length);
      assert.ok(way.reports.at(-1)!.startsWith(report), String(way.reports));
      assert.equal(openDescriptors(), before);
    });
  }

  if (oneEach) dialledInsideCase(test);
  test('an ended way may still be closed and dialled; neither does anything', (scene) => {
    const way = scene.open(listens4, dials4).join();
    way.client.endWriting();
    way.server.endWriting();
    scene.until(() => way.hasEnded);
    way.dial('server');
    way.close();
    scene.until(() => way.client.hasEnded && way.server.hasEnded);
    assert.deepEqual([way.client.failure, way.server.failure], [undefined, undefined]);
  });
}

function dialledInsideCase(test: SceneTest): void {
  test("a leg dialled inside the report of the other leg's arrival", (scene) => {
    const way = scene.open(listens4, dials4);
    way.onReport = (heard) => {
      if (heard === 'arrived client') way.connect('server').send(10).endWriting();
    };
    way.connect('client').send(20).endWriting();
    scene.until(() => way.hasEnded);
    assert.deepEqual(way.reports, ['arrived client', 'joined', 'ended completed']);
  });
}

function assertReset(scene: Scene, way: TestedWay): void {
  for (const peer of way.presentPeers) {
    const ended = peer.hasEnded;
    peer.startReading();
    scene.until(() => peer.life === 'broken');
    assert.equal(peer.hasEnded, ended, 'no clean end');
  }
}

/** What was begun comes to its proper end without the gateway. */
function assertGoesOn(scene: Scene, way: TestedWay): void {
  way.client.startReading();
  way.client.send(1000).endWriting();
  way.server.endWriting();
  scene.until(() => way.client.hasEnded && way.server.hasEnded);
  assert.deepEqual([way.client.failure, way.server.failure], [undefined, undefined]);
  assert.deepEqual([way.server.received, way.client.received], [way.client.sent, way.server.sent]);
}

/** Nothing that is sent from now on arrives, and it does not look like the end of the stream. */
function assertCut(scene: Scene, way: TestedWay): void {
  const { received, hasEnded } = way.server;
  way.client.startReading();
  way.client.send(1000);
  scene.until(() => way.client.life === 'broken');
  assert.deepEqual([way.server.received, way.server.hasEnded], [received, hasEnded]);
}

/** Does what leads to that report. */
function lead(scene: Scene, way: TestedWay, report: string): void {
  switch (report) {
    case 'stranger client':
      way.callFrom('client', stranger4);
      // At the door behind the stranger, when the way is closed.
      way.connect('client');
      return;
    case 'arrived client':
      way.connect('client').send(100);
      return;
    case 'arrived server':
      way.connect('server').send(100);
      return;
    case 'joined':
      way.connect('client').send(100);
      scene.until(() => way.reports.length > 0);
      way.connect('server').send(100);
      return;
    case 'ended completed':
      way.join();
      way.client.endWriting();
      way.server.endWriting();
      return;
    default:
      way.join();
      way.client.reset();
  }
}
