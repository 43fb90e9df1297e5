// May this line be written, when a peer can bring about as many as it likes? So many in a row, then one in a while, and
// each that is written says how many were not. Must not break: the log stays readable, and what was left out is known.

export class LogAllowance {
  readonly #linesMax: number;
  readonly #lineMs: number;
  #lines: number;
  #sinceMs = 0;
  #unwritten = 0;

  /** `linesMax` at once; one comes back every `lineMs`. */
  constructor(linesMax: number, lineMs: number) {
    this.#linesMax = linesMax;
    this.#lines = linesMax;
    this.#lineMs = lineMs;
  }

  /** How many were left out since the last line that was written, or undefined where this one is to be left out too. */
  take(nowMs: number): number | undefined {
    const back = Math.floor((nowMs - this.#sinceMs) / this.#lineMs);
    if (back > 0) {
      this.#lines = Math.min(this.#linesMax, this.#lines + back);
      this.#sinceMs += back * this.#lineMs;
    }
    if (this.#lines === 0) {
      this.#unwritten += 1;
      return undefined;
    }
    this.#lines -= 1;
    const unwritten = this.#unwritten;
    this.#unwritten = 0;
    return unwritten;
  }
}
