import assert from 'node:assert/strict';
import * as libc from '../../../src/sys/libc.ts';
import { levelIn, Poller, Ready } from '../../../src/sys/poller.ts';
import { occupyUpTo, openDescriptors, Recorder, socketTest, withoutFreeDescriptors } from './loopback.ts';

/** A descriptor that is ready to be read as long as nobody does. */
function readyDescriptor(): number {
  return libc.eventfd(1, libc.EFD_NONBLOCK | libc.EFD_CLOEXEC);
}

function idleDescriptor(): number {
  return libc.eventfd(0, libc.EFD_NONBLOCK | libc.EFD_CLOEXEC);
}

function makeReady(fd: number): void {
  assert.equal(libc.write(fd, new Uint8Array(BigUint64Array.of(1n).buffer), 8), 8);
}

/** A turn with nothing to do waits so long. */
const idleTurnMs = 1000;

/** Of several tries: whoever waits waits in each of them, while a machine that stands still does so now and then. */
function shortest(tryOnce: () => number): number {
  return Math.min(...Array.from({ length: 5 }, tryOnce));
}

socketTest('who is ready is told, who is not is not', (poller) => {
  const [ready, idle] = [readyDescriptor(), idleDescriptor()];
  const [readyEvents, idleEvents] = [new Recorder(), new Recorder()];
  poller.add(ready, readyEvents, levelIn);
  poller.add(idle, idleEvents, levelIn);
  poller.turn(0);
  assert.deepEqual(readyEvents.masks, [Ready.in]);
  assert.deepEqual(idleEvents.masks, []);
  makeReady(idle);
  poller.turn(0);
  assert.deepEqual(idleEvents.masks, [Ready.in]);
  libc.close(ready);
  libc.close(idle);
});

socketTest('a stale event reaches nobody: neither who was closed nor who got the number', (poller) => {
  const descriptors = [readyDescriptor(), readyDescriptor()];
  // No number below these two may be free, so that the next descriptor gets the one that is closed.
  const fillers = occupyUpTo(descriptors[1]!);
  const newcomer = new Recorder();
  let told = 0;
  let newFd = -1;
  for (const [index, fd] of descriptors.entries()) {
    poller.add(
      fd,
      {
        onReady: () => {
          told++;
          const other = descriptors[1 - index]!;
          poller.forget(other);
          libc.close(other);
          newFd = idleDescriptor();
          assert.equal(newFd, other);
          poller.add(newFd, newcomer, levelIn);
        },
      },
      levelIn | 0x80000000,
    );
  }
  poller.turn(0);
  assert.equal(told, 1, 'both were in the batch, the first closed the second');
  assert.deepEqual(newcomer.masks, []);
  makeReady(newFd);
  poller.turn(0);
  assert.deepEqual(newcomer.masks, [Ready.in], 'its own events do reach it');
  for (const fd of [...descriptors, ...fillers]) libc.close(fd);
});

socketTest('whoever is forgotten hears nothing more, not even of the batch under way', (poller) => {
  const descriptors = [readyDescriptor(), readyDescriptor()];
  let told = 0;
  for (const [index, fd] of descriptors.entries()) {
    const onReady = (): void => {
      told++;
      poller.forget(descriptors[1 - index]!);
    };
    poller.add(fd, { onReady }, levelIn);
  }
  poller.turn(0);
  assert.equal(told, 1);
  for (const fd of descriptors) poller.forget(fd);
  poller.turn(0);
  assert.equal(told, 1);
  for (const fd of descriptors) libc.close(fd);
});

socketTest('a removed descriptor stays open, hears nothing and can be added again', (poller) => {
  const fd = readyDescriptor();
  const [first, second] = [new Recorder(), new Recorder()];
  poller.add(fd, first, levelIn);
  poller.remove(fd);
  poller.remove(fd);
  poller.turn(0);
  assert.deepEqual(first.masks, []);
  poller.add(fd, second, levelIn);
  poller.turn(0);
  assert.deepEqual([first.masks, second.masks], [[], [Ready.in]]);
  assert.equal(libc.close(fd), 0);
});

socketTest('adding what cannot be added throws why, and leaves what was there as it was', (poller) => {
  const fd = readyDescriptor();
  const events = new Recorder();
  poller.add(fd, events, levelIn);
  const other = new Recorder();
  assert.throws(() => poller.add(fd, other, levelIn), { name: 'SysError', call: 'epoll_ctl', code: 'EEXIST' });
  assert.throws(() => poller.add(-1, other, levelIn), { name: 'SysError', call: 'epoll_ctl', code: 'EBADF' });
  poller.turn(0);
  assert.deepEqual([events.masks, other.masks], [[Ready.in], []]);
  libc.close(fd);
});

socketTest('adopting closes what cannot be registered', (poller) => {
  const fd = readyDescriptor();
  poller.adopt(fd, new Recorder(), levelIn);
  const before = openDescriptors();
  assert.throws(() => poller.adopt(fd, new Recorder(), levelIn), { code: 'EEXIST' });
  assert.equal(openDescriptors(), before - 1);
});

socketTest('no poller without a descriptor for it', () => {
  withoutFreeDescriptors(() => {
    assert.throws(() => new Poller(), { name: 'SysError', call: 'epoll_create1', code: 'EMFILE' });
  });
});

socketTest('more than a batch: everybody has been told after the turns that it takes', (poller) => {
  // Two batches are 1,024.
  const told = new Map<number, number>();
  for (let index = 0; index < 1000; index++) {
    const fd = readyDescriptor();
    told.set(fd, 0);
    poller.add(fd, { onReady: () => told.set(fd, told.get(fd)! + 1) }, levelIn);
  }
  poller.turn(0);
  assert.equal([...told.values()].filter((times) => times > 0).length, 512);
  poller.turn(0);
  assert.ok([...told.values()].every((times) => times > 0));
  for (const fd of told.keys()) libc.close(fd);
});

socketTest('what is deferred runs after the events of the turn, then the timers, all at one time', (poller) => {
  const fd = readyDescriptor();
  const order: [string, number][] = [];
  const note = (what: string) => () => order.push([what, poller.nowMs]);
  let fired = false;
  poller.timers.set(poller.nowMs, () => {
    fired = true;
    note('timer')();
  });
  poller.add(fd, { onReady: note('event') }, levelIn);
  // Turns before the timer's slot have only the other two to tell; the last of them tells all.
  for (let turns = 0; !fired && turns < 1_000_000; turns++) {
    order.length = 0;
    poller.defer(note('deferred'));
    poller.turn(0);
  }
  assert.deepEqual(
    order.map(([what]) => what),
    ['event', 'deferred', 'timer'],
  );
  assert.equal(new Set(order.map(([, time]) => time)).size, 1);
  libc.close(fd);
});

socketTest('what a deferred task defers runs in the next turn, which does not wait; each runs once', (poller) => {
  const tookMs = shortest(() => {
    const ran: string[] = [];
    poller.defer(() => {
      ran.push('first');
      poller.defer(() => ran.push('second'));
    });
    poller.defer(() => ran.push('neighbour'));
    const began = performance.now();
    poller.turn(60_000);
    assert.deepEqual(ran, ['first', 'neighbour']);
    poller.turn(60_000);
    assert.deepEqual(ran, ['first', 'neighbour', 'second']);
    const took = performance.now() - began;
    poller.turn(0);
    assert.equal(ran.length, 3);
    return took;
  });
  assert.ok(tookMs < idleTurnMs, `${tookMs} ms`);
});

socketTest('a timer ends the wait of a turn, and never fires before its time', (poller) => {
  const dueMs = 120;
  const lateMs = shortest(() => {
    poller.turn(0);
    let firedMs = 0;
    const atMs = poller.nowMs + dueMs;
    poller.timers.set(atMs, () => {
      firedMs = performance.now();
    });
    let turns = 0;
    while (firedMs === 0 && turns < 5) {
      poller.turn(60_000);
      turns++;
    }
    assert.ok(firedMs >= atMs, `${firedMs} for ${atMs}`);
    assert.ok(turns <= 2, `${turns} turns: it waited, it did not spin`);
    return firedMs - atMs;
  });
  assert.ok(lateMs < idleTurnMs - dueMs, `${lateMs} ms late`);
});
