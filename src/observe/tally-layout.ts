// Where in a tally does a count stand? The table of metrics laid out over numbered cells, the same in every thread,
// because it follows from the table and the list of verbs alone: that is what makes summing the engines an addition of
// cells. A series has one cell; a histogram's series one per bucket, one for +Inf and a last one for the sum.

import { otherVerb, verbsGivenLater } from './metric-labels.ts';
import { definitionOf, type MetricDefinition, type MetricName, metricNames } from './metric-table.ts';

/** One combination of label values and the first of its cells. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: number;
}

/** How far each value of a label lies from the metric's first cell; no label at all is the one value `undefined`. */
type Axis = ReadonlyMap<string | undefined, number>;

interface Place {
  readonly firstCell: number;
  readonly major: Axis;
  readonly minor: Axis;
  readonly buckets: readonly number[];
  readonly series: readonly Series[];
}

const noLabel: Axis = new Map([[undefined, 0]]);

export class TallyLayout {
  readonly cells: number;
  readonly #places: ReadonlyMap<MetricName, Place>;

  /** `verbs` are the values of the label `verb`, in upper case; `other` is added. */
  constructor(verbs: readonly string[]) {
    const places = new Map<MetricName, Place>();
    let next = 0;
    for (const metric of metricNames) {
      const definition = definitionOf(metric);
      const place = placeAt(next, definition, verbs);
      places.set(metric, place);
      next += place.series.length * cellsPerSeries(definition);
    }
    this.#places = places;
    this.cells = next;
  }

  /** The (first) cell of a series. Never allocates: this is on the path of every count. */
  cellOf(metric: MetricName, major?: string, minor?: string): number {
    const place = this.#place(metric);
    // Only the verbs have `other`; what is in no other list is our own mistake and the compiler's to find.
    const far = place.major.get(major) ?? place.major.get(otherVerb);
    const near = place.minor.get(minor);
    if (far === undefined || near === undefined) throw new RangeError(`no series of ${metric} has these labels`);
    return place.firstCell + far + near;
  }

  /** Upper bounds of a histogram, without +Inf; empty for the other types. */
  bucketsOf(metric: MetricName): readonly number[] {
    return this.#place(metric).buckets;
  }

  /** Every series of a metric: those that nothing was counted in are there too. */
  seriesOf(metric: MetricName): readonly Series[] {
    return this.#place(metric).series;
  }

  #place(metric: MetricName): Place {
    const place = this.#places.get(metric);
    if (place === undefined) throw new RangeError(`no metric ${metric}`);
    return place;
  }
}

function cellsPerSeries(definition: MetricDefinition): number {
  return definition.type === 'histogram' ? (definition.buckets ?? []).length + 2 : 1;
}

function placeAt(firstCell: number, definition: MetricDefinition, verbs: readonly string[]): Place {
  const valuesOf = (label: readonly [string, readonly string[]]) =>
    label[1] === verbsGivenLater ? [...new Set([...verbs, otherVerb])] : label[1];
  const [majorLabel, minorLabel] = definition.labels;
  const minorStride = cellsPerSeries(definition);
  const minor = minorLabel === undefined ? noLabel : axis(valuesOf(minorLabel), minorStride);
  const major = majorLabel === undefined ? noLabel : axis(valuesOf(majorLabel), minorStride * minor.size);

  const series: Series[] = [];
  for (const [majorValue, far] of major) {
    for (const [minorValue, near] of minor) {
      const labels: Record<string, string> = {};
      if (majorLabel !== undefined && majorValue !== undefined) labels[majorLabel[0]] = majorValue;
      if (minorLabel !== undefined && minorValue !== undefined) labels[minorLabel[0]] = minorValue;
      series.push({ labels, cell: firstCell + far + near });
    }
  }
  return { firstCell, major, minor, buckets: definition.buckets ?? [], series };
}

function axis(values: readonly string[], stride: number): Axis {
  return new Map(values.map((value, index) => [value, index * stride]));
}
