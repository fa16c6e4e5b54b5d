/**
 * The state of one series while history is written: a number, or the buckets of a histogram. Enters increases, levels
 * and batches of observations; leaves one data point per step in the SDK's own shapes, and totals for the ground truth.
 * Cumulative series keep what they have; delta series start again after every point.
 */
import type { Attributes, HrTime } from '@opentelemetry/api';
import type { DataPoint, ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics';
import type { SeriesTruth } from '../ground-truth.js';
import type { Random } from '../random.js';
import type { Distribution } from './distribution.js';

export interface Series<Value> {
  readonly truth: SeriesTruth;
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

export function createCounterSeries(attributes: Attributes, isDelta: boolean): NumberSeries {
  const truth = createTruth(attributes);
  const points: DataPoint<number>[] = [];
  let value = 0;
  return {
    truth,
    points,
    add(increase) {
      value += increase;
      noteValue(truth, increase, increase, 1);
    },
    closeStep(startTime, endTime) {
      points.push({ startTime, endTime, attributes, value });
      if (isDelta) value = 0;
    },
  };
}

/** Gauges, and up-down counters, whose points say where they stand since the first step, whatever the temporality. */
export function createGaugeSeries(attributes: Attributes): GaugeSeries {
  const truth = createTruth(attributes);
  const points: DataPoint<number>[] = [];
  let firstTime: HrTime | undefined;
  let value = 0;
  return {
    truth,
    points,
    set(level) {
      value = level;
      noteValue(truth, level, level, 1);
    },
    closeStep(startTime, endTime) {
      firstTime ??= startTime;
      points.push({ startTime: firstTime, endTime, attributes, value });
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
  attributes: Attributes,
  buckets: number,
  isDelta: boolean,
  encode: (buckets: Buckets) => Value,
): HistogramSeries<Value> {
  const truth = createTruth(attributes);
  const points: DataPoint<Value>[] = [];
  let state = createBuckets(buckets);
  return {
    truth,
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
        noteValue(truth, mean, inBucket * mean, inBucket);
      }
    },
    closeStep(startTime, endTime) {
      points.push({ startTime, endTime, attributes, value: encode(state) });
      if (isDelta) state = createBuckets(buckets);
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

function createTruth(attributes: Attributes): SeriesTruth {
  return {
    attributes,
    count: 0,
    sum: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    last: 0,
  };
}

function noteValue(truth: SeriesTruth, value: number, sum: number, count: number): void {
  truth.count += count;
  truth.sum += sum;
  truth.min = Math.min(truth.min, value);
  truth.max = Math.max(truth.max, value);
  truth.last = value;
}
