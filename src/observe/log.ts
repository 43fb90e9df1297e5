// How is a log line made? One JSON object per line: `time` in ISO 8601 and UTC, `level` as a word, `msg` a constant
// text of ours; what a peer sent stands in fields of its own, never in `msg`, and JSON keeps its control characters
// from forging a line. The rule that must not break: the argument of PASS or ACCT is never handed to a logger, nor a
// line or an argument as it came (RFC 2577 §6: sniffed passwords; a log is read by more people than a wire). Should
// somebody forget, the fields that such a thing would be called are withheld below, whatever they hold.

import pino from 'pino';

export type Logger = pino.Logger;

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface LogParts {
  /** The least that is written. */
  readonly level: LogLevel;
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

/** A logger for this thread. `log.level` may be changed later; `log.child(bindings)` keeps all the rules of its parent. */
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

/** `,"time":"…"` as pino wants it. Once per millisecond: it costs a third of a line, and under load a dozen share one. */
function isoTimeField(): () => string {
  let madeAtMs = Number.NaN;
  let field = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== madeAtMs) {
      madeAtMs = nowMs;
      field = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return field;
  };
}

// Two seconds of 5,000 records of 400 characters each, and little enough to be written in one go.
const charactersMaxDefault = 4 * 1024 * 1024;

/**
 * What an engine's lines wait in until the main thread takes them: a message per line would cost more than the line.
 * Bounded, because an engine never waits for a log: beyond the bound the newest lines are dropped and counted, so that
 * those which tell how the trouble began are kept. What is taken is for one `postMessage`; to have the
 * bound mean something, take nothing while the last message is unanswered.
 */
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
