/**
 * The two families of tables that facts are read from (metric-facts.ts): numbers, and what counts what was recorded. Leaves:
 * for each the SQL that makes rows of one form of rollups and of points.
 */
import type { Shape } from '../rollup-marks.js';

export const ZERO_TIME = `toDateTime64(0, 9, 'UTC')`;

/** Tables whose rows become those of a chain by the same expressions. */
export interface Family {
  isNumber: boolean;
  /** What is read of a rollup, and what makes the same of a point. */
  read: Readonly<Record<string, string>>;
  /** Columns of a chain, of what is read. */
  chain: Readonly<Record<ChainColumn, string>>;
}

/**
 * A row of a chain in one form for all shapes. a and b: of numbers the integer and the double of a value, of the others
 * count and sum. first_…, last_…: of what counts since its start (is_chained); of others they mean nothing. inside_…: what the
 * row itself grew by; of deltas all of it (inside_buckets: less what lies between the first and the last point). levels,
 * level_total, value, least, most: numbers as they were sent. layout: which bounds; row_lowest, row_highest: no value lies beyond.
 * first_exponential, last_exponential: scale, zero threshold and count, then offset and counts of positive and of negative buckets.
 */
export type ChainColumn =
  | 'epoch'
  | 'is_chained'
  | 'may_fall'
  | 'first_a'
  | 'first_b'
  | 'last_a'
  | 'last_b'
  | 'inside_a'
  | 'inside_b'
  | 'has_sum'
  | 'levels'
  | 'level_total'
  | 'value'
  | 'least'
  | 'most'
  | 'row_bounds'
  | 'layout'
  | 'first_buckets'
  | 'last_buckets'
  | 'first_exponential'
  | 'last_exponential'
  | 'is_summary'
  | 'inside_buckets'
  | 'row_lowest'
  | 'row_highest'
  | 'row_points'
  | 'row_resets'
  | 'first_time'
  | 'row_last_time'
  | 'row_ended_time';

const NO_BUCKETS = `CAST([], 'Array(UInt64)')`;

const NO_EXPONENTIAL = `(toInt32(0), toFloat64(0), toUInt64(0), toInt64(0), ${NO_BUCKETS}, toInt64(0), ${NO_BUCKETS})`;

/** `which`: first_ or last_ of rollups, nothing of points. */
function exponentialOf(which: string): string {
  return `(scale, zero_threshold, ${which}zero_count, toInt64(positive_offset), ${which}positive_bucket_counts, toInt64(negative_offset), ${which}negative_bucket_counts)`;
}

/** What only one shape has: SQL of its rollups, and what stands for it in the others. */
const OF_ONE_SHAPE: Readonly<Record<string, { shape: Shape; rolled: string; otherwise: string }>> = {
  explicit_bounds: { shape: 'histogram', rolled: 'explicit_bounds', otherwise: `CAST([], 'Array(Float64)')` },
  first_bucket_counts: { shape: 'histogram', rolled: 'first_bucket_counts', otherwise: NO_BUCKETS },
  last_bucket_counts: { shape: 'histogram', rolled: 'last_bucket_counts', otherwise: NO_BUCKETS },
  first_exponential: {
    shape: 'exponential_histogram',
    rolled: exponentialOf('first_'),
    otherwise: NO_EXPONENTIAL,
  },
  last_exponential: {
    shape: 'exponential_histogram',
    rolled: exponentialOf('last_'),
    otherwise: NO_EXPONENTIAL,
  },
  is_summary: { shape: 'summary', rolled: 'true', otherwise: 'false' },
};

/** SQL of a name of `Family.read`, in rollups and in points of a shape. */
export function readOf(shape: Shape, name: string, ofPoint: string): { rolled: string; single: string } {
  if (name === 'is_cumulative') return { rolled: isCumulative(shape), single: isCumulative(shape) };
  const only = OF_ONE_SHAPE[name];
  if (only === undefined) return { rolled: name, single: ofPoint };
  return only.shape === shape
    ? { rolled: only.rolled, single: ofPoint }
    : { rolled: only.otherwise, single: only.otherwise };
}

/** Of points and rows of numbers: what counts since its start. */
export const IS_CUMULATIVE = `kind IN ('cumulative_counter', 'cumulative_updown', 'machine_counter')`;
/** Machine counters count since the machine was started, whatever start time their senders give (docs/increase.md, rule 5). */
export const IS_CUMULATIVE_WITH_START = `kind IN ('cumulative_counter', 'cumulative_updown')`;

/** Of a point of numbers. */
export const IS_VALUE = `value_type != 'none' AND isFinite(value_double)`;
const POINT_DOUBLE = 'if(isFinite(value_double), value_double, 0)';

export const NUMBERS: Family = {
  isNumber: true,
  read: {
    epoch: `if(${IS_CUMULATIVE_WITH_START}, start_time, ${ZERO_TIME})`,
    kind: 'kind',
    points: 'toUInt64(1)',
    count: `toUInt64(${IS_VALUE})`,
    sum: `if(${IS_VALUE}, toFloat64(value_int) + value_double, 0)`,
    first_time: 'time',
    last_time: 'time',
    first_int: 'value_int',
    first_double: POINT_DOUBLE,
    last_int: 'value_int',
    last_double: POINT_DOUBLE,
    min: 'toFloat64(value_int) + value_double',
    max: 'toFloat64(value_int) + value_double',
    increase: `if(isFinite(value_double), multiIf(kind = 'delta_counter', greatest(toFloat64(value_int) + value_double, 0), kind = 'delta_updown', toFloat64(value_int) + value_double, 0), 0)`,
    resets: 'toUInt64(0)',
    ended_time: `if(value_type = 'none', time, ${ZERO_TIME})`,
  },
  chain: {
    epoch: 'epoch',
    is_chained: `${IS_CUMULATIVE} AND count > 0`,
    may_fall: `kind = 'cumulative_updown'`,
    first_a: 'first_int',
    first_b: 'first_double',
    last_a: 'last_int',
    last_b: 'last_double',
    inside_a: 'toInt64(0)',
    inside_b: 'increase',
    has_sum: 'true',
    levels: 'count',
    level_total: 'sum',
    value: 'toFloat64(last_int) + last_double',
    least: 'min',
    most: 'max',
    row_bounds: NO_BUCKETS,
    layout: 'toUInt64(0)',
    first_buckets: NO_BUCKETS,
    last_buckets: NO_BUCKETS,
    first_exponential: NO_EXPONENTIAL,
    last_exponential: NO_EXPONENTIAL,
    is_summary: 'false',
    inside_buckets: NO_BUCKETS,
    row_lowest: '-inf',
    row_highest: 'inf',
    row_points: 'points',
    row_resets: 'resets',
    first_time: 'first_time',
    row_last_time: 'last_time',
    row_ended_time: 'ended_time',
  },
};

/** A point without bounds may leave out its only bucket. */
const POINT_BUCKETS = 'if(empty(bucket_counts), [count], bucket_counts)';
const POINT_SUM = 'ifNull(if(isFinite(sum), sum, 0), 0)';

/** Histograms and summaries. */
export const COUNTED: Family = {
  isNumber: false,
  read: {
    epoch: `if(is_cumulative, start_time, ${ZERO_TIME})`,
    is_cumulative: 'is_cumulative',
    ended: 'toBool(bitAnd(flags, 1) = 1)',
    points: 'toUInt64(1)',
    first_time: 'time',
    last_time: 'time',
    first_count: 'count',
    last_count: 'count',
    carried_count: 'if(is_cumulative, 0, count)',
    has_sum: 'toBool(ifNull(isFinite(sum), false) OR count = 0)',
    first_sum: POINT_SUM,
    last_sum: POINT_SUM,
    carried_sum: `if(is_cumulative, 0, ${POINT_SUM})`,
    resets: 'toUInt64(0)',
    explicit_bounds: 'explicit_bounds',
    first_bucket_counts: `if(is_cumulative, ${POINT_BUCKETS}, [])`,
    last_bucket_counts: `if(is_cumulative, ${POINT_BUCKETS}, [])`,
    carried_bucket_counts: `if(is_cumulative, [], ${POINT_BUCKETS})`,
    min: 'if(isFinite(min), min, NULL)',
    max: 'if(isFinite(max), max, NULL)',
    first_exponential: exponentialOf(''),
    last_exponential: exponentialOf(''),
    is_summary: 'true',
  },
  chain: {
    epoch: 'epoch',
    is_chained: 'is_cumulative AND NOT ended',
    may_fall: 'false',
    first_a: 'toInt64(first_count)',
    first_b: 'first_sum',
    last_a: 'toInt64(last_count)',
    last_b: 'last_sum',
    inside_a: 'if(ended, 0, toInt64(last_count - first_count + carried_count))',
    inside_b: 'if(ended, 0, last_sum - first_sum + carried_sum)',
    has_sum: 'has_sum OR ended',
    levels: 'toUInt64(NOT ended)',
    level_total: 'toFloat64(0)',
    value: 'toFloat64(0)',
    least: 'toFloat64(0)',
    most: 'toFloat64(0)',
    row_bounds: 'explicit_bounds',
    layout: 'cityHash64(explicit_bounds)',
    first_buckets: 'first_bucket_counts',
    last_buckets: 'last_bucket_counts',
    first_exponential: 'first_exponential',
    last_exponential: 'last_exponential',
    is_summary: 'is_summary',
    inside_buckets: 'carried_bucket_counts',
    row_lowest: 'if(ended OR last_count + carried_count = 0, inf, ifNull(min, -inf))',
    row_highest: 'if(ended OR last_count + carried_count = 0, -inf, ifNull(max, inf))',
    row_points: 'points',
    row_resets: 'resets',
    first_time: 'first_time',
    row_last_time: 'last_time',
    row_ended_time: `if(ended, last_time, ${ZERO_TIME})`,
  },
};

/** Summaries only ever grow. */
function isCumulative(shape: Shape): string {
  return shape === 'summary' ? 'true' : `temporality = 'cumulative'`;
}
