// An engine as the main thread sees it: born, told, listened to. Engines are woken for every message, because they
// sleep in epoll_wait and not in Node's loop.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { WayEntry } from '../observe/way-entry.ts';
import type { Settings } from '../settings/settings.ts';
import { wake } from '../sys/wake-up.ts';
import type { EngineBirth, FromEngine, ToEngine } from './messages.ts';
import type { ChangingEngine } from './settings-in-step.ts';

export interface EngineEars {
  log(lines: Uint8Array): void;
  /** The thread died of an error of ours; its sessions are gone. */
  died(index: number, error: Error): void;
}

// Young objects live as long as one event; a small nursery keeps an engine's memory flat at no measured cost.
const nurseryMiB = 8;
// A healthy engine needs one turn of its loop to stop; one that is stuck is not waited for.
const stopMs = 1_000;
// An engine answers within a turn of its loop; whoever asks at the moment when one is stuck wants to hear of the
// others.
const answerMs = 2_000;
const endedEarly = 'the engine ended while it was given its settings';

export class EngineHost implements ChangingEngine {
  readonly index: number;
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly ears: EngineEars;
  private readonly logsTaken: Int32Array;
  private wakeFd = -1;
  private readonly awaitedChanges = new Map<string, (problem: string | undefined) => void>();
  private readonly birth: Promise<string | undefined>;
  private readonly awaitedWays = new Map<number, (ways: readonly WayEntry[] | undefined) => void>();
  private requests = 0;
  private life: 'running' | 'ended' = 'running';
  private readonly ended: Promise<void>;

  constructor(birth: EngineBirth, ears: EngineEars) {
    this.index = birth.index;
    this.ears = ears;
    this.logsTaken = new Int32Array(birth.logsTaken);
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.port.on('message', (message: FromEngine) => this.hear(message));
    this.worker = new Worker(new URL(`./thread${import.meta.url.slice(-3)}`, import.meta.url), {
      name: `engine ${birth.index}`,
      workerData: { birth, port: port2 },
      transferList: [port2],
      resourceLimits: { maxYoungGenerationSizeMb: nurseryMiB },
    });
    this.worker.on('error', (error) => ears.died(this.index, error));
    this.ended = new Promise((resolve) => this.worker.once('exit', () => resolve()));
    void this.ended.then(() => {
      this.life = 'ended';
      for (const answer of this.awaitedWays.values()) answer(undefined);
      for (const answer of this.awaitedChanges.values()) answer(endedEarly);
    });
    this.birth = this.answerTo('prepared', 0);
  }

  /** Resolves when its listeners are bound, or with the sentence why they are not. */
  whenBorn(): Promise<string | undefined> {
    return this.birth;
  }

  prepare(change: number, settings: Settings): Promise<string | undefined> {
    const answer = this.answerTo('prepared', change);
    this.tell({ kind: 'prepare', change, settings });
    return answer;
  }

  commit(change: number): Promise<string | undefined> {
    const answer = this.answerTo('committed', change);
    this.tell({ kind: 'commit', change });
    return answer;
  }

  abandon(change: number): void {
    this.tell({ kind: 'abandon', change });
  }

  /** Its data connections, in no particular order; undefined when the engine does not answer in time, or has ended. */
  async listWays(): Promise<readonly WayEntry[] | undefined> {
    if (this.life === 'ended') return undefined;
    this.requests += 1;
    const request = this.requests;
    let bound: NodeJS.Timeout | undefined;
    const answer = new Promise<readonly WayEntry[] | undefined>((resolve) => {
      this.awaitedWays.set(request, resolve);
      bound = setTimeout(() => resolve(undefined), answerMs);
    });
    this.tell({ kind: 'list-ways', request });
    const ways = await answer;
    clearTimeout(bound);
    this.awaitedWays.delete(request);
    return ways;
  }

  drain(): void {
    this.tell({ kind: 'drain' });
  }

  endSessions(): void {
    this.tell({ kind: 'end' });
  }

  /** Resolves when the thread has ended. */
  whenEnded(): Promise<void> {
    return this.ended;
  }

  /** Ends the engine now: its sessions get 421, and data that flows is reset. Resolves when the thread has ended. */
  async kill(): Promise<void> {
    this.tell({ kind: 'stop' });
    const stuck = setTimeout(() => void this.worker.terminate(), stopMs);
    await this.ended;
    clearTimeout(stuck);
    this.port.close();
  }

  private answerTo(kind: 'prepared' | 'committed', change: number): Promise<string | undefined> {
    if (this.life === 'ended') return Promise.resolve(endedEarly);
    return new Promise((resolve) => this.awaitedChanges.set(`${kind} ${change}`, resolve));
  }

  private onAnswer({ kind, change, problem }: Extract<FromEngine, { readonly change: number }>): void {
    this.awaitedChanges.get(`${kind} ${change}`)?.(problem);
    this.awaitedChanges.delete(`${kind} ${change}`);
  }

  private hear(message: FromEngine): void {
    switch (message.kind) {
      case 'born':
        this.wakeFd = message.wakeFd;
        // It sleeps over what it was told before it could be woken.
        wake(this.wakeFd);
        return;
      case 'prepared':
      case 'committed':
        this.onAnswer(message);
        return;
      case 'ways':
        this.awaitedWays.get(message.request)?.(message.ways);
        return;
      case 'log':
        this.ears.log(message.lines);
        Atomics.add(this.logsTaken, 0, 1);
        return;
      case 'finished':
        this.port.close();
        return;
      default:
        message satisfies never;
    }
  }

  private tell(message: ToEngine): void {
    this.port.postMessage(message);
    if (this.wakeFd >= 0) wake(this.wakeFd);
  }
}
