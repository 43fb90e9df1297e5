import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowWatch, stageOf } from '../../../src/sys/conntrack.ts';
import { SysError } from '../../../src/sys/errno.ts';
import * as libc from '../../../src/sys/libc.ts';
import { Poller } from '../../../src/sys/poller.ts';
import { encodeSocketAddress } from '../../../src/sys/socket-address.ts';
import { WOULD_BLOCK } from '../../../src/sys/stream.ts';
import { withoutNetAdmin } from '../../support/without-net-admin.ts';
import { type FlowScene, flowTest, otherMarkPort, type Pair, redirectedPort, silentPort, skip } from './flow-scene.ts';
import { openDescriptors, takeConnection, turnUntil, withoutFreeDescriptors } from './loopback.ts';
import { clientAddress, serverAddress } from './routed-network.ts';

const SOCK_DGRAM = 2;

/** Ends what may be left of a connection. */
function abandon({ client, server }: Pick<Pair, 'client' | 'server'>): void {
  client.reset();
  server.reset();
}

for (const family of [4, 6] as const) {
  flowTest(`IPv${family}: a connection that both sides close in order, half-closed for a while`, (scene) => {
    const pair = scene.connect(family);
    assert.equal(pair.server.send(new Uint8Array(10_000)), 10_000);
    pair.server.endWriting();
    const received = new Uint8Array(20_000);
    for (let length = 0; length < 10_000; ) {
      turnUntil(scene.poller, () => {
        const count = pair.client.receive(received);
        if (count > 0) length += count;
        return count > 0;
      });
    }
    const original = pair.flow;
    assert.equal(stageOf(scene.awaitState(original, 'close-wait')), 'half-closed');
    pair.client.endWriting();
    const ended = scene.awaitState(original, 'time-wait');
    assert.equal(stageOf(ended), 'completed');
    assert.deepEqual(ended.original, original);
    assert.deepEqual(scene.told, ['new syn-sent'], 'what lies between is not told');
    assert.equal(original.family, family);
    assert.deepEqual(original.source, clientAddress[family]);
    assert.deepEqual(original.destination, serverAddress[family]);
    const moved = scene.watch.ask(original)?.octets;
    assert.deepEqual(moved, { original: scene.counted('there'), reply: scene.counted('back') });
    assert.ok(moved!.reply > 10_000, 'with headers');
    pair.client.close();
    pair.server.close();
  });

  flowTest(`IPv${family}: a SYN to a closed port ends at once, and the octets are in the event`, (scene) => {
    const client = scene.dial(serverAddress[family], 1);
    const { original, octets } = scene.awaitLast('destroy', 'close');
    assert.deepEqual(scene.told, ['new syn-sent', 'destroy close']);
    assert.deepEqual(octets, { original: scene.counted('there'), reply: scene.counted('back') });
    assert.equal(scene.watch.ask(original), undefined);
    client.close();
  });

  flowTest(`IPv${family}: a SYN without an answer, forgotten`, (scene) => {
    const client = scene.dial(serverAddress[family], silentPort);
    const { original } = scene.awaitLast('new', 'syn-sent');
    assert.equal(stageOf(scene.watch.ask(original)!), 'opening');
    assert.equal(scene.watch.kill(original), true);
    const { octets } = scene.awaitLast('destroy', 'syn-sent');
    assert.equal(octets?.reply, 0);
    client.close();
  });
}

const resets: [name: string, end: (pair: Pair, scene: FlowScene) => void][] = [
  ['reset by the client', ({ client }) => client.reset()],
  ['reset by the server', ({ server }) => server.reset()],
  [
    'half-closed by the server, then reset by the client',
    ({ client, server, flow }, { watch, poller }) => {
      server.endWriting();
      turnUntil(poller, () => watch.ask(flow)?.tcpState === 'close-wait');
      client.reset();
    },
  ],
];

for (const [name, end] of resets) {
  flowTest(`a connection ${name} has failed`, (scene) => {
    const pair = scene.connect(4);
    end(pair, scene);
    assert.equal(stageOf(scene.awaitState(pair.flow, 'close')), 'failed');
    abandon(pair);
  });
}

flowTest('a connection that both sides close at once has completed', (scene) => {
  const pair = scene.connect(4);
  pair.client.close();
  pair.server.close();
  assert.equal(stageOf(scene.awaitState(pair.flow, 'time-wait')), 'completed');
  // That it is forgotten later is not told: the next that is told is another connection.
  assert.equal(scene.watch.kill(pair.flow), true);
  const next = scene.connect(4);
  assert.deepEqual(scene.told, ['new syn-sent', 'new syn-sent']);
  abandon(next);
});

flowTest('the tuple is the one that the initiator used, before any translation', (scene) => {
  const listener = scene.listen(4, redirectedPort);
  const router = Uint8Array.of(198, 51, 100, 1);
  const client = scene.dial(router, redirectedPort);
  const server = takeConnection(scene.poller, listener);
  const { original } = scene.awaitLast('new', 'syn-sent');
  assert.deepEqual(original.destination, router);
  scene.awaitState(original, 'established');
  listener.close();
  abandon({ client, server });
});

flowTest('a flow that is killed passes no more, and the next kill finds nothing', (scene) => {
  const pair = scene.connect(4);
  assert.equal(scene.watch.kill(pair.flow), true);
  assert.equal(scene.watch.kill(pair.flow), false);
  assert.equal(scene.watch.ask(pair.flow), undefined);
  scene.awaitLast('destroy', 'established');
  pair.server.send(new Uint8Array(10));
  turnUntil(scene.poller, () => scene.counted('refused') > 0);
  assert.equal(pair.client.receive(new Uint8Array(10)), WOULD_BLOCK);
  abandon(pair);
});

flowTest('only flows with the mark are told, and of them only TCP', (scene) => {
  const listener = scene.listen(4, otherMarkPort);
  const client = scene.dial(serverAddress[4], otherMarkPort);
  const server = takeConnection(scene.poller, listener);
  listener.close();
  sendDatagrams(scene, 1);
  const pair = scene.connect(4);
  assert.deepEqual(scene.told, ['new syn-sent']);
  assert.notEqual(scene.events[0]!.original.destinationPort, otherMarkPort);
  abandon({ client, server });
  abandon(pair);
});

flowTest('events that find no room are lost, which is told once; what comes later is told again', (scene) => {
  // More than the queue holds, while nobody reads.
  sendDatagrams(scene, 25_000);
  turnUntil(scene.poller, () => scene.lost > 0);
  const pair = scene.connect(4);
  assert.deepEqual(scene.told, ['new syn-sent']);
  assert.equal(scene.lost, 1);
  abandon(pair);
});

/** Each to another port of the server's, so that each is a flow of its own, with our mark. */
function sendDatagrams({ network }: FlowScene, count: number): void {
  const fd = network.client.within(() => libc.socket(libc.AF_INET, SOCK_DGRAM | libc.SOCK_CLOEXEC, 0));
  const octet = new Uint8Array(1);
  for (let port = 1; port <= count; port++) {
    const address = encodeSocketAddress({ octets: serverAddress[4], port });
    assert.equal(libc.connect(fd, address, address.length), 0);
    // The server's refusals come back to this socket as errors of a later send; they are not the point.
    libc.send(fd, octet, 1, 0);
  }
  libc.close(fd);
}

flowTest('a mistake of whoever is told costs nobody else an event', (scene) => {
  const mistakes: unknown[] = [];
  scene.poller.onMistake = (error) => mistakes.push(error);
  const clumsy = scene.open(() => {
    throw new Error('oops');
  });
  const pair = scene.connect(4);
  turnUntil(scene.poller, () => mistakes.length === 1);
  clumsy.close();
  abandon(pair);
});

flowTest('a watch may be closed by whom it tells, and is silent from then on', (scene) => {
  const told: unknown[] = [];
  const brief = scene.open((event) => {
    told.push(event);
    brief.close();
  });
  const pair = scene.connect(4);
  turnUntil(scene.poller, () => told.length > 0);
  brief.close();
  brief.onReady();
  assert.equal(told.length, 1);
  abandon(pair);
});

flowTest(
  'without accounting there are events but no octets',
  (scene) => {
    const pair = scene.connect(4);
    assert.equal(scene.watch.ask(pair.flow)!.octets, undefined);
    abandon(pair);
    // Flows that begin after it was turned on have them.
    scene.network.router.sysctl('net/netfilter/nf_conntrack_acct', 1);
    const counted = scene.connect(4);
    assert.ok(scene.watch.ask(counted.flow)!.octets!.original > 0);
    abandon(counted);
  },
  { accounting: 0 },
);

const noEvent = () => assert.fail('nothing happens here');

test('who may not listen is told so, and nothing stays open', { skip }, () => {
  const poller = new Poller();
  const before = openDescriptors();
  const open = () => FlowWatch.open(poller, 1, noEvent, noEvent);
  withoutNetAdmin(() => assert.throws(open, (error) => error instanceof SysError && error.code === 'EPERM'));
  withoutFreeDescriptors(() => assert.throws(open, (error) => error instanceof SysError && error.code === 'EMFILE'));
  assert.equal(openDescriptors(), before);
  open().close();
  assert.equal(openDescriptors(), before);
  poller.close();
});
