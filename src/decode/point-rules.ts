/**
 * The rules that reject single points, in one place for both decoders. Enters: decoded fields; leaves: a
 * RejectionReason with its detail, or nothing. Rules are those of the OTLP metrics data model.
 */
import type { Rejection, RejectionReason } from '../model/export-outcome.js';
import type { Lanes } from '../model/point-batch.js';
import type { DecodeLimits } from './decode-context.js';

/** DataPointFlags.FLAG_NO_RECORDED_VALUE: the series ends here, the point's value is ignored. */
export const FLAG_NO_RECORDED_VALUE = 1;

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
 * A start further ahead of the clock than a point may be: nothing was counted since then, and beyond 2^63 it would read
 * as a time before 1970. Start after time is taken, as a start that is not known. `at` is -1 where unset.
 */
export function checkStartTime(
  view: DataView,
  at: number,
  limits: DecodeLimits,
  nowUnixMs: number,
): RejectionReason | undefined {
  if (at < 0) return undefined;
  const startMs = view.getUint32(at + 4, true) * 4294.967296 + view.getUint32(at, true) / 1e6;
  return startMs > nowUnixMs + limits.pointFutureMaxMs ? 'start_time_in_future' : undefined;
}

/** Explicit buckets: counts = bounds + 1 or both empty; bounds strictly increasing (NaN never is). */
export function checkBuckets(
  bounds: Lanes,
  boundsFrom: number,
  bucketCountsLength: number,
): RejectionReason | undefined {
  const boundsLength = bounds.length - boundsFrom;
  if (bucketCountsLength !== boundsLength + 1 && (bucketCountsLength !== 0 || boundsLength !== 0)) {
    return 'bucket_counts_mismatch';
  }
  return isStrictlyIncreasing(bounds, boundsFrom) ? undefined : 'bounds_not_increasing';
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
  return isStrictlyIncreasing(quantiles, from) ? undefined : 'quantiles_invalid';
}

function isStrictlyIncreasing(values: Lanes, from: number): boolean {
  let previous = Number.NEGATIVE_INFINITY;
  for (let i = from; i < values.length; i++) {
    const value = values.doubleAt(i);
    if (!(value > previous) && !(i === from && value === Number.NEGATIVE_INFINITY)) return false;
    previous = value;
  }
  return true;
}

const DETAILS: Record<RejectionReason, string> = {
  time_zero: 'time_unix_nano is 0, a point must say when it was measured',
  time_too_old: 'time_unix_nano is older than PLUMBLINE_POINT_AGE_MAX_MS allows',
  time_in_future: 'time_unix_nano is further ahead of the clock than PLUMBLINE_POINT_FUTURE_MAX_MS allows',
  start_time_in_future:
    'start_time_unix_nano is further ahead of the clock than PLUMBLINE_POINT_FUTURE_MAX_MS allows',
  metric_without_name: 'the metric has no name',
  temporality_unspecified: 'aggregation_temporality is unspecified, it must be delta or cumulative',
  value_missing: 'neither as_double nor as_int is set and the no-recorded-value flag is not',
  bucket_counts_mismatch:
    'bucket_counts must have one element more than explicit_bounds, or both must be empty',
  bounds_not_increasing: 'explicit_bounds must be strictly increasing',
  scale_out_of_range: `scale must be from ${SCALE_MIN} to ${SCALE_MAX}`,
  bucket_index_out_of_range: 'bucket indexes reach beyond the range of double values',
  quantiles_invalid: 'quantiles must be from 0 to 1 and strictly increasing',
  attribute_depth_exceeded: 'an attribute value is nested too deep',
  attributes_too_large:
    'resource, scope, metric header and attributes of the series have more bytes than PLUMBLINE_ATTRIBUTES_BYTES_MAX allows',
};

/** Collects rejections of one request: one entry per metric and reason, however many points. */
export class RejectionLog {
  readonly rejections: Rejection[] = [];
  private readonly byKey = new Map<string, Rejection>();

  add(reason: RejectionReason, metricName: string, count = 1): void {
    const key = `${reason} ${metricName}`;
    const known = this.byKey.get(key);
    if (known) {
      known.count += count;
      return;
    }
    const rejection = { reason, metricName, count, detail: DETAILS[reason] };
    this.byKey.set(key, rejection);
    this.rejections.push(rejection);
  }
}
