// How does a test make something happen while a program does nothing? The program is stopped as a whole, and its
// threads have all come to a halt before anything else is done.

import { readdir, readFile } from 'node:fs/promises';
import type { RunningProgram } from './process.ts';
import { becomes } from './watch.ts';

/** Whatever becomes of `act`, the program goes on afterwards. */
export async function whileStopped<T>(program: RunningProgram, act: () => Promise<T>): Promise<T> {
  program.signal('SIGSTOP');
  try {
    await becomes(() => statesOf(program.pid), 'T');
    return await act();
  } finally {
    program.signal('SIGCONT');
  }
}

/** The states of its threads, each once (proc(5): stat). */
async function statesOf(pid: number): Promise<string> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/stat`, 'latin1')));
  return [...new Set(stats.map((stat) => /^\d+ \(.*\) (\S)/s.exec(stat)?.[1]))].sort().join('');
}
