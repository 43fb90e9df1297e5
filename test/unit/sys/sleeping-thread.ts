// A thread that sits in its poller until it is woken, for the tests of wake-up.ts. It tells the number of its
// descriptor, then the number of each wake, and ends after the last.

import { parentPort, workerData } from 'node:worker_threads';
import { Poller } from '../../../src/sys/poller.ts';
import { WakeUp } from '../../../src/sys/wake-up.ts';

const poller = new Poller();
let woken = 0;
const wakeUp = new WakeUp(poller, () => parentPort!.postMessage(++woken));
parentPort!.postMessage(wakeUp.fd);
while (woken < workerData.rounds) poller.turn(60_000);
wakeUp.close(poller);
poller.close();
