/**
 * The state of one series while history is written: a number, or the buckets of a histogram. Enters increases, levels
 * and batches of observations; leaves one data point per step in the SDK's own shapes, and notes for the ground truth.
 * Cumulative series keep what they have; delta series start again after every point.
 */
import type { Attributes, HrTime } from '@opentelemetry/api';
import type { DataPoint, ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics';
import { createSeriesNotes, type NotedMetric, type SeriesNotes } from '../ground-truth.js';
import type { Random } from '../random.js';
import type { Distribution } from './distribution.js';

export interface Series<Value> {
  readonly notes: SeriesNotes;
  readonly points: DataPoint<Value>[];
  /** Ends a step: keeps its point in `points`. */
  closeStep(startTime: HrTime, endTime: HrTime): void;
}

export interface NumberSeries extends Series<number> {
  add(value: number): void;
}

export interface GaugeSeries extends Series<number> {
  set(value: number): void;
}

export interface HistogramSeries<Value = Histogram | ExponentialHistogram> extends Series<Value> {
  /** So many observations with values of this distribution. */
  observe(distribution: Distribution, count: number, random: Random): void;
}

type Noted = Pick<NotedMetric, 'instrument' | 'bounds'>;

export function createCounterSeries(metric: Noted, attributes: Attributes, isDelta: boolean): NumberSeries {
  const notes = createSeriesNotes(metric, attributes);
  const points: DataPoint<number>[] = [];
  let value = 0;
  return {
    notes,
    points,
    add(increase) {
      value += increase;
      notes.note(increase);
    },
    closeStep(startTime, endTime) {
      points.push({ startTime, endTime, attributes, value });
      if (isDelta) value = 0;
      notes.close(toUnixMs(endTime));
    },
  };
}

/** Gauges, and up-down counters, whose points say where they stand since the first step, whatever the temporality. */
export function createGaugeSeries(metric: Noted, attributes: Attributes): GaugeSeries {
  const notes = createSeriesNotes(metric, attributes);
  const points: DataPoint<number>[] = [];
  let firstTime: HrTime | undefined;
  let value = 0;
  return {
    notes,
    points,
    set(level) {
      value = level;
      notes.note(level);
    },
    closeStep(startTime, endTime) {
      firstTime ??= startTime;
      points.push({ startTime: firstTime, endTime, attributes, value });
      notes.close(toUnixMs(endTime));
    },
  };
}

interface Buckets {
  counts: number[];
  count: number;
  sum: number;
  min: number;
  max: number;
}

export function createHistogramSeries<Value>(
  metric: Noted,
  attributes: Attributes,
  buckets: number,
  isDelta: boolean,
  encode: (buckets: Buckets) => Value,
): HistogramSeries<Value> {
  const notes = createSeriesNotes(metric, attributes);
  const points: DataPoint<Value>[] = [];
  let state = createBuckets(buckets);
  return {
    notes,
    points,
    observe(distribution, count, random) {
      let left = count;
      for (let i = 0; left > 0 && i < buckets; i++) {
        const share = distribution.conditional[i]!;
        const inBucket = share === 0 ? 0 : random.binomial(left, share);
        if (inBucket === 0) continue;
        left -= inBucket;
        const mean = distribution.mean[i]!;
        state.counts[i]! += inBucket;
        state.count += inBucket;
        state.sum += inBucket * mean;
        state.min = Math.min(state.min, mean);
        state.max = Math.max(state.max, mean);
        notes.note(mean, inBucket);
      }
    },
    closeStep(startTime, endTime) {
      points.push({ startTime, endTime, attributes, value: encode(state) });
      if (isDelta) state = createBuckets(buckets);
      notes.close(toUnixMs(endTime));
    },
  };
}

export function encodeExplicit(boundaries: number[]): (buckets: Buckets) => Histogram {
  return ({ counts, count, sum, min, max }) => ({
    buckets: { boundaries, counts: counts.slice() },
    count,
    sum,
    ...(count === 0 ? {} : { min, max }),
  });
}

/** `indexMin` is the exponential index of bucket 1; bucket 0 lies below the range and stays empty. */
export function encodeExponential(
  scale: number,
  indexMin: number,
): (buckets: Buckets) => ExponentialHistogram {
  return ({ counts, count, sum, min, max }) => {
    const first = counts.findIndex((n) => n > 0);
    const last = counts.findLastIndex((n) => n > 0);
    const bucketCounts = first === -1 ? [] : counts.slice(first, last + 1);
    return {
      count,
      sum,
      scale,
      zeroCount: 0,
      negative: { offset: 0, bucketCounts: [] },
      positive: { offset: first === -1 ? 0 : indexMin + first - 1, bucketCounts },
      ...(count === 0 ? {} : { min, max }),
    };
  };
}

function createBuckets(buckets: number): Buckets {
  const counts = new Array<number>(buckets).fill(0);
  return { counts, count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
}

function toUnixMs([seconds, nanos]: HrTime): number {
  return seconds * 1000 + nanos / 1e6;
}
