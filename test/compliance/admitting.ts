// Does a listening leg take the one peer that it is for, once, and nobody else (RFC 2577 §4, port theft)?

import assert from 'node:assert/strict';
import { printEndpoint } from '../../src/address/endpoint.ts';
import { type Network, parseNetwork } from '../../src/address/network.ts';
import type { Side } from '../../src/session/expectation.ts';
import { assertCarried, endBoth } from './carrying.ts';
import type { Traits } from './data-path-fixture.ts';
import { addressOf, dials4, listens4, listens6, loopback6, type Scene, type SceneTest } from './scene.ts';
import type { TestedWay } from './tested-way.ts';

const sides = ['client', 'server'] as const;

export function admittingCases(test: SceneTest, { connections }: Traits): void {
  const areTold = connections === 'one-each';
  for (const side of sides) {
    const report = areTold ? 'reported once' : 'not told';
    test(`a stranger at the ${side}'s leg is kept out, ${report}, and the rightful peer gets through`, (scene) => {
      const way = openListening(scene, side);
      const stranger = way.callFrom(side, scene.places.stranger(side)).send(100);
      scene.until(() => stranger.life === 'broken' && (!areTold || way.reports.length > 0));
      assert.deepEqual(way.reports, areTold ? [`stranger ${side} ${printEndpoint(stranger.local!)}`] : []);
      finish(scene, way);
      assert.equal(stranger.received, 0);
      assert.equal(way.reports.filter((report) => report.startsWith('stranger')).length, areTold ? 1 : 0);
    });

    test(`a second connection of the rightful peer at the ${side}'s leg is refused`, (scene) => {
      const way = openListening(scene, side);
      way.connect(side);
      // Both before the gateway has looked: only the first is taken.
      const second = way.callFrom(side, way.ends[side]).send(10);
      scene.until(() => way.reports.includes(areTold ? `arrived ${side}` : 'joined') && second.life === 'broken');
      const third = way.callFrom(side, way.ends[side]);
      scene.until(() => third.life === 'broken');
      assert.equal(third.failure, 'ECONNREFUSED');
      finish(scene, way, side);
      assert.deepEqual([second.received, third.received], [0, 0]);
    });
  }

  test('a crowd of strangers, with the rightful peer in its midst', (scene) => {
    const way = openListening(scene, 'client');
    const before = Array.from({ length: 8 }, () => way.callFrom('client', scene.places.stranger('client')));
    way.connect('client');
    const after = Array.from({ length: 7 }, () => way.callFrom('client', scene.places.stranger('client')));
    scene.until(() => [...before, ...after].every((each) => each.life === 'broken'));
    assert.equal(way.reports.filter((report) => report.startsWith('stranger')).length, areTold ? 8 : 0);
    finish(scene, way, 'client');
  });

  test('strangers one after another for as long as the rightful peer stays away', (scene) => {
    const way = openListening(scene, 'client');
    for (let count = 1; count <= 50; count++) {
      const stranger = way.callFrom('client', scene.places.stranger('client'));
      scene.until(() => stranger.life === 'broken');
      assert.equal(way.reports.length, areTold ? count : 0);
    }
    finish(scene, way);
  });

  // A hole in the kernel is for one host: a way for more is not opened there (through.ts).
  if (!areTold) return;

  test('peers of further networks are let in, their neighbours are not', (scene) => {
    const admitsToo = [networkOf('2001:db8::/32'), networkOf('127.77.0.4/31')];
    for (const [caller, isLetIn] of [
      ['127.77.0.4', true],
      ['127.77.0.5', true],
      ['127.77.0.6', false],
    ] as const) {
      const way = scene.open(listens4, dials4, { client: { admitsToo } });
      const peer = way.callFrom('client', addressOf(caller));
      scene.until(() => way.reports.length > 0);
      const expected = isLetIn ? 'arrived client' : `stranger client ${printEndpoint(peer.local!)}`;
      assert.deepEqual(way.reports, [expected]);
      way.close();
    }
  });

  test('the same over IPv6: one address is admitted, a network can be', (scene) => {
    const admits = addressOf('2001:db8::7');
    const closed = scene.open(listens6, dials4, { client: { admits } });
    const stranger = closed.callFrom('client', loopback6);
    scene.until(() => stranger.life === 'broken' && closed.reports.length > 0);
    assert.match(closed.reports.join(), /^stranger client \[::1\]:\d+$/);
    closed.close();

    finish(scene, scene.open(listens6, dials4, { client: { admits, admitsToo: [networkOf('::1/128')] } }));
  });
}

/** The rightful peers come (the given one is there already), move a few octets and end. */
function finish(scene: Scene, way: TestedWay, alreadyThere?: Side): void {
  for (const side of sides) if (side !== alreadyThere) way.connect(side);
  way.client.send(1000);
  way.server.send(2000);
  endBoth(way);
  scene.until(() => way.hasEnded && way.client.hasEnded && way.server.hasEnded);
  assertCarried(way, 1000, 2000);
}

function openListening(scene: Scene, side: Side): TestedWay {
  return side === 'client' ? scene.open(listens4, dials4) : scene.open(dials4, listens4);
}

function networkOf(text: string): Network {
  const read = parseNetwork(text);
  assert.ok(read.ok);
  return read.value;
}
