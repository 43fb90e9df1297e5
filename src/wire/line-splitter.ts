// Where does a line of the control connection end? Octets in, in whatever pieces TCP delivers them; whole lines out.
// Must not break: any cutting of the same octets gives the same lines; the rest of a line refused for its length is
// never read as a line; memory stays below the bound; nothing is kept while no line is pending.
// RFC 959 §5.3 (CR LF), RFC 1123 §4.1.2.10 (a read has nothing to do with a line), RFC 3659 §2.2 (octets are kept).

/** One line as it was received, and as it may leave. */
export interface ControlLine {
  /** The content without its end. Mostly a view of the octets that were pushed. */
  readonly octets: Uint8Array;
  /** What is forwarded: content, CR, LF. The very octets received where these ended in CR LF. */
  readonly wire: Uint8Array;
  /**
   * Why the line must not be forwarded as it is; an overlong one has no octets at all. `endless` follows on `overlong`
   * when so many more have come that this is no line but a flood.
   */
  readonly fault: 'overlong' | 'endless' | 'bare-cr' | 'nul' | undefined;
}

const LF = 10;
const CR = 13;
const NUL = 0;
const NOTHING = new Uint8Array(0);
const OVERLONG: ControlLine = { octets: NOTHING, wire: NOTHING, fault: 'overlong' };
const ENDLESS: ControlLine = { octets: NOTHING, wire: NOTHING, fault: 'endless' };
const EMPTY: ControlLine = { octets: NOTHING, wire: Uint8Array.of(CR, LF), fault: undefined };
// A mistaken client that sends a file where a command belongs still gets its 500; this much of it is no mistake any
// more.
const ENDLESS_LINES = 16;
// Holds most commands without growing; a line in several segments is rare enough to pay for one small buffer.
const PENDING_OCTETS_MIN = 64;

/**
 * Cuts one direction of one control connection into lines, each when it is asked for: a chunk of line ends alone would
 * otherwise become thousands of objects before anybody could say that one is enough. Views are returned: chunks given
 * must not be reused.
 */
export class LineSplitter {
  readonly #lineOctetsMax: number;
  #chunk: Uint8Array = NOTHING;
  /** Where in the chunk the next line begins. */
  #at = 0;
  #pending: Uint8Array = NOTHING;
  #pendingOctets = 0;
  /** Octets so far of a line that is being dropped. */
  #dropped: number | undefined;
  /** `due`: the line that is being dropped has become endless, and this was not told yet. */
  #endless: 'no' | 'due' = 'no';

  /** @param lineOctetsMax Longest line in octets as received, its end included. */
  constructor(lineOctetsMax: number) {
    this.#lineOctetsMax = lineOctetsMax;
  }

  /** Octets of a line begun and not yet ended that are held in memory. */
  get pendingOctets(): number {
    return this.#pendingOctets;
  }

  /** All that was given has been looked at: `next` has nothing until more is given. */
  get isDry(): boolean {
    return this.#at === this.#chunk.length && this.#endless === 'no';
  }

  /** Takes the next octets of the stream; only when it is dry. */
  give(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Forgets what has not been looked at. */
  drop(): void {
    this.give(NOTHING);
    this.#endless = 'no';
  }

  /** Begins anew, as with another connection; how many octets are forgotten. */
  restart(): number {
    const forgotten = this.#chunk.length - this.#at + this.#pendingOctets;
    this.drop();
    this.#pending = NOTHING;
    this.#pendingOctets = 0;
    this.#dropped = undefined;
    return forgotten;
  }

  /**
   * The next line, or undefined where its end has not been given yet. A line beyond the bound is told once, with fault
   * `overlong`, as soon as it cannot end within the bound; its octets up to and including the next LF are dropped.
   */
  next(): ControlLine | undefined {
    while (!this.isDry) {
      if (this.#endless === 'due') {
        this.#endless = 'no';
        return ENDLESS;
      }
      const chunk = this.#chunk;
      const start = this.#at;
      // Only LF ends a line; that it may come without CR is for telnet clients and scripts (`printf 'NOOP\n' | nc`).
      const lf = chunk.indexOf(LF, start);
      const end = lf < 0 ? chunk.length : lf + 1;
      this.#at = end;
      const line = this.#take(chunk, start, end, lf >= 0);
      if (end === chunk.length) this.give(NOTHING);
      if (line !== undefined) return line;
    }
    return undefined;
  }

  #take(chunk: Uint8Array, start: number, end: number, ended: boolean): ControlLine | undefined {
    let line: ControlLine | undefined;
    if (this.#dropped !== undefined) this.#drop(this.#dropped, end - start);
    else if (ended) line = this.#finish(chunk, start, end);
    else line = this.#keep(chunk, start);
    if (ended) this.#dropped = undefined;
    return line;
  }

  #finish(chunk: Uint8Array, start: number, end: number): ControlLine {
    const length = this.#pendingOctets + end - start;
    if (length > this.#lineOctetsMax) return this.#refuse(length);
    if (this.#pendingOctets === 0) return controlLine(octetsBetween(chunk, start, end));
    this.#append(chunk.subarray(start, end));
    const received = octetsBetween(this.#pending, 0, length);
    this.#forget();
    return controlLine(received);
  }

  #keep(chunk: Uint8Array, start: number): ControlLine | undefined {
    const length = this.#pendingOctets + chunk.length - start;
    // Its LF is still to come, so a line of exactly the bound is already too long. Waiting for that LF would let a
    // flood without one hold its buffer for as long as it likes.
    if (length >= this.#lineOctetsMax) return this.#refuse(length);
    this.#append(chunk.subarray(start));
    return undefined;
  }

  #refuse(length: number): ControlLine {
    this.#forget();
    this.#drop(0, length);
    return OVERLONG;
  }

  #drop(before: number, more: number): void {
    const endless = this.#lineOctetsMax * ENDLESS_LINES;
    this.#dropped = before + more;
    if (before <= endless && this.#dropped > endless) this.#endless = 'due';
  }

  // Copies, because a view of three octets would keep the whole chunk of 64 KiB alive.
  #append(octets: Uint8Array): void {
    const needed = this.#pendingOctets + octets.length;
    if (needed > this.#pending.length) {
      // Doubling keeps a line that comes octet by octet linear.
      const grown = new Uint8Array(Math.max(needed, this.#pending.length * 2, PENDING_OCTETS_MIN));
      grown.set(this.#pending.subarray(0, this.#pendingOctets));
      this.#pending = grown;
    }
    this.#pending.set(octets, this.#pendingOctets);
    this.#pendingOctets = needed;
  }

  #forget(): void {
    this.#pending = NOTHING;
    this.#pendingOctets = 0;
  }
}

/** @param received One line with its LF. */
function controlLine(received: Uint8Array): ControlLine {
  const contentEnd = received.length - 1;
  // The shortest line is the cheapest to send in millions, so it is the one that costs no object.
  if (contentEnd === 0) return EMPTY;
  if (received[contentEnd - 1] === CR) {
    const octets = received.subarray(0, contentEnd - 1);
    return { octets, wire: received, fault: faultOf(octets) };
  }
  const octets = received.subarray(0, contentEnd);
  const wire = new Uint8Array(received.length + 1);
  wire.set(octets);
  wire[contentEnd] = CR;
  wire[contentEnd + 1] = LF;
  return { octets, wire, fault: faultOf(octets) };
}

// Smuggling: the next reader may end its line at a bare CR, or its string at a NUL, and see another command than we
// did.
function faultOf(octets: Uint8Array): ControlLine['fault'] {
  if (octets.indexOf(CR) >= 0) return 'bare-cr';
  return octets.indexOf(NUL) >= 0 ? 'nul' : undefined;
}

// A chunk is mostly one line, and then needs no view of itself.
function octetsBetween(octets: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === octets.length ? octets : octets.subarray(start, end);
}
