// How does prom-client show a histogram that it did not observe itself? It has no way to set buckets, so this one
// answers the registry's question with counts read elsewhere. The buckets leave cumulative, +Inf equals `_count`, and
// both come from one reading, so that a scrape during an observation is still a histogram.

import { Histogram, type HistogramConfiguration } from 'prom-client';

/** One series: how many values fell into each bucket (one more than bounds: the last is +Inf), and their sum. */
export interface Distribution {
  readonly labels: Readonly<Record<string, string>>;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** A histogram whose values are asked of `read` at each scrape. Registers itself as its configuration says. */
export class SummedHistogram extends Histogram<string> {
  readonly #name: string;
  readonly #read: () => readonly Distribution[];
  /** Never observed and never shown: what it answers is the frame, name and type, around our values. */
  readonly #empty: Histogram<string>;

  constructor(configuration: HistogramConfiguration<string>, read: () => readonly Distribution[]) {
    super(configuration);
    this.#name = configuration.name;
    this.#read = read;
    this.#empty = new Histogram({ ...configuration, registers: [] });
  }

  override async get(): ReturnType<Histogram<string>['get']> {
    const empty = await this.#empty.get();
    return { ...empty, values: this.#read().flatMap((distribution) => valuesOf(this.#name, distribution)) };
  }

  /** What the registry prefers to `get` when it writes text; the types of prom-client do not mention it. */
  getForPromString(): ReturnType<Histogram<string>['get']> {
    return this.get();
  }
}

interface NamedValue {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

function valuesOf(name: string, { labels, bounds, counts, sum }: Distribution): NamedValue[] {
  let count = 0;
  const values: NamedValue[] = counts.map((inBucket, bucket) => {
    count += inBucket;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[bucket] ?? '+Inf' }, value: count };
  });
  values.push({ metricName: `${name}_sum`, labels, value: sum });
  values.push({ metricName: `${name}_count`, labels, value: count });
  return values;
}
