// What does a Prometheus histogram say of a stretch of time? Its buckets at the end less those at the beginning, and
// quantiles of what is left, interpolated as PromQL's histogram_quantile does, so that a dashboard shows the same
// figure. https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile

import { parseExposition } from '../unit/observe/parse-exposition.ts';

export interface Bucket {
  /** The label `le`; infinite for the last. */
  readonly upTo: number;
  /** Values up to that bound, so those of all buckets before it too. */
  readonly count: number;
}

/** The buckets of a histogram in the text of a scrape, ascending, all its series added up. Throws when it has none. */
export function readBuckets(exposition: string, name: string): readonly Bucket[] {
  const counts = new Map<number, number>();
  for (const [series, count] of parseExposition(exposition).get(name)?.samples ?? []) {
    const bound = /_bucket\{.*\ble="([^"]*)"/.exec(series)?.[1];
    if (bound === undefined) continue;
    const upTo = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound);
    counts.set(upTo, (counts.get(upTo) ?? 0) + count);
  }
  const buckets = [...counts].map(([upTo, count]) => ({ upTo, count })).sort((a, b) => (a.upTo < b.upTo ? -1 : 1));
  if (buckets.at(-1)?.upTo !== Number.POSITIVE_INFINITY) throw new Error(`no histogram ${name}`);
  return buckets;
}

/** What came in between. Throws where the two are no readings of one histogram, such as after a restart. */
export function bucketsSince(earlier: readonly Bucket[], later: readonly Bucket[]): readonly Bucket[] {
  return later.map(({ upTo, count }, index) => {
    const before = earlier[index];
    if (before?.upTo !== upTo || before.count > count) throw new Error('the histogram is no longer the same');
    return { upTo, count: count - before.count };
  });
}

/** How many values there are. */
export function countOf(buckets: readonly Bucket[]): number {
  return buckets.at(-1)?.count ?? 0;
}

/**
 * In the unit of the bounds; undefined without values. Those of one bucket are taken to lie evenly in it, those of the
 * first from 0 on; beyond the last finite bound nothing more is known than that bound.
 */
export function quantile(share: number, buckets: readonly Bucket[]): number | undefined {
  if (countOf(buckets) === 0) return undefined;
  const rank = share * countOf(buckets);
  let below: Bucket = { upTo: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.upTo === Number.POSITIVE_INFINITY) break;
    if (bucket.count > 0 && bucket.count >= rank) {
      return below.upTo + ((bucket.upTo - below.upTo) * (rank - below.count)) / (bucket.count - below.count);
    }
    below = bucket;
  }
  return below.upTo;
}
