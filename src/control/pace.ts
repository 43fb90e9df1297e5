// How fast may one client send commands? A bucket that fills with the clock: a burst at once, then so many a second.
// Must not break: who is too fast is not refused but not read, so that an honest client only goes slower.

import type { Standing } from './turns.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

// Before a login nobody has more to say than a dozen commands.
const guestPart = 200;

export class Pace {
  private readonly rate: Rate;
  private left: number;
  private atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.rate = rate;
    this.left = Math.ceil(rate.burst / guestPart);
    this.atMs = nowMs;
  }

  /** May one more command be taken? */
  allows(standing: Standing, nowMs: number): boolean {
    if (nowMs !== this.atMs) this.fill(standing === 'guest' ? guestPart : 1, nowMs);
    return this.left >= 1;
  }

  take(): void {
    this.left -= 1;
  }

  private fill(part: number, nowMs: number): void {
    const { perSecond, burst } = this.rate;
    const more = ((nowMs - this.atMs) * perSecond) / 1000 / part;
    this.left = Math.min(Math.ceil(burst / part), this.left + more);
    this.atMs = nowMs;
  }
}
