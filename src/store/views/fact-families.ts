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
  | 'inside_buckets'
  | 'row_lowest'
  | 'row_highest'
  | 'row_points'
  | 'row_resets'
  | 'first_time'
  | 'row_last_time'
  | 'row_ended_time';

const NO_BUCKETS = `CAST([], 'Array(UInt64)')`;

/** Of a point of numbers. */
export const IS_VALUE = `value_type != 'none' AND isFinite(value_double)`;
const POINT_DOUBLE = 'if(isFinite(value_double), value_double, 0)';

export const NUMBERS: Family = {
  isNumber: true,
  read: {
    epoch: `if(kind IN ('cumulative_counter', 'cumulative_updown'), start_time, ${ZERO_TIME})`,
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
    is_chained: `kind IN ('cumulative_counter', 'cumulative_updown') AND count > 0`,
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
export const isCumulative = (shape: Shape) => (shape === 'summary' ? 'true' : `temporality = 'cumulative'`);
