// What stands ready for every cell? The lab, the backends and the load generator, all on the first processor;
// the gateways come and go on the second.

import { join } from 'node:path';
import { backends } from './backends.ts';
import type { Generator } from './generator.ts';
import { addresses, buildLab, type Lab } from './lab.ts';
import { compileLoadPrograms } from './load-programs.ts';
import { type Running, startAt, stop } from './process.ts';
import { untilListening } from './ready.ts';

export interface Stage {
  readonly lab: Lab;
  readonly generator: Generator;
  readonly backends: readonly Running[];
  /** The program of the backends, for a row that needs one of its own. */
  readonly backendProgram: string;
  /** dist/main.js of the gateway. */
  readonly executable: string;
  /** Length of a measured window. */
  readonly seconds: number;
}

export const loadProcessor = '0';
export const gatewayProcessor = '1';
export const bothProcessors = '0,1';

export async function setStage(executable: string, seconds: number, cacheFolder: string): Promise<Stage> {
  const programs = compileLoadPrograms(cacheFolder);
  const lab = buildLab();
  const place = { namespace: lab.client, processors: loadProcessor };
  const generator = { executable: programs.generator, place, folder: lab.folder };
  const started = Object.values(backends).map((backend) => startBackend(programs.backend, lab, backend));
  const backendProgram = programs.backend;
  return { lab, generator, backends: await Promise.all(started), backendProgram, executable, seconds };
}

/** Ends what setStage started; the lab goes with the run. */
export async function clearStage(stage: Stage): Promise<void> {
  await Promise.all(stage.backends.map(stop));
}

interface BackendSetUp {
  readonly port: number;
  readonly advertise: string;
  readonly ports: string;
  /** `idle`: it runs when nothing else on its processor wants to. */
  readonly priority?: 'idle';
}

/** What makes a program run when nothing else on its processor wants to: sched(7), SCHED_IDLE. */
export const whenIdle = ['chrt', '--idle', '0'];

export async function startBackend(executable: string, lab: Lab, setUp: BackendSetUp): Promise<Running> {
  const { port, advertise, ports, priority } = setUp;
  const listen = `${addresses.server}:${port}`;
  const argv = [executable, '--listen', listen, '--advertise', advertise, '--ports', ports];
  if (priority === 'idle') argv.unshift(...whenIdle);
  const place = { namespace: lab.server, processors: loadProcessor };
  const running = startAt(place, argv, join(lab.folder, `backend-${port}.log`));
  await untilListening(running, port);
  return running;
}
