import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SysError } from '../../../src/sys/errno.ts';
import { Poller } from '../../../src/sys/poller.ts';
import { WakeUp, wake } from '../../../src/sys/wake-up.ts';
import { patienceMs } from '../../support/watch.ts';
import { openDescriptors, socketTest, turnUntil, withoutFreeDescriptors } from './loopback.ts';

socketTest('one wake is one call; many before the next turn are one call too', (poller) => {
  let woken = 0;
  const wakeUp = new WakeUp(poller, () => woken++);
  poller.turn(0);
  assert.equal(woken, 0);
  wake(wakeUp.fd);
  poller.turn(0);
  assert.equal(woken, 1);
  poller.turn(0);
  assert.equal(woken, 1);
  for (let times = 0; times < 1000; times++) wake(wakeUp.fd);
  poller.turn(0);
  poller.turn(0);
  assert.equal(woken, 2);
  wakeUp.close(poller);
});

socketTest('a wake from within the call is not lost', (poller) => {
  let woken = 0;
  const wakeUp = new WakeUp(poller, () => {
    if (++woken === 1) wake(wakeUp.fd);
  });
  wake(wakeUp.fd);
  turnUntil(poller, () => woken === 2);
  wakeUp.close(poller);
});

socketTest('without descriptors there is no wake-up, and the error says why', (poller) => {
  withoutFreeDescriptors(() => {
    assert.throws(() => new WakeUp(poller, () => undefined), { call: 'eventfd', code: 'EMFILE' });
  });
});

socketTest('a wake-up that cannot be registered is closed before the error is thrown', () => {
  // The eventfd gets the number that the closed set had, and an eventfd is no set.
  const gone = new Poller();
  gone.close();
  assert.throws(() => new WakeUp(gone, () => undefined), SysError);
});

// The thread's file is TypeScript, and a loader named on the command line does not reach the first file of a worker.
const entry = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
  register();
  return import(${JSON.stringify(import.meta.resolve('./sleeping-thread.ts'))});
})`;

// Each round is a wait that only the wake ends: were it to run to its own end, a round would take a second, and all
// of them three times as long as the test is given.
test('another thread is woken from its wait, again and again', { timeout: patienceMs }, async () => {
  const before = openDescriptors();
  const rounds = (3 * patienceMs) / 1000;
  const worker = new Worker(entry, { eval: true, workerData: { rounds } });
  const exit = once(worker, 'exit');
  const [fd] = await once(worker, 'message');
  for (let round = 1; round <= rounds; round++) {
    const answer = once(worker, 'message');
    wake(fd);
    assert.deepEqual(await answer, [round]);
  }
  assert.deepEqual(await exit, [0]);
  assert.equal(openDescriptors(), before);
});
