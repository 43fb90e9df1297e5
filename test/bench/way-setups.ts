// How long did the gateway take to open its ways? As it counts itself: its histogram is read before and after a cell.
// The rule: nothing is asked while the window is open; what asks has ended before the load begins, and begins after it.
// The load's warm-up and last transfers are therefore in the figures.

import { spawnSync } from 'node:child_process';
import { type Bucket, bucketsSince, countOf, quantile, readBuckets } from './buckets.ts';
import type { Figure } from './rows.ts';
import type { Gateway, MetricsPage } from './targets.ts';

const histogram = 'portcullis_way_setup_seconds';

export interface WaySetUps {
  readonly figures: readonly Figure[];
  /** As those of a cell. */
  readonly faults: Readonly<Record<string, number>>;
}

/** Begins to watch; what it returns ends that. There is nothing to tell of a gateway that cannot be asked. */
export function watchWaySetUps({ metrics }: Gateway): (transfers: number) => WaySetUps {
  if (metrics === undefined) return () => ({ figures: [], faults: {} });
  const before = readBuckets(scrape(metrics), histogram);
  return (transfers) => {
    try {
      const buckets = bucketsSince(before, readBuckets(scrape(metrics), histogram));
      return { figures: figuresOf(buckets, transfers), faults: {} };
    } catch (error) {
      // A gateway that has ended meanwhile: the cell has more to tell of it than that.
      return { figures: [], faults: { [error instanceof Error ? error.message : String(error)]: 1 } };
    }
  };
}

function figuresOf(buckets: readonly Bucket[], transfers: number): readonly Figure[] {
  const ways = countOf(buckets);
  // Each transfer has a way of its own. Fewer would be quantiles of something else.
  if (ways < transfers) throw new Error(`the gateway counted ${ways} ways for ${transfers} transfers`);
  return ([50, 99] as const).flatMap((percent) => {
    const seconds = quantile(percent / 100, buckets);
    return seconds === undefined ? [] : { name: `way set-up p${percent}`, unit: 'µs', value: seconds * 1e6 };
  });
}

// The page is a loopback away and takes milliseconds.
const scrapeTimeoutMs = 10_000;

// Node itself, which is certainly here, instead of curl.
const program = `
  try {
    const response = await fetch(process.argv[1]);
    if (!response.ok) throw new Error('status ' + response.status);
    process.stdout.write(await response.text());
  } catch (error) {
    process.stderr.write((error.cause ?? error).message);
    process.exitCode = 1;
  }
`;

function scrape({ namespace, url }: MetricsPage): string {
  const node = [process.execPath, '--input-type=module', '--eval', program, url];
  const options = { encoding: 'utf8', timeout: scrapeTimeoutMs } as const;
  const { status, stdout, stderr } = spawnSync('nsenter', [`--net=/run/netns/${namespace}`, ...node], options);
  if (status !== 0) throw new Error(`${url} did not answer: ${(stderr ?? '').trim() || 'time-out'}`);
  return stdout;
}
