// How much of what clients send after their last word is read? It is read so that closing does not reset a 421 on its
// way, and nobody hears it: so it has a rate, for all of them together. What is beyond it waits in the kernel, where a
// client that floods cannot send on. A bucket that fills with the clock.

// One read gives 16 KiB at most: 32 MiB at once, so that a client with a long line is quick, and then 4 MiB a second.
const burst = 2048;
const readsPerSecond = 256;

export class Discards {
  private left = burst;
  private atMs: number;

  constructor(nowMs: number) {
    this.atMs = nowMs;
  }

  /** May one more read be made? It counts as made. */
  take(nowMs: number): boolean {
    if (nowMs !== this.atMs) {
      this.left = Math.min(burst, this.left + ((nowMs - this.atMs) * readsPerSecond) / 1000);
      this.atMs = nowMs;
    }
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
