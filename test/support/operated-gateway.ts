// How does an operator's day look from a test: a settings file that is changed while the gateway runs, signals, exit
// codes? gateway.ts starts one gateway with settings that stay; here the file is the test's own.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab, LabEndpoint } from './lab.ts';
import { loggedLine } from './log-line.ts';
import type { ProgramOptions, RunningProgram } from './process.ts';

export const executable = new URL('../../dist/main.js', import.meta.url).pathname;

export interface OperatedGateway {
  readonly program: RunningProgram;
  readonly file: string;
  /** The value of the first sample that begins like this; 0 when it has not been counted yet. */
  metric(sample: string): Promise<number>;
  /** The text of an admin page. */
  page(path: string): Promise<string>;
  /** Changes the file and sends SIGHUP; resolves when the log says what became of it. */
  reload(settings: string): Promise<'applied' | 'refused'>;
}

/** YAML of one listener in block style, to be put under `listeners:`. */
export function listenerYaml(
  name: string,
  listen: LabEndpoint,
  upstream: LabEndpoint,
  more: readonly string[] = [],
): string {
  const lines = [
    ...['mode: reverse', `listen: ${JSON.stringify(authority(listen))}`],
    ...[`upstream: ${JSON.stringify(authority(upstream))}`, 'dataPorts: 20000-29999'],
  ];
  return `  - name: ${name}\n${[...lines, ...more].map((line) => `    ${line}\n`).join('')}`;
}

export function authority({ host, port }: LabEndpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Starts a gateway with these settings, to which the admin page is added; ready when the promise resolves. */
export async function operateGateway(
  lab: Lab,
  settings: string,
  options: ProgramOptions = {},
): Promise<OperatedGateway> {
  const admin = await lab.endpoint();
  const file = join(lab.folder, `operated-${admin.host}.yaml`);
  const write = (text: string): Promise<void> =>
    writeFile(file, `${text}admin:\n  listen: ${JSON.stringify(authority(admin))}\n`);
  await write(settings);
  const program = await lab.start(process.execPath, [executable, 'run', file], options);
  await loggedLine(program, { msg: 'ready' });
  const page = async (path: string): Promise<string> => (await fetch(`http://${authority(admin)}${path}`)).text();
  const metric = async (sample: string): Promise<number> => {
    const line = (await page('/metrics')).split('\n').find((candidate) => candidate.startsWith(sample));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
  };
  return {
    program,
    file,
    page,
    metric,
    reload: async (text) => {
      await write(text);
      const said = program.output.length;
      program.signal('SIGHUP');
      // From here on only: earlier reloads have said the same.
      const [line] = await program.printed(/settings (not )?reloaded/, { from: said });
      return line.includes('not') ? 'refused' : 'applied';
    },
  };
}
