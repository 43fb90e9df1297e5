// The kernel pipes through which relayed octets pass without entering this process, and a pool of them.
// A pipe goes back into the pool only when it is empty: octets of one transfer must never surface in another.
// splice(2), pipe(7).

import * as libc from './libc.ts';

export interface SplicePipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/**
 * What one splice may move: the size of the pipe. 1 MiB is what an unprivileged process may ask for (pipe-max-size).
 */
export const pipeOctets = 1_048_576;

// Idle pipes are only descriptors, but an engine that once relayed thousands of streams need not keep them all.
const idleMax = 128;

export class PipePool {
  private readonly idle: SplicePipe[] = [];

  /** An empty pipe, or undefined when the process or the system has no descriptors left. */
  take(): SplicePipe | undefined {
    const pipe = this.idle.pop();
    if (pipe !== undefined) return pipe;
    const ends = new Int32Array(2);
    if (libc.pipe2(new Uint8Array(ends.buffer), libc.O_NONBLOCK | libc.O_CLOEXEC) < 0) return undefined;
    // Where the user's pipe pages are used up this fails and the pipe keeps its 64 KiB: slower, not wrong.
    libc.fcntl(ends[1]!, libc.F_SETPIPE_SZ, pipeOctets);
    return { readEnd: ends[0]!, writeEnd: ends[1]! };
  }

  giveBack(pipe: SplicePipe, empty: boolean): void {
    if (empty && this.idle.length < idleMax) this.idle.push(pipe);
    else closePipe(pipe);
  }

  close(): void {
    for (const pipe of this.idle.splice(0)) closePipe(pipe);
  }
}

function closePipe(pipe: SplicePipe): void {
  libc.close(pipe.readEnd);
  libc.close(pipe.writeEnd);
}
