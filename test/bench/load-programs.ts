// Where do the load generator and the backend come from? They are C, compiled here when their sources have changed.
// Each is a process of its own beside the gateway, and so cheap that the gateway is the limit.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { CannotRun } from './cannot-run.ts';

export interface LoadPrograms {
  readonly generator: string;
  readonly backend: string;
}

const sources = join(import.meta.dirname, 'load');
const modules: Readonly<Record<keyof LoadPrograms, readonly string[]>> = {
  generator: ['generator.c', 'session.c', 'tally.c', 'events.c', 'pattern.c'],
  backend: ['backend.c', 'events.c', 'pattern.c'],
};

/** The paths of both programs, below cacheFolder in a folder named after the sources' digest. */
export function compileLoadPrograms(cacheFolder: string): LoadPrograms {
  const folder = join(cacheFolder, `load-${digestOfSources()}`);
  mkdirSync(folder, { recursive: true });
  return { generator: compile('generator', folder), backend: compile('backend', folder) };
}

function compile(program: keyof LoadPrograms, folder: string): string {
  const path = join(folder, program);
  if (existsSync(path)) return path;
  const inputs = modules[program].map((name) => join(sources, name));
  const unfinished = `${path}.${process.pid}`;
  const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra'];
  const result = spawnSync('gcc', [...flags, '-o', unfinished, ...inputs], { encoding: 'utf8' });
  if (result.status !== 0) throw new CannotRun(`gcc could not compile ${program}:\n${result.stderr}`);
  renameSync(unfinished, path); // whole or not at all, when two runs compile at once
  return path;
}

function digestOfSources(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(sources).sort()) hash.update(name).update(readFileSync(join(sources, name)));
  return hash.digest('hex').slice(0, 12);
}
