// Where do log lines go? To standard output, in order and at once: what was written before the process ends is there,
// also when it ends by `process.exit` or an uncaught error. On a terminal they are made readable, elsewhere they stay
// JSON. A reader that is slow (EAGAIN), gone (EPIPE) or full (ENOSPC) costs lines, counted, but never the gateway.

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import pretty from 'pino-pretty';

export interface LogOutputParts {
  /** Told how many lines were lost, for `log_lines_dropped_total`. */
  readonly onDropped: (lines: number) => void;
  /** A file descriptor; standard output unless told. */
  readonly fd?: number;
  /** Readable for people instead of JSON; unless told, when the descriptor is a terminal. */
  readonly pretty?: boolean;
}

export interface LogOutput {
  /** Takes one or more whole lines of JSON, each with its LF. Does not throw. */
  write(lines: string | Uint8Array): void;
  /** Writes what a slow reader has left over, waiting for it for `flushMs` at most. Happens by itself at exit. */
  flush(): void;
  /** Flushes and forgets the descriptor, which stays open. */
  close(): void;
}

// A slow reader of a non-blocking pipe is offered the rest this often: its 64 KiB are rarely free again any sooner.
const retryMs = 10;
// What waits for a slow reader: some seconds of the busiest log. Beyond it lines are dropped.
const pendingOctetsMax = 8 * 1024 * 1024;
// At exit a reader that is alive has taken 8 MiB long before; one that is not must not keep a supervisor waiting.
const flushMs = 2000;

/** The log's way out of the process. One per process, on the main thread. */
export function openLogOutput(parts: LogOutputParts): LogOutput {
  const fd = parts.fd ?? 1;
  const writer = new PatientWriter(fd, parts.onDropped);
  const flush = () => writer.flush();
  const render = (parts.pretty ?? isatty(fd)) ? readable() : undefined;
  process.on('exit', flush);
  return {
    write: (lines) => writer.write(render === undefined ? octetsOf(lines) : octetsOf(render(lines))),
    flush,
    close() {
      writer.flush();
      process.off('exit', flush);
    },
  };
}

/** pino-pretty as a function: as a stream or a worker it would lose the last lines of a process that exits. */
function readable(): (lines: string | Uint8Array) => string {
  const prettify = pretty.prettyFactory({ singleLine: true, translateTime: 'SYS:HH:MM:ss.l' });
  return (lines) => octetsOf(lines).toString().trimEnd().split('\n').map(prettify).map(withoutC1).join('');
}

/** JSON escapes ESC, but not DEL and C1, with which a file name could give orders to the reader's terminal. */
function withoutC1(text: string): string {
  return text.replace(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

/** Writes now if it can, later if the reader is slow, and never half a line followed by something else. */
class PatientWriter {
  readonly #fd: number;
  readonly #onDropped: (lines: number) => void;
  #pending: Buffer[] = [];
  #pendingOctets = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(fd: number, onDropped: (lines: number) => void) {
    this.#fd = fd;
    this.#onDropped = onDropped;
  }

  write(octets: Buffer): void {
    if (this.#pendingOctets + octets.length > pendingOctetsMax) {
      this.#onDropped(linesIn(octets));
      return;
    }
    this.#pending.push(octets);
    this.#pendingOctets += octets.length;
    // While something waits, the timer has its turn: one attempt per line would be one failing call per line.
    if (this.#timer === undefined) this.#offer();
  }

  flush(): void {
    const deadlineMs = performance.now() + flushMs;
    while (!this.#writeOut() && performance.now() < deadlineMs) pause(retryMs);
    this.#stopWaiting();
    this.#abandon();
  }

  #offer(): void {
    this.#stopWaiting();
    if (this.#writeOut()) return;
    // The process may end meanwhile: the flush at exit finds what waits.
    this.#timer = setTimeout(() => this.#offer(), retryMs).unref();
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** True when nothing is left to write. */
  #writeOut(): boolean {
    for (;;) {
      const octets = this.#pending[0];
      if (octets === undefined) return true;
      try {
        this.#advance(octets, writeSync(this.#fd, octets));
      } catch (error) {
        if (isTransient(error)) return false;
        // EPIPE: the reader has gone (`… | head`). ENOSPC, EIO: the disk. The next lines may fare better.
        this.#abandon();
        return true;
      }
    }
  }

  #advance(octets: Buffer, written: number): void {
    this.#pendingOctets -= written;
    if (written === octets.length) this.#pending.shift();
    else this.#pending[0] = octets.subarray(written);
  }

  #abandon(): void {
    if (this.#pending.length === 0) return;
    const lines = this.#pending.reduce((sum, octets) => sum + linesIn(octets), 0);
    this.#pending = [];
    this.#pendingOctets = 0;
    this.#onDropped(lines);
  }
}

function octetsOf(lines: string | Uint8Array): Buffer {
  return typeof lines === 'string' ? Buffer.from(lines) : Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
}

function isTransient(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR');
}

function linesIn(octets: Buffer): number {
  let lines = 0;
  for (let at = octets.indexOf(10); at >= 0; at = octets.indexOf(10, at + 1)) lines += 1;
  return lines;
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** Waits without the event loop, which no longer turns when a process exits. */
function pause(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}
