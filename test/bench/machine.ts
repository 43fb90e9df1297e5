// On what was this measured? Without it a figure means nothing to a reader elsewhere.

import { spawnSync } from 'node:child_process';
import { cpus, release } from 'node:os';

/** Processors, kernel, Node, HAProxy and the revision of the gateway, on one line. */
export function describeMachine(repository: string): string {
  const processors = cpus();
  const revision = firstLine('git', ['-C', repository, 'describe', '--always', '--dirty']);
  const haproxy = /\d+\.\d+\.\d+/.exec(firstLine('haproxy', ['-v']))?.[0] ?? 'not installed';
  return [
    `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}`,
    `Linux ${release()}`,
    `Node ${process.versions.node}`,
    `HAProxy ${haproxy}`,
    `revision ${revision || 'unknown'}`,
  ].join(', ');
}

function firstLine(program: string, argv: readonly string[]): string {
  return (spawnSync(program, argv, { encoding: 'utf8' }).stdout ?? '').split('\n', 1)[0] ?? '';
}
