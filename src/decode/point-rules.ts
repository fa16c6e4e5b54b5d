/**
 * The rules that reject or flag single points, in one place for both decoders. Enters: decoded fields; leaves: a
 * RejectionReason, or nothing; and what senders read about it. Rules are those of the OTLP metrics data model.
 */
import type { FlagReason, RejectionReason, Reported } from '../model/export-outcome.js';
import type { Lanes } from '../model/point-batch.js';
import type { DecodeLimits } from './decode-context.js';

/** DataPointFlags.FLAG_NO_RECORDED_VALUE: the series ends here, the point's value is ignored. */
export const FLAG_NO_RECORDED_VALUE = 1;

/** A point is decoded in one go, so its size is bounded: exemplars, buckets and fields that are not known among them. Bytes. */
export const POINT_BYTES_MAX = 1024 * 1024;
/** The largest number of a field that any point has (zero_threshold of exponential histograms). */
export const POINT_FIELD_MAX = 14;
/** The same with fields that are not known, which are legal and cost next to nothing. */
export const POINT_WIRE_BYTES_MAX = 16 * POINT_BYTES_MAX;
export const POINT_FIELDS_MAX = 2_000_000;
/** Metrics that a message can name one by one are far fewer. */
const LOG_ENTRIES_MAX = 1_000;
const OTHER_METRICS = 'other metrics';

/** Exponential scales whose buckets a double can hold: at 20 an index still fits 32 bits. */
const SCALE_MIN = -10;
const SCALE_MAX = 20;
/** Exponents of the smallest subnormal and the largest double. */
const EXPONENT_MIN = -1075;
const EXPONENT_MAX = 1024;

/** Time 0, or outside what is kept. */
export function checkTime(
  lo: number,
  hi: number,
  limits: DecodeLimits,
  nowUnixMs: number,
): RejectionReason | undefined {
  if (lo === 0 && hi === 0) return 'time_zero';
  const timeMs = hi * 4294.967296 + lo / 1e6;
  if (timeMs > nowUnixMs + limits.pointFutureMaxMs) return 'time_in_future';
  if (timeMs < nowUnixMs - limits.pointAgeMaxMs) return 'time_too_old';
  return undefined;
}

/**
 * Whether a start time can be: not after the point's own time, which is not far ahead of the clock either. Beyond 2^63 it
 * would read as a time before 1970.
 */
export function isStartPossible(startLo: number, startHi: number, timeLo: number, timeHi: number): boolean {
  return startHi < timeHi || (startHi === timeHi && startLo <= timeLo);
}

/**
 * Explicit buckets: counts = bounds + 1 or both empty; bounds finite (see dropInfiniteBounds) and strictly increasing (NaN
 * never is).
 */
export function checkBuckets(
  bounds: Lanes,
  boundsFrom: number,
  bucketCountsLength: number,
): RejectionReason | undefined {
  const boundsLength = bounds.length - boundsFrom;
  if (bucketCountsLength !== boundsLength + 1 && (bucketCountsLength !== 0 || boundsLength !== 0)) {
    return 'bucket_counts_mismatch';
  }
  return isFiniteIncreasing(bounds, boundsFrom) ? undefined : 'bounds_not_increasing';
}

export function checkScale(scale: number): RejectionReason | undefined {
  return scale < SCALE_MIN || scale > SCALE_MAX ? 'scale_out_of_range' : undefined;
}

/** Exponential buckets must lie where doubles exist: bucket i spans 2^(i·2^−scale) … 2^((i+1)·2^−scale). */
export function checkBucketRange(scale: number, offset: number, length: number): RejectionReason | undefined {
  if (length === 0) return undefined;
  const exponentsPerBucket = 2 ** -scale;
  const lowest = offset * exponentsPerBucket;
  const highest = (offset + length - 1) * exponentsPerBucket;
  // One bucket of slack: an outermost bucket may reach past the range while still holding real doubles.
  const slack = exponentsPerBucket;
  return lowest < EXPONENT_MIN - slack || highest > EXPONENT_MAX ? 'bucket_index_out_of_range' : undefined;
}

export function checkQuantiles(quantiles: Lanes, from: number): RejectionReason | undefined {
  for (let i = from; i < quantiles.length; i++) {
    const q = quantiles.doubleAt(i);
    if (!(q >= 0 && q <= 1)) return 'quantiles_invalid';
  }
  return isFiniteIncreasing(quantiles, from) ? undefined : 'quantiles_invalid';
}

function isFiniteIncreasing(values: Lanes, from: number): boolean {
  let previous = Number.NEGATIVE_INFINITY;
  for (let i = from; i < values.length; i++) {
    const value = values.doubleAt(i);
    if (!(value > previous && value < Number.POSITIVE_INFINITY)) return false;
    previous = value;
  }
  return true;
}

/** What senders read about rejected points. */
export const REJECTION_DETAILS: Readonly<Record<RejectionReason, string>> = {
  time_zero: 'time_unix_nano is 0, a point must say when it was measured',
  time_too_old: 'time_unix_nano is older than PLUMBLINE_POINT_AGE_MAX_MS allows',
  time_in_future: 'time_unix_nano is further ahead of the clock than PLUMBLINE_POINT_FUTURE_MAX_MS allows',
  metric_without_name: 'the metric has no name',
  temporality_unspecified: 'aggregation_temporality is unspecified, it must be delta or cumulative',
  value_missing: 'neither as_double nor as_int is set and the no-recorded-value flag is not',
  bucket_counts_mismatch:
    'bucket_counts must have one element more than explicit_bounds, or both must be empty',
  bounds_not_increasing: 'explicit_bounds must be strictly increasing',
  scale_out_of_range: `scale must be from ${SCALE_MIN} to ${SCALE_MAX}`,
  bucket_index_out_of_range: 'bucket indexes reach beyond the range of double values',
  quantiles_invalid: 'quantiles must be from 0 to 1 and strictly increasing',
  conflicting_point:
    'another point of this request has the same series, start time and time, and another value, which was kept. Make the ' +
    "writers distinct, for example by service.instance.id; for the Collector's StatsD receiver set " +
    'enable_ip_only_aggregation, which helps where one host sends from many ports',
  point_too_large: `the point has more than ${POINT_BYTES_MAX} bytes, or ${POINT_WIRE_BYTES_MAX} or ${POINT_FIELDS_MAX} fields with unknown ones`,
  attribute_depth_exceeded: 'an attribute value is nested too deep',
  attributes_too_large:
    'resource, scope, metric header and attributes of the series have more bytes than PLUMBLINE_ATTRIBUTES_BYTES_MAX allows',
};

/** What senders read about points that were kept and flagged. */
export const FLAG_DETAILS: Readonly<Record<FlagReason, string>> = {
  start_after_time:
    'start_time_unix_nano is after time_unix_nano; the start is stored as 0, which is unknown',
  count_below_buckets:
    'count is missing or below the sum of the buckets; the sum of the buckets is stored as count',
  count_above_buckets:
    'count is above the sum of the buckets (was NaN recorded?); both are stored as sent, quantiles are those of the buckets',
};

/**
 * Collects what is wrong with points of one request: one entry per metric and reason, however many points. From some
 * number of entries on, further metrics share one entry per reason.
 */
export class PointLog<Reason extends string> {
  readonly entries: Reported<Reason>[] = [];
  private readonly byKey = new Map<string, Reported<Reason>>();

  constructor(private readonly details: Readonly<Record<Reason, string>>) {}

  add(reason: Reason, metricName: string, count: number): void {
    const key = `${reason} ${metricName}`;
    const known = this.byKey.get(key);
    if (known) {
      known.count += count;
      return;
    }
    if (this.entries.length >= LOG_ENTRIES_MAX && metricName !== OTHER_METRICS) {
      this.add(reason, OTHER_METRICS, count);
      return;
    }
    const entry = { reason, metricName, count, detail: this.details[reason] };
    this.byKey.set(key, entry);
    this.entries.push(entry);
  }
}
