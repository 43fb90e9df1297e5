// How is a log line made? One JSON object per line: `time` in ISO 8601 and UTC, `level` as a word, `msg` a constant
// text of ours; what a peer sent stands in fields of its own, never in `msg`, and JSON keeps its control characters
// from forging a line. The rule that must not break: the argument of PASS or ACCT is never handed to a logger, nor a
// line or an argument as it came (RFC 2577 §6: sniffed passwords; a log is read by more people than a wire). Should
// somebody forget, the fields that such a thing would be called are withheld below, whatever they hold.

import pino from 'pino';

export type Logger = pino.Logger;

export interface LogParts {
  /** The least that is written. */
  readonly level: pino.Level;
  /** Takes one line, its LF included. Must neither throw nor wait. */
  readonly write: (line: string) => void;
  /** Fields of every line, such as the index of an engine. */
  readonly bindings?: Readonly<Record<string, unknown>>;
}

const withheld = () => '[withheld]';

// A verb is logged as `verb`; no field of these names has a use in a log of this program.
const serializers = {
  err: pino.stdSerializers.err,
  argument: withheld,
  command: withheld,
  line: withheld,
  octets: withheld,
  password: withheld,
  account: withheld,
};

/**
 * A logger for this thread. `log.level` may be changed later; `log.child(bindings)` keeps all the rules of its parent.
 */
export function createLog(parts: LogParts): Logger {
  return pino(
    {
      level: parts.level,
      base: parts.bindings ?? null,
      serializers,
      timestamp: isoTimeField(),
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: parts.write },
  );
}

/** `,"time":"…"` as pino wants it. Down to the second once a second: printing a date costs a third of a line. */
function isoTimeField(): () => string {
  let second = Number.NaN;
  let untilSecond = '';
  return () => {
    const nowMs = Date.now();
    const milliseconds = nowMs % 1000;
    if (nowMs - milliseconds !== second) {
      second = nowMs - milliseconds;
      untilSecond = `,"time":"${new Date(second).toISOString().slice(0, -4)}`;
    }
    return `${untilSecond}${milliseconds < 10 ? '00' : milliseconds < 100 ? '0' : ''}${milliseconds}Z"`;
  };
}

// Two seconds of 5,000 records of 400 octets each, and little enough to be written in one go.
const octetsMaxDefault = 4 * 1024 * 1024;
// A tenth of a second of a busy engine.
const octetsKept = 512 * 1024;
// UTF-16 to UTF-8: a code unit takes three octets at most.
const octetsPerUnitMax = 3;

/**
 * What an engine's lines wait in until the main thread takes them: a message per line would cost more than the line.
 * As octets outside the JavaScript heap: as strings they would outlive the young generation, and collecting the old
 * one was seen to take a twelfth of an engine's processor. Bounded, because an engine never waits for a log: beyond the
 * bound the newest lines are dropped and counted, so that those which tell how the trouble began are kept. What is
 * taken is for one `postMessage`; to have the bound mean something, take nothing while the last message is unanswered.
 */
export class LogBatch {
  readonly #octetsMax: number;
  #octets = Buffer.allocUnsafeSlow(octetsKept);
  #length = 0;
  #dropped = 0;

  constructor(octetsMax: number = octetsMaxDefault) {
    this.#octetsMax = octetsMax;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Adds one line, its LF included; never part of one. */
  write(line: string): void {
    if (this.#length + line.length > this.#octetsMax) {
      this.#dropped += 1;
      return;
    }
    this.#makeRoom(line.length * octetsPerUnitMax);
    this.#length += this.#octets.write(line, this.#length);
  }

  /** All lines since the last time, whole, each with its LF, in a store of their own; empty when there are none. */
  take(): Uint8Array<ArrayBuffer> {
    const lines = new Uint8Array(this.#octets.subarray(0, this.#length));
    this.#length = 0;
    if (this.#octets.length > octetsKept) this.#octets = Buffer.allocUnsafeSlow(octetsKept);
    return lines;
  }

  #makeRoom(octets: number): void {
    if (this.#length + octets <= this.#octets.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#octets.length * 2, this.#length + octets));
    this.#octets.copy(larger, 0, 0, this.#length);
    this.#octets = larger;
  }

  /** How many lines were dropped since this was last asked: for `log_lines_dropped_total`. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
