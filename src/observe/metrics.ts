// What does a scrape see? The sum of all tallies at that moment, in the text format of Prometheus: nothing is copied
// between scrapes and no engine is asked. prom-client renders; its own metrics of the process and of the main thread's
// event loop stand beside ours. Every series of a closed list is there from the start, at zero, so that a first
// refusal is an increase and not a new series, which `rate()` and `increase()` would not see.

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import {
  type CounterName,
  definitionOf,
  exposedName,
  type GaugeName,
  gaugesOfSettings,
  type LabelValues,
  type MetricName,
  metricNames,
} from './metric-table.ts';
import { type Distribution, SummedHistogram } from './summed-histogram.ts';
import type { Tally } from './tally.ts';
import type { Series } from './tally-layout.ts';

export interface MetricsParts {
  /** The tally of the main thread: limits, readiness, reloads. Made with the same verbs as those of the engines. */
  readonly own: Tally;
  /** Those of the engines, by index. An engine that is replaced keeps its buffer: a counter must not fall. */
  readonly engines: () => readonly Tally[];
  /** What listeners show to clients, by the settings in force. */
  readonly certificates: () => readonly ShownCertificate[];
  /** The version of this program, for `build_info`. */
  readonly version: string;
}

export interface ShownCertificate {
  readonly listener: string;
  readonly subject: string;
  readonly notAfterMs: number;
}

/** One series and its value, summed over the threads. */
interface SeriesTotal {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metrics {
  readonly registry: Registry;
  /** The media type of `text()`. */
  readonly contentType: string;
  /** Everything in the text format of Prometheus, version 0.0.4. */
  text(): Promise<string>;
  /** The present sum of one series. */
  total<M extends CounterName | GaugeName>(metric: M, ...labels: LabelValues<M>): number;
  /** The present sums of all series of a metric, in the order of the table. */
  totals(metric: CounterName | GaugeName): readonly SeriesTotal[];
}

/** The registry of the gateway, with every metric of the table registered. For the main thread. */
export function createMetrics(parts: MetricsParts): Metrics {
  const registry = new Registry();
  const sums = new Sums(parts);
  collectDefaultMetrics({ register: registry });
  for (const metric of metricNames) register(metric, registry, sums);
  registerExpiry(registry, parts.certificates);
  registerBuildInfo(registry, parts.version);

  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    total: (metric, ...labels) =>
      parts.engines().reduce((sum, t) => sum + t.read(metric, ...labels), parts.own.read(metric, ...labels)),
    totals: (metric) => sums.totalsOf(metric),
  };
}

/** Reading all tallies as one. */
class Sums {
  readonly #parts: MetricsParts;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
  }

  seriesOf(metric: MetricName): readonly Series[] {
    return this.#parts.own.layout.seriesOf(metric);
  }

  distributionsOf(metric: MetricName): readonly Distribution[] {
    const bounds = this.#parts.own.layout.bucketsOf(metric);
    return this.seriesOf(metric).map(({ labels, cell }) => ({
      labels,
      bounds,
      counts: Array.from({ length: bounds.length + 1 }, (_, bucket) => this.cell(cell + bucket)),
      sum: this.cell(cell + bounds.length + 1),
    }));
  }

  cell(cell: number): number {
    return this.#parts.engines().reduce((sum, tally) => sum + tally.readCell(cell), this.#parts.own.readCell(cell));
  }

  totalsOf(metric: MetricName): readonly SeriesTotal[] {
    const series = this.seriesOf(metric);
    if (definitionOf(metric).perEngine !== true) {
      return series.map(({ labels, cell }) => ({ labels, value: this.cell(cell) }));
    }
    return this.#parts
      .engines()
      .flatMap((tally, index) =>
        series.map(({ cell }) => ({ labels: { engine: String(index) }, value: tally.readCell(cell) })),
      );
  }
}

function register(metric: MetricName, registry: Registry, sums: Sums): void {
  const { type, help, labels, perEngine } = definitionOf(metric);
  const labelNames = perEngine === true ? ['engine'] : labels.map(([name]) => name);
  const common = { name: exposedName(metric), help, labelNames, registers: [registry] };
  switch (type) {
    case 'counter':
      new Counter({
        ...common,
        collect() {
          this.reset();
          for (const { labels: values, value } of sums.totalsOf(metric)) this.inc(values, value);
        },
      });
      return;
    case 'gauge':
      new Gauge({
        ...common,
        collect() {
          this.reset();
          for (const { labels: values, value } of sums.totalsOf(metric)) this.set(values, value);
        },
      });
      return;
    case 'histogram':
      new SummedHistogram(common, () => sums.distributionsOf(metric));
      return;
  }
}

function registerExpiry(registry: Registry, certificates: MetricsParts['certificates']): void {
  const { help, labels } = gaugesOfSettings.tls_certificate_expiry_seconds;
  new Gauge({
    name: exposedName('tls_certificate_expiry_seconds'),
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset();
      // Of several with one subject, as for two kinds of keys, the first to expire is what counts: it is set last.
      const lastFirst = [...certificates()].sort((a, b) => b.notAfterMs - a.notAfterMs);
      for (const { listener, subject, notAfterMs } of lastFirst) {
        this.set({ listener, subject }, (notAfterMs - Date.now()) / 1000);
      }
    },
  });
}

function registerBuildInfo(registry: Registry, version: string): void {
  const info = new Gauge({
    name: 'portcullis_build_info',
    help: 'Always 1; the labels say which version runs on which Node.js.',
    labelNames: ['version', 'node'],
    registers: [registry],
  });
  info.set({ version, node: process.version }, 1);
}
