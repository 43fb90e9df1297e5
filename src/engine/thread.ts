// The entry of an engine's thread.

import type { MessagePort } from 'node:worker_threads';
import { workerData } from 'node:worker_threads';
import { Engine } from './engine.ts';
import type { EngineBirth } from './messages.ts';

const { birth, port } = workerData as { birth: EngineBirth; port: MessagePort };
new Engine(birth, port).run();
