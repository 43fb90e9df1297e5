// How does a test act in a network other than its own? A network namespace (ip-netns(8)) by its name: programs are run
// in it, and the test's own sockets are made in it.

import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { type Finished, runProgram } from '../process.ts';

const setns = koffi.load(null).func('int setns(int, int)') as unknown as (fd: number, type: number) => number;
/** Only the calling thread moves, which is the one in which all sockets of a test are made. */
const cloneNewnet = 0x4000_0000;

let turn: Promise<unknown> = Promise.resolve();

export class Network {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Runs a program to its end, whatever its exit code. */
  run(command: string, ...args: string[]): Promise<Finished> {
    return runProgram(command, args, { network: this.name });
  }

  /** Runs a program that must succeed, and gives what it printed. */
  async must(command: string, ...args: string[]): Promise<string> {
    const { exitCode, output } = await this.run(command, ...args);
    if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')} in ${this.name}: ${output}`);
    return output;
  }

  /**
   * The sockets that `act` opens at once (connect or listen at an address, not a name) belong to this network for ever;
   * what it opens later belongs to the test's own.
   */
  enter<T>(act: () => Promise<T>): Promise<T> {
    const inside = turn.then(() => this.#opened(act));
    turn = inside;
    return inside.then(({ done }) => done);
  }

  async #opened<T>(act: () => Promise<T>): Promise<{ readonly done: Promise<T> }> {
    const back = openSync('/proc/thread-self/ns/net', 'r');
    const there = openSync(`/run/netns/${this.name}`, 'r');
    try {
      move(there);
      const done = act();
      // Whoever waits for `done` handles its failure.
      done.catch(() => {});
      // node:net makes its socket up to two ticks after the call; no other event of this process comes between ticks.
      for (let tick = 0; tick < 3; tick += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
      return { done };
    } finally {
      move(back);
      closeSync(there);
      closeSync(back);
    }
  }
}

function move(network: number): void {
  if (setns(network, cloneNewnet) !== 0) throw new Error(`setns: errno ${koffi.errno()}`);
}
