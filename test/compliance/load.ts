// What becomes of memory and of fairness when much is under way? A slow reader holds back its writer, not the gateway;
// hundreds of ways share one thread.

import assert from 'node:assert/strict';
import { raiseDescriptorLimit } from '../../src/sys/descriptor-limit.ts';
import { assertCarried, endBoth } from './carrying.ts';
import { dials4, dials6, listens4, listens6, type SceneTest } from './scene.ts';

const mebi = 1_048_576;

export function loadCases(test: SceneTest): void {
  for (const side of ['client', 'server'] as const) {
    test(`200 MiB for a ${side} that does not read: little is taken, nothing is lost`, (scene) => {
      const way = scene.open(listens4, dials4).join();
      const [reader, writer] = side === 'client' ? [way.client, way.server] : [way.server, way.client];
      reader.stopReading();
      const before = process.memoryUsage();
      writer.send(200 * mebi).endWriting();
      reader.endWriting();
      scene.settle(() => writer.sent);
      const after = process.memoryUsage();
      // The kernel's buffers of both connections (4 MiB to send, some to receive) and one pipe; far from 200.
      assert.ok(writer.sent < 48 * mebi, `${writer.sent} octets were taken`);
      // The process itself keeps one read at most.
      assert.ok(after.arrayBuffers - before.arrayBuffers < mebi, `${after.arrayBuffers - before.arrayBuffers} octets`);
      assert.ok(after.rss - before.rss < 32 * mebi, `${after.rss - before.rss} octets`);
      assert.equal(way.hasEnded, false);
      reader.startReading();
      scene.until(() => way.hasEnded && reader.hasEnded);
      assertCarried(way, side === 'server' ? 200 * mebi : 0, side === 'client' ? 200 * mebi : 0);
    });
  }

  test('500 ways at once, of all kinds, each with its own octets', (scene) => {
    // Four sockets, two listeners and a pipe each.
    assert.ok(raiseDescriptorLimit(10_000) >= 6000);
    const clients = [listens4, dials4, listens6, dials6];
    const servers = [dials4, listens4, dials4, listens6];
    const ways = Array.from({ length: 500 }, (_, index) => {
      return scene.open(clients[index % 4]!, servers[(index >> 2) % 4]!);
    });
    assert.deepEqual(
      ways.map((way) => way.refusal).filter((refusal) => refusal !== undefined),
      [],
    );
    for (const [index, way] of ways.entries()) {
      way.connect('client').send(index);
      way.connect('server').send(150_000 + index);
    }
    scene.until(() => ways.every((way) => way.isJoined));
    for (const way of ways) endBoth(way);
    scene.until(() => ways.every((way) => way.hasEnded && way.client.hasEnded && way.server.hasEnded));
    for (const [index, way] of ways.entries()) assertCarried(way, index, 150_000 + index);
  });

  test('a small transfer gets through beside large ones that never pause', (scene) => {
    const large = Array.from({ length: 4 }, () => scene.open(listens4, dials4).join());
    for (const way of large) way.server.send(20_000 * mebi);
    scene.until(() => large.every((way) => way.client.received > mebi));
    const small = scene.open(listens4, dials4).join();
    small.server.send(1000);
    endBoth(small);
    const before = large.map((way) => way.client.received);
    scene.until(() => small.hasEnded && small.client.hasEnded);
    assertCarried(small, 0, 1000);
    const meanwhile = large.reduce((sum, way, index) => sum + way.client.received - before[index]!, 0);
    assert.ok(meanwhile < 2000 * mebi, `${meanwhile} octets of the others came first`);
    for (const way of large) way.close();
  });
}
