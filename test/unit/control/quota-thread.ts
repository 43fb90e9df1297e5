// A thread that admits sessions of one client to a quota whose memory it was given, for session-quota.test.ts.

import { workerData } from 'node:worker_threads';
import { SessionQuota } from '../../../src/control/session-quota.ts';
import { boundless } from './client-bounds.ts';

const quota = new SessionQuota(workerData.memory);
for (let count = 0; count < workerData.sessions; count++) quota.admit(workerData.client, 1_000_000, boundless);
