/**
 * What the demo really did, to be compared with what a backend answers. Enters every value as it is recorded, and when
 * points left; leaves totals per metric and per set of attributes, and slots of time, as plain JSON. Never reads values back
 * from the exporters.
 */
import type { Attributes } from '@opentelemetry/api';
import type { InstrumentKind, Program } from './metric-definition.js';
import { createTruthSlots, type TruthSlot } from './truth-slots.js';

export interface SeriesTruth {
  attributes: Attributes;
  /** Values recorded. */
  count: number;
  /** Their sum: the total of a counter, the sum of a histogram. */
  sum: number;
  min: number;
  max: number;
  /** The newest value: what a gauge shows. */
  last: number;
  /** The same by the time of the points that brought it; none of up-down counters. */
  slots: TruthSlot[];
}

export interface MetricTruth {
  unit: string;
  instrument: InstrumentKind;
  /** Upper bounds of the buckets in the slots. */
  bounds?: readonly number[];
  count: number;
  sum: number;
  series: SeriesTruth[];
}

/** What the truth needs to know of a metric. */
export interface NotedMetric {
  name: string;
  unit: string;
  instrument: InstrumentKind;
  program: Program;
  bounds?: readonly number[] | undefined;
}

export interface GroundTruth {
  note(metric: NotedMetric, value: number, attributes: Attributes): void;
  /**
   * Points of this program leave, with this time. Also where they do not arrive: the next ones bring the same counts and
   * more, but what a gauge showed is then in the truth alone.
   */
  close(program: Program, unixMs: number): void;
  read(): Record<string, MetricTruth>;
}

/** `isDelta`: points leave only of series that recorded something; else of all there are, each time. */
export function createGroundTruth({ isDelta }: { isDelta: boolean }): GroundTruth {
  const metrics = new Map<string, { metric: NotedMetric; series: Map<string, SeriesNotes> }>();
  return {
    note(metric, value, attributes) {
      let noted = metrics.get(metric.name);
      if (noted === undefined) {
        noted = { metric, series: new Map() };
        metrics.set(metric.name, noted);
      }
      const key = describeSeries(metric.name, attributes);
      let one = noted.series.get(key);
      if (one === undefined) {
        one = createSeriesNotes(metric, attributes);
        noted.series.set(key, one);
      }
      one.note(value);
    },
    close(program, unixMs) {
      for (const { metric, series } of metrics.values()) {
        if (metric.program !== program) continue;
        for (const one of series.values()) if (!isDelta || one.isOpen()) one.close(unixMs);
      }
    },
    read: () =>
      Object.fromEntries(
        [...metrics].map(([name, { metric, series }]) => [name, readMetric(metric, [...series.values()])]),
      ),
  };
}

/** The truth of one series, while it comes about. */
export interface SeriesNotes {
  /** So many values at once. */
  note(value: number, count?: number): void;
  /** Whether anything was noted since the last point. */
  isOpen(): boolean;
  /** A point of it leaves. */
  close(unixMs: number): void;
  read(): SeriesTruth;
}

export function createSeriesNotes(
  { instrument, bounds = [] }: Pick<NotedMetric, 'instrument' | 'bounds'>,
  attributes: Attributes,
): SeriesNotes {
  const truth = { attributes, count: 0, sum: 0, min: Infinity, max: -Infinity, last: 0 };
  const isGauge = instrument === 'gauge' || instrument === 'observable_gauge';
  const open = { isOpen: false, count: 0, sum: 0 };
  const buckets = new Array<number>(instrument === 'histogram' ? bounds.length + 1 : 0).fill(0);
  const slots = createTruthSlots(buckets.length);
  return {
    note(value, count = 1) {
      truth.count += count;
      truth.sum += value * count;
      truth.min = Math.min(truth.min, value);
      truth.max = Math.max(truth.max, value);
      truth.last = value;
      open.isOpen = true;
      open.count += count;
      open.sum += value * count;
      if (buckets.length > 0) buckets[findBucket(bounds, value)]! += count;
    },
    isOpen: () => open.isOpen,
    close(unixMs) {
      if (instrument === 'updowncounter') return;
      if (isGauge) slots.add(unixMs, 1, truth.last, truth.last, buckets);
      else slots.add(unixMs, open.count, open.sum, truth.last, buckets);
      if (open.count > 0) buckets.fill(0);
      open.isOpen = false;
      open.count = 0;
      open.sum = 0;
    },
    read: () => ({ ...truth, slots: slots.read() }),
  };
}

export function readMetric(
  { unit, instrument, bounds }: Omit<NotedMetric, 'name' | 'program'>,
  notes: readonly SeriesNotes[],
): MetricTruth {
  const series = notes.map((one) => one.read()).filter(({ count }) => count > 0);
  const total = (field: 'count' | 'sum'): number => series.reduce((sum, one) => sum + one[field], 0);
  return {
    unit,
    instrument,
    ...(instrument === 'histogram' && bounds !== undefined && { bounds }),
    count: total('count'),
    sum: total('sum'),
    series,
  };
}

/** A bucket holds what is above the bound before it, up to its own. */
function findBucket(bounds: readonly number[], value: number): number {
  let bucket = 0;
  while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
  return bucket;
}

/** A key that does not depend on the order of the attributes. */
export function describeSeries(name: string, attributes: Attributes): string {
  const pairs = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `${name} ${JSON.stringify(pairs)}`;
}
