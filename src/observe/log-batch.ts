// What becomes of an engine's log lines until the main thread takes them? They are gathered, because a message per
// line would cost more than the line, and bounded, because an engine never waits for a log: beyond the bound the
// newest lines are dropped and counted, so that those which tell how the trouble began are kept.

// Two seconds of 5,000 records of 400 characters each, and little enough to be written in one go.
const charactersMaxDefault = 4 * 1024 * 1024;

/** Lines of one thread, in order. What is taken is for one `postMessage`; take nothing while the last is unanswered. */
export class LogBatch {
  readonly #charactersMax: number;
  #text = '';
  #dropped = 0;

  constructor(charactersMax: number = charactersMaxDefault) {
    this.#charactersMax = charactersMax;
  }

  get isEmpty(): boolean {
    return this.#text === '';
  }

  /** Adds one line, its LF included; never part of one. */
  write(line: string): void {
    if (this.#text.length + line.length > this.#charactersMax) this.#dropped += 1;
    else this.#text += line;
  }

  /** All lines since the last time, whole, each with its LF; empty when there are none. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  /** How many lines were dropped since this was last asked: for `log_lines_dropped_total`. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
