// How does a test run the gateway itself? As an operator does: a settings file, the built executable, and what it logs
// and counts.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab, LabEndpoint } from './lab.ts';
import type { RunningProgram } from './process.ts';

const executable = new URL('../../dist/main.js', import.meta.url).pathname;

export interface RunningGateway extends LabEndpoint {
  readonly program: RunningProgram;
  /** The admin server's base URL. */
  readonly admin: string;
  /** Every complete line of the log so far. */
  log(): Record<string, unknown>[];
  /** The value of the first sample whose name and labels begin like this; 0 when it has not been counted yet. */
  metric(sample: string): Promise<number>;
}

export interface GatewaySettings {
  /** YAML lines of the listener besides name, mode, listen, upstream, dataPath and dataPorts. */
  readonly listener?: readonly string[];
  /** YAML lines of the whole. */
  readonly top?: readonly string[];
  readonly dataPorts?: string;
}

/**
 * Starts a reverse gateway before `upstream`, at an endpoint of its own; ready when the promise resolves, ended by the
 * lab.
 */
export async function startGateway(
  lab: Lab,
  upstream: LabEndpoint,
  settings: GatewaySettings = {},
  family: 4 | 6 = 4,
): Promise<RunningGateway> {
  const [listen, admin] = [await lab.endpoint(family), await lab.endpoint()];
  const file = join(lab.folder, `gateway-${admin.host}.yaml`);
  const lines = [
    'listeners:',
    '  - name: front',
    '    mode: reverse',
    `    listen: ${JSON.stringify(printed(listen))}`,
    `    upstream: ${JSON.stringify(printed(upstream))}`,
    '    dataPath: relay',
    `    dataPorts: ${settings.dataPorts ?? '10000-19999'}`,
    ...(settings.listener ?? []).map((line) => `    ${line}`),
    'admin:',
    `  listen: ${JSON.stringify(printed(admin))}`,
    'log:',
    '  level: info',
    ...(settings.top ?? []),
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const program = await lab.start(process.execPath, [executable, 'run', file]);
  await program.printed(/"msg":"ready"/);
  const base = `http://${printed(admin)}`;
  return {
    ...listen,
    program,
    admin: base,
    log: () => readLog(program.output),
    metric: async (sample) => readMetric(await (await fetch(`${base}/metrics`)).text(), sample),
  };
}

function printed({ host, port }: LabEndpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Every complete line of a log, parsed; what is no JSON is left out. */
export function readLog(output: string): Record<string, unknown>[] {
  const lines = Buffer.from(output, 'latin1').toString('utf8').split('\n').slice(0, -1);
  return lines.filter((line) => line.startsWith('{')).map((line): Record<string, unknown> => JSON.parse(line));
}

/** The first sample that begins like this, 0 without one. Prometheus text format: `name{labels} value`. */
export function readMetric(text: string, sample: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(sample));
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
}
