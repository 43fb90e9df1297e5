// How much of what clients send after their last word is read? It is read so that closing does not reset a 421 on its
// way, and nobody hears it: so it has a rate, for all of them together. What is beyond it waits in the kernel, where a
// client that floods cannot send on. A bucket that fills with the clock.

/** One read gives 16 KiB at most: 32 MiB a second, and as much at once, so that one client with a long line is quick. */
const readsPerSecond = 2048;

export class Discards {
  private left = readsPerSecond;
  private atMs: number;

  constructor(nowMs: number) {
    this.atMs = nowMs;
  }

  /** May one more read be made? It counts as made. */
  take(nowMs: number): boolean {
    if (nowMs !== this.atMs) {
      this.left = Math.min(readsPerSecond, this.left + ((nowMs - this.atMs) * readsPerSecond) / 1000);
      this.atMs = nowMs;
    }
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
