// One epoll set and the loop of one thread over it: which descriptor is ready, whose turn is it?
// A descriptor may be closed and its number used again while its events wait in the same batch, so each registration
// carries a generation and a stale event reaches nobody. Nothing here allocates per event. epoll(7).

import { SysError } from './errno.ts';
import { guarded } from './guarded.ts';
import * as libc from './libc.ts';
import { TimerWheel } from './timer-wheel.ts';

export interface Pollable {
  /** Called with the mask of `Ready` bits. */
  onReady(events: number): void;
  /** `onReady` threw: a mistake of ours, to be kept to what this descriptor is part of. */
  onMistake?(error: unknown): void;
}

/** Bits of an event mask. */
export const Ready = { in: 0x1, priority: 0x2, out: 0x4, error: 0x8, hangUp: 0x10, peerShutdown: 0x2000 } as const;

/** Edge-triggered, both directions: registered once for a socket's whole life. */
export const edgeTriggered = 0x80000000 | Ready.in | Ready.priority | Ready.out | Ready.peerShutdown;
/** Level-triggered read: for listeners and the wake-up. */
export const levelIn = Ready.in;

// To be woken costs a sleeping thread some 50 microseconds, and its peer the same once more; an answer of a peer that
// is near and awake takes hardly longer. How long to look out follows from how long the last answers took, as in the
// kernel's halt polling: it grows while a little more would have met them, and shrinks to nothing where peers are far
// away.
const lookoutMaxMs = 0.2;
const lookoutMinMs = 0.02;
// A batch as large as nginx's and HAProxy's default; more only delays the first of them.
const eventsMax = 512;
// struct epoll_event is packed on x86-64 only: u32 events, u64 data.
const wordsPerEvent = process.arch === 'x64' ? 3 : 4;
const dataWord = process.arch === 'x64' ? 1 : 2;

// Fixed for a thread's life, and dear to ask for at every turn.
const originMs = performance.timeOrigin;

export class Poller {
  readonly timers: TimerWheel;
  /**
   * Whole milliseconds, monotonic; read once per turn, so that all work of a turn happens at one time. Whole, because
   * sessions are copied at every event and a fraction in each would have to be allocated anew.
   */
  nowMs: number;
  /** Whole seconds since 1970, as all threads count them, at the same moment; never set back. */
  second = 0;
  /** When the last wait ended, with its fraction: for measuring how long a turn takes. */
  awokeMs = 0;
  /** Hears of every mistake in a handler, a deferred task or a timer: the loop itself goes on. */
  onMistake: (error: unknown) => void = throwIt;
  private readonly epoll: number;
  private readonly batch = new Int32Array(eventsMax * wordsPerEvent);
  private readonly batchOctets = new Uint8Array(this.batch.buffer);
  private readonly registration = new Int32Array(4);
  private readonly registrationOctets = new Uint8Array(this.registration.buffer);
  private readonly pollables: (Pollable | undefined)[] = [];
  private readonly generations: number[] = [];
  private deferred: (() => void)[] = [];
  private running: (() => void)[] = [];
  private last: (() => void)[] = [];
  private readonly first: (() => void)[] = [];
  private outlook: 'sleep' | 'look-out' = 'sleep';
  private lookoutMs = lookoutMinMs;

  constructor() {
    this.epoll = libc.epollCreate1(libc.O_CLOEXEC);
    if (this.epoll < 0) throw new SysError('epoll_create1', libc.lastError());
    this.nowMs = Math.trunc(performance.now());
    this.timers = new TimerWheel(this.nowMs);
  }

  /**
   * Registers a descriptor; closing it ends the registration, `forget` must be called then. Throws SysError (ENOMEM,
   * ENOSPC).
   */
  add(fd: number, pollable: Pollable, events: number): void {
    const generation = ((this.generations[fd] ?? 0) + 1) | 0;
    this.registration[0] = events | 0;
    this.registration[dataWord] = fd;
    this.registration[dataWord + 1] = generation;
    if (libc.epollCtl(this.epoll, libc.EPOLL_CTL_ADD, fd, this.registrationOctets) < 0) {
      throw new SysError('epoll_ctl', libc.lastError());
    }
    this.generations[fd] = generation;
    this.pollables[fd] = pollable;
  }

  /** As `add`, for a descriptor that is nobody's yet: closed where it cannot be registered. */
  adopt(fd: number, pollable: Pollable, events: number): void {
    try {
      this.add(fd, pollable, events);
    } catch (problem) {
      libc.close(fd);
      throw problem;
    }
  }

  /** No event of this descriptor is delivered any more, not even one that waits in the batch under way. */
  forget(fd: number): void {
    this.pollables[fd] = undefined;
  }

  /** Takes a descriptor that stays open out of the set. */
  remove(fd: number): void {
    this.forget(fd);
    libc.epollCtl(this.epoll, libc.EPOLL_CTL_DEL, fd, this.registrationOctets);
  }

  /** Runs `task` after the events of this turn: the rest of a long pump, so that others get their share. */
  defer(task: () => void): void {
    this.deferred.push(task);
  }

  /**
   * Something has just been sent that is usually answered at once: the next wait looks out for a moment before it
   * sleeps.
   */
  expectAnswer(): void {
    this.outlook = 'look-out';
  }

  /** Runs `task` at the beginning of every turn: for tidings that others of the same turn may follow from. */
  atAwake(task: () => void): void {
    this.first.push(task);
  }

  /**
   * Runs `task` when all else of this turn is done: what nobody waits for, such as closing what has served its time.
   */
  atLast(task: () => void): void {
    this.last.push(task);
  }

  /**
   * Waits at most `timeoutMs` and dispatches what is ready, then what was deferred, then the timers that are due, and
   * at last what was left for then.
   */
  turn(timeoutMs: number): void {
    const wait = this.deferred.length + this.last.length > 0 ? 0 : Math.min(timeoutMs, this.timers.waitMs(this.nowMs));
    const count = this.wait(wait);
    this.awokeMs = performance.now();
    this.nowMs = Math.trunc(this.awokeMs);
    this.second = Math.trunc((originMs + this.awokeMs) / 1000);
    for (const task of this.first) guarded(task, this.onMistake);
    const { batch, pollables, generations } = this;
    for (let i = 0, word = 0; i < count; i++, word += wordsPerEvent) {
      const fd = batch[word + dataWord]!;
      if (generations[fd] !== batch[word + dataWord + 1]) continue;
      const pollable = pollables[fd];
      if (pollable === undefined) continue;
      try {
        pollable.onReady(batch[word]!);
      } catch (error) {
        this.onMistake(error);
        pollable.onMistake?.(error);
      }
    }
    this.runDeferred();
    this.timers.expire(this.nowMs, this.onMistake);
    this.runLast();
  }

  close(): void {
    libc.close(this.epoll);
  }

  private wait(timeoutMs: number): number {
    if (this.outlook === 'sleep' || timeoutMs === 0) return this.take(timeoutMs);
    this.outlook = 'sleep';
    const begunMs = performance.now();
    if (this.lookoutMs > 0) {
      const until = begunMs + this.lookoutMs;
      do {
        const count = this.take(0);
        if (count !== 0) return count;
      } while (performance.now() < until);
    }
    const count = this.take(timeoutMs);
    this.learn(performance.now() - begunMs);
    return count;
  }

  private take(timeoutMs: number): number {
    return libc.epollWait(this.epoll, this.batchOctets, eventsMax, timeoutMs);
  }

  /** From a look-out that met nothing. */
  private learn(waitedMs: number): void {
    if (waitedMs < lookoutMaxMs) this.lookoutMs = Math.min(lookoutMaxMs, Math.max(lookoutMinMs, this.lookoutMs * 2));
    else this.lookoutMs = this.lookoutMs > lookoutMinMs ? this.lookoutMs / 2 : 0;
  }

  private runLast(): void {
    if (this.last.length === 0) return;
    // Nothing is added meanwhile: closing tells nobody.
    for (const task of this.last) guarded(task, this.onMistake);
    this.last.length = 0;
  }

  private runDeferred(): void {
    if (this.deferred.length === 0) return;
    const tasks = this.deferred;
    this.deferred = this.running;
    this.running = tasks;
    for (const task of tasks) guarded(task, this.onMistake);
    tasks.length = 0;
  }
}

function throwIt(error: unknown): never {
  throw error;
}
