// How does a test run Portcullis as the router of a laboratory? As an operator does, with the built executable inside
// the router's namespace; what it logs and counts is read back.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLog, readMetric } from '../gateway.ts';
import { type LogLine, loggedLine } from '../log-line.ts';
import { executable } from '../operated-gateway.ts';
import type { RunningProgram } from '../process.ts';
import type { PerimeterLab } from './lab.ts';

const admin = '127.0.0.1:9121';

export interface PerimeterGateway {
  readonly program: RunningProgram;
  /** Every complete line of the log so far. */
  log(): LogLine[];
  /** The audit records so far. */
  transfers(): LogLine[];
  /** The text of /metrics. */
  metrics(): Promise<string>;
  /** The value of the first sample that begins like this; 0 when it has not been counted yet. */
  metric(sample: string): Promise<number>;
}

/**
 * Starts it with these settings, to which the admin page is added; ready when the promise resolves, ended by the lab.
 */
export async function startGateway({ lab, router }: PerimeterLab, yaml: string): Promise<PerimeterGateway> {
  const file = join(lab.folder, 'perimeter.yaml');
  await writeFile(file, `${yaml}\nadmin:\n  listen: ${admin}\n`);
  const program = await lab.start(process.execPath, [executable, 'run', file], { network: router.name });
  await loggedLine(program, { msg: 'ready' });
  const log = (): LogLine[] => readLog(program.output);
  const metrics = (): Promise<string> => router.must('curl', '-sSf', `http://${admin}/metrics`);
  return {
    program,
    log,
    transfers: () => log().filter(({ msg }) => msg === 'transfer'),
    metrics,
    metric: async (sample) => readMetric(await metrics(), sample),
  };
}
