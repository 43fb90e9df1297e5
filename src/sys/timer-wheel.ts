// Many coarse time-outs, cheaply: a wheel of slots that each span `slotMs`. Setting and cancelling cost the same
// however many there are; a time-out fires at its time or up to one slot later, never before.
// The clock is an argument: the poller's.

import { guarded } from './guarded.ts';

export interface Timer {
  /** When it fires, in the poller's milliseconds. */
  readonly atMs: number;
  readonly task: () => void;
  readonly slot: Set<Timer>;
}

// Time-outs here are seconds to hours, so 100 ms of coarseness is unseen; 512 slots make a round of 51 s.
const slotMs = 100;
const slotCount = 512;

export class TimerWheel {
  private readonly slots: Set<Timer>[] = Array.from({ length: slotCount }, () => new Set());
  /** Index (not reduced) of the last slot that was emptied. */
  private position: number;
  private count = 0;

  constructor(nowMs: number) {
    this.position = Math.floor(nowMs / slotMs);
  }

  set(atMs: number, task: () => void): Timer {
    const due = Math.max(Math.ceil(atMs / slotMs), this.position + 1);
    const slot = this.slots[due % slotCount]!;
    const timer = { atMs, task, slot };
    slot.add(timer);
    this.count++;
    return timer;
  }

  cancel(timer: Timer): void {
    if (timer.slot.delete(timer)) this.count--;
  }

  /** How long a wait may last without a slot being late: up to a second, less when something is set. */
  waitMs(nowMs: number): number {
    if (this.count === 0) return 1000;
    for (let ahead = 1; ahead <= 10; ahead++) {
      if (this.slots[(this.position + ahead) % slotCount]!.size > 0) {
        return Math.max(0, Math.ceil((this.position + ahead) * slotMs - nowMs));
      }
    }
    return 1000;
  }

  /** Fires what is due. Tasks may set and cancel timers. */
  expire(nowMs: number, onMistake: (error: unknown) => void): void {
    const target = Math.floor(nowMs / slotMs);
    // After a long stop (a suspended machine) one round visits every slot once; that is enough.
    if (target - this.position > slotCount) this.position = target - slotCount;
    while (this.position < target) {
      this.position++;
      const slot = this.slots[this.position % slotCount]!;
      // Only those that were there: a task that sets a timer for now again and again would hold the loop for ever
      // where a round later is this slot once more.
      let left = slot.size;
      for (const timer of slot) {
        if (left-- === 0) break;
        if (timer.atMs > nowMs) continue;
        this.cancel(timer);
        guarded(timer.task, onMistake);
      }
    }
  }
}
