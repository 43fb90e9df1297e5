// Many coarse time-outs, cheaply: a wheel of slots that each span `slotMs`. Setting and cancelling cost the same
// however many there are; a time-out fires at its time or up to one slot later, never before.
// The clock is an argument: the poller's. Each slot is a ring of timers, so that nothing but the timer is allocated.

import { guarded } from './guarded.ts';

export interface Timer {
  /** When it fires, in the poller's milliseconds. */
  readonly atMs: number;
  readonly task: () => void;
}

// Time-outs here are seconds to hours, so 100 ms of coarseness is unseen; 512 slots make a round of 51 s.
const slotMs = 100;
const slotCount = 512;

export class TimerWheel {
  private readonly slots: Link[] = Array.from({ length: slotCount }, () => new Link());
  /** Those of the slot under way: what their tasks set goes to the slots, never here. */
  private readonly due = new Link();
  /** Index (not reduced) of the last slot that was emptied. */
  private position: number;
  private count = 0;

  constructor(nowMs: number) {
    this.position = Math.floor(nowMs / slotMs);
  }

  set(atMs: number, task: () => void): Timer {
    const timer = new LinkedTimer(atMs, task);
    this.slotFor(atMs).takeIn(timer);
    this.count++;
    return timer;
  }

  /** Harmless when it has fired or is cancelled already. */
  cancel(timer: Timer): void {
    if ((timer as LinkedTimer).leave()) this.count--;
  }

  /** How long a wait may last without a slot being late: up to a second, less when something is set. */
  waitMs(nowMs: number): number {
    if (this.count === 0) return 1000;
    for (let ahead = 1; ahead <= 10; ahead++) {
      if (!this.slots[(this.position + ahead) % slotCount]!.isAlone) {
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
      this.empty(this.slots[this.position % slotCount]!, nowMs, onMistake);
    }
  }

  // Only those that were there: a task that sets a timer for now again and again would hold the loop for ever where a
  // round later is this slot once more.
  private empty(slot: Link, nowMs: number, onMistake: (error: unknown) => void): void {
    if (slot.isAlone) return;
    this.due.takeAllOf(slot);
    while (!this.due.isAlone) {
      const timer = this.due.next as LinkedTimer;
      timer.leave();
      if (timer.atMs > nowMs) {
        // A round or more ahead.
        slot.takeIn(timer);
        continue;
      }
      this.count--;
      guarded(timer.task, onMistake);
    }
  }

  private slotFor(atMs: number): Link {
    return this.slots[Math.max(Math.ceil(atMs / slotMs), this.position + 1) % slotCount]!;
  }
}

/** A member of a ring; alone, the ring is itself. A slot is the one member that is no timer. */
class Link {
  next: Link = this;
  private previous: Link = this;

  get isAlone(): boolean {
    return this.next === this;
  }

  /** Puts a member that is alone before this one: last in the ring, seen from here. */
  takeIn(member: Link): void {
    const last = this.previous;
    last.next = member;
    member.previous = last;
    member.next = this;
    this.previous = member;
  }

  /** Takes over the other ring's members in their order. This one was alone, the other becomes it. */
  takeAllOf(other: Link): void {
    const first = other.next;
    // In a ring it is the same whether the newcomer stands before the first or behind the last.
    if (other.leave()) first.takeIn(this);
  }

  /** Makes this member alone; false where it was. */
  leave(): boolean {
    if (this.next === this) return false;
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.next = this;
    this.previous = this;
    return true;
  }
}

class LinkedTimer extends Link implements Timer {
  readonly atMs: number;
  readonly task: () => void;

  constructor(atMs: number, task: () => void) {
    super();
    this.atMs = atMs;
    this.task = task;
  }
}
