// Does what goes in at one leg come out at the other, whole, in order and with its end, whatever the legs and the
// sizes?

import assert from 'node:assert/strict';
import { sameAddress, sameEndpoint } from '../../src/address/endpoint.ts';
import type { Side } from '../../src/session/expectation.ts';
import type { Traits } from './data-path-fixture.ts';
import { dials4, dials6, type LegShape, listens4, listens6, type Scene, type SceneTest } from './scene.ts';
import type { TestedWay } from './tested-way.ts';

const shapes: readonly LegShape[] = [listens4, listens6, dials4, dials6];
const mebi = 1_048_576;
// Around one copied read, around the octets after which a stream is spliced, and far into splicing.
const sizes = [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 20 * mebi];

export function carryingCases(test: SceneTest, traits: Traits): void {
  const oneEach = traits.connections === 'one-each';
  for (const client of shapes) {
    for (const server of shapes) {
      test(`the gateway ${text(client)} for the client and ${text(server)} for the server`, (scene) => {
        const way = scene.open(client, server);
        if (!oneEach && !areOneConnection(client, server)) {
          assert.match(way.refusal!, /cannot carry/);
          return;
        }
        assert.equal(way.refusal, undefined);
        way.join();
        for (const side of ['client', 'server'] as const) {
          const { gateway } = way[side];
          const { local } = way.expectation[side];
          if (gateway !== undefined) assert.ok(sameAddress(gateway.address, local!), 'seen is the address of its leg');
        }
        way.client.send(70_001).endWriting();
        way.server.send(300_001).endWriting();
        scene.until(() => way.hasEnded && way.client.hasEnded && way.server.hasEnded);
        assertCarried(way, 70_001, 300_001);
        assert.ok(sameEndpoint(way.result!.clientPeer!, way.client.local!));
        assert.ok(sameEndpoint(way.result!.serverPeer!, way.server.local!));
        const [arrived = '', ...rest] = way.reports;
        assert.match(arrived, /^arrived (client|server)$/);
        assert.deepEqual(rest, ['joined', 'ended completed']);
      });
    }
  }

  for (const octets of sizes) {
    test(`${octets} octets to the client, then ${octets} to the server, then ${octets} both ways at once`, (scene) => {
      for (const [toServer, toClient] of [
        [0, octets],
        [octets, 0],
        [octets, octets],
      ] as const) {
        const way = scene.open(listens4, dials4).join();
        way.client.send(toServer).endWriting();
        way.server.send(toClient).endWriting();
        scene.until(() => way.hasEnded && way.client.hasEnded && way.server.hasEnded);
        assertCarried(way, toServer, toClient);
      }
    });
  }

  test('octets that come one at a time, and a question and an answer by turns', (scene) => {
    const way = scene.open(listens4, dials4).join();
    for (let octets = 1; octets <= 300; octets++) {
      way.client.send(1);
      scene.until(() => way.server.received === octets);
      way.server.send(1);
      scene.until(() => way.client.received === octets);
    }
    endBoth(way);
    scene.until(() => way.hasEnded);
    assertCarried(way, 300, 300);
  });

  for (const first of ['client', 'server'] as const) {
    test(`a half-close of the ${first} is passed on, and the other direction goes on`, (scene) => {
      const way = scene.open(listens4, dials4).join();
      const [early, late] = first === 'client' ? [way.client, way.server] : [way.server, way.client];
      early.send(200_000).endWriting();
      scene.until(() => late.hasEnded);
      assert.equal(late.received, 200_000);
      for (const octets of [1, 200_000, 2 * mebi]) {
        late.send(octets);
        scene.until(() => early.received === late.sent && late.sent >= octets);
        assert.deepEqual([early.hasEnded, way.hasEnded], [false, false]);
      }
      late.endWriting();
      scene.until(() => early.hasEnded && way.hasEnded);
      assert.equal(early.received, 2 * mebi + 200_001);
      assert.equal(way.result?.outcome, 'completed');
    });

    test(`the end of the ${first}'s direction waits for its last octet, even at a reader that waits`, (scene) => {
      const way = scene.open(listens4, dials4).join();
      const [writer, reader] = first === 'client' ? [way.client, way.server] : [way.server, way.client];
      reader.stopReading();
      writer.send(20 * mebi).endWriting();
      reader.endWriting();
      scene.settle(() => writer.sent);
      assert.ok(writer.sent < 20 * mebi, 'the writer had to wait');
      assert.equal(way.hasEnded, false);
      reader.startReading();
      scene.until(() => reader.hasEnded && way.hasEnded);
      assert.equal(reader.receivedBeforeEnd, 20 * mebi);
      assert.equal(way.result?.outcome, 'completed');
    });
  }

  // Of one connection no leg can be up before the other.
  for (const octets of oneEach ? [0, 1, 100_000, 10 * mebi] : []) {
    test(`whoever is first may send ${octets} octets and end before the other leg is up`, (scene) => {
      for (const shape of [listens4, dials4]) {
        const way = scene.open(shape, listens4);
        endsBeforeTheOther(scene, way, 'client', 'server', octets);
        assertCarried(way, octets, answerOctets);
      }
      for (const shape of [listens4, dials4]) {
        const way = scene.open(dials4, shape);
        endsBeforeTheOther(scene, way, 'server', 'client', octets);
        assertCarried(way, answerOctets, octets);
      }
    });
  }
}

const answerOctets = 50_000;

function endsBeforeTheOther(scene: Scene, way: TestedWay, early: Side, late: Side, octets: number): void {
  sendEarly(way, early, octets, (progress) => scene.settle(progress));
  const reader = way.connect(late);
  // It is silent till then: anything it sent would make the early octets' event come once more.
  scene.until(() => reader.hasEnded);
  assert.equal(reader.received, octets);
  reader.send(answerOctets).endWriting();
  scene.until(() => way.hasEnded && way.client.hasEnded && way.server.hasEnded);
}

function sendEarly(way: TestedWay, side: Side, octets: number, settle: (progress: () => number) => void): void {
  const peer = way.connect(side).send(octets).endWriting();
  settle(() => peer.sent + way.reports.length);
  assert.deepEqual(way.reports, [`arrived ${side}`]);
}

/** Ends both directions after what has been given to send. */
export function endBoth(way: TestedWay): void {
  way.client.endWriting();
  way.server.endWriting();
}

/**
 * Each peer has received so many octets (their content was checked on the way), the ends were clean, the counts agree.
 */
export function assertCarried(way: TestedWay, toServer: number, toClient: number): void {
  const carried = [toServer, toClient];
  const counts = [way.result?.octetsToServer, way.result?.octetsToClient];
  assert.deepEqual(
    {
      toServer: way.server.received,
      toClient: way.client.received,
      failures: [way.client.failure, way.server.failure],
      outcome: way.result?.outcome,
      counts: way.plane === 'relay' ? counts : counts.map((count, index) => countedInPackets(count, carried[index]!)),
    },
    { toServer, toClient, failures: [undefined, undefined], outcome: 'completed', counts: carried },
  );
}

/** The kernel counts the headers too: never less than the stream, and as much more as there were packets. */
function countedInPackets(count: number | undefined, carried: number): number | undefined {
  // Of the smallest segments that are sent here, one octet each with its acknowledgement, 100 octets of headers each.
  return count !== undefined && count >= carried && count <= 100_000 + carried * 2 ? carried : count;
}

/** One peer dials and the other listens, in one address family. */
function areOneConnection(client: LegShape, server: LegShape): boolean {
  return client.mode !== server.mode && client.family === server.family;
}

function text({ mode, family }: LegShape): string {
  return `${mode}s over IPv${family}`;
}
