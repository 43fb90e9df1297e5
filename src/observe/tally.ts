// How does a thread count without asking anyone? Each has one tally: 64-bit floats in a shared buffer that only this
// thread writes and the main thread reads, so that a scrape never waits for an engine and an engine never for a scrape.
// One writer per buffer is the rule: an addition is a read and a write, and a second writer would lose counts.
// An aligned 64-bit cell is read whole on every processor that Node runs on with 64 bits; floats count exactly to 2^53.

import type { CounterName, GaugeName, HistogramName, LabelValues } from './metric-table.ts';
import { TallyLayout } from './tally-layout.ts';

declare const slotMark: unique symbol;

/** The cell of one counter or gauge series, looked up once and kept where something is counted very often. */
export type Slot = number & { readonly [slotMark]: true };

export class Tally {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Float64Array;
  readonly layout: TallyLayout;

  private constructor(buffer: SharedArrayBuffer, layout: TallyLayout) {
    if (buffer.byteLength !== layout.cells * Float64Array.BYTES_PER_ELEMENT) {
      throw new RangeError('the buffer of a tally was made for another list of verbs');
    }
    this.buffer = buffer;
    this.#cells = new Float64Array(buffer);
    this.layout = layout;
  }

  /** A tally of zeros. `verbs` in upper case: commands with any other verb count as `other`. */
  static create(verbs: readonly string[]): Tally {
    const layout = new TallyLayout(verbs);
    return new Tally(new SharedArrayBuffer(layout.cells * Float64Array.BYTES_PER_ELEMENT), layout);
  }

  /** The same tally in another thread; `verbs` must be those that it was created with, in the same order. */
  static over(buffer: SharedArrayBuffer, verbs: readonly string[]): Tally {
    return new Tally(buffer, new TallyLayout(verbs));
  }

  /** One more. Costs a few tens of nanoseconds; where that is too much, keep the slot and add to it. */
  count<M extends CounterName>(metric: M, ...labels: LabelValues<M>): void;
  count(metric: CounterName, major?: string, minor?: string): void {
    this.#add(this.layout.cellOf(metric, major, minor), 1);
  }

  /** So many more; `amount` in the unit of the metric, never negative. */
  increase<M extends CounterName>(metric: M, amount: number, ...labels: LabelValues<M>): void;
  increase(metric: CounterName, amount: number, major?: string, minor?: string): void {
    this.#add(this.layout.cellOf(metric, major, minor), amount);
  }

  /** Moves a gauge by `delta`, up or down. The gauges of all threads are added up. */
  raise<M extends GaugeName>(metric: M, delta: number, ...labels: LabelValues<M>): void;
  raise(metric: GaugeName, delta: number, major?: string, minor?: string): void {
    this.#add(this.layout.cellOf(metric, major, minor), delta);
  }

  /** Sets a gauge. For one that a single thread owns, such as a limit, since the gauges of all threads are added up. */
  set<M extends GaugeName>(metric: M, value: number, ...labels: LabelValues<M>): void;
  set(metric: GaugeName, value: number, major?: string, minor?: string): void {
    this.#cells[this.layout.cellOf(metric, major, minor)] = value;
  }

  /** Puts a value, in the unit of the metric's name (seconds), into its bucket. */
  observe<M extends HistogramName>(metric: M, value: number, ...labels: LabelValues<M>): void;
  observe(metric: HistogramName, value: number, major?: string, minor?: string): void {
    const first = this.layout.cellOf(metric, major, minor);
    const buckets = this.layout.bucketsOf(metric);
    let bucket = 0;
    // At most 16 bounds, and most values are small: walking beats halving here. A bound belongs to its bucket (`le`).
    while (bucket < buckets.length && value > (buckets[bucket] ?? 0)) bucket += 1;
    this.#add(first + bucket, 1);
    this.#add(first + buckets.length + 1, value);
  }

  /** The place of a counter or gauge series, for `add`. */
  slot<M extends CounterName | GaugeName>(metric: M, ...labels: LabelValues<M>): Slot;
  slot(metric: CounterName | GaugeName, major?: string, minor?: string): number {
    return this.layout.cellOf(metric, major, minor);
  }

  /** The places of the series of a metric by the value of their last label; the first one of two is given. */
  slotsByLabel(metric: CounterName | GaugeName, major?: string): ReadonlyMap<string, Slot> {
    const slots = new Map<string, Slot>();
    for (const { labels, cell } of this.layout.seriesOf(metric)) {
      const values = Object.values(labels);
      if (major === undefined || values[0] === major) slots.set(values.at(-1) ?? '', cell as Slot);
    }
    return slots;
  }

  /** Adds to a slot of this tally, or of another with the same verbs. */
  add(slot: Slot, amount: number): void {
    this.#add(slot, amount);
  }

  /** The value of one series, in this thread or another's. */
  read<M extends CounterName | GaugeName>(metric: M, ...labels: LabelValues<M>): number;
  read(metric: CounterName | GaugeName, major?: string, minor?: string): number {
    return this.readCell(this.layout.cellOf(metric, major, minor));
  }

  /** The value of a cell that the layout named. */
  readCell(cell: number): number {
    return this.#cells[cell] ?? 0;
  }

  #add(cell: number, amount: number): void {
    this.#cells[cell] = (this.#cells[cell] ?? 0) + amount;
  }
}
