/**
 * The view exponential_histogram_increase(metric, start_time, end_time, step_s): what every exponential histogram of a
 * metric grew by in each step of a grid, at the smallest scale and the largest zero threshold met in the step. Joining
 * neighbouring buckets is exact. Rules: docs/increase.md and docs/aggregates.md.
 */
import { asIs, inBaseUnits, sumOf, value } from './base-units.js';
import { exponentialBucketsFall, exponentialColumns } from './bucket-falls.js';
import { chainAliases, stepOf } from './chain-rows.js';
import {
  addColumns,
  CHAIN_COLUMNS,
  CHAIN_POINT_COLUMNS,
  CHAIN_ROLLUP_COLUMNS,
  chainSteps,
  clampCounts,
  EXTREMES,
  STEP_COLUMNS,
} from './histogram-increase.js';

/** More buckets than this are never made: the scale shrinks instead. The same in rollup_exponential_histogram*.sql. */
const BUCKETS_MAX = 1280;

const BUCKET_COLUMNS = `scale, zero_threshold, first_zero_count, last_zero_count, carried_zero_count,
        positive_offset, first_positive_bucket_counts, last_positive_bucket_counts, carried_positive_bucket_counts,
        negative_offset, first_negative_bucket_counts, last_negative_bucket_counts, carried_negative_bucket_counts`;

const POINT_COLUMNS = `${CHAIN_POINT_COLUMNS},
        scale, zero_threshold,
        if(is_cumulative, zero_count, 0) AS first_zero_count,
        first_zero_count AS last_zero_count,
        if(is_cumulative, 0, zero_count) AS carried_zero_count,
        positive_offset,
        if(is_cumulative, positive_bucket_counts, []) AS first_positive_bucket_counts,
        first_positive_bucket_counts AS last_positive_bucket_counts,
        if(is_cumulative, [], positive_bucket_counts) AS carried_positive_bucket_counts,
        negative_offset,
        if(is_cumulative, negative_bucket_counts, []) AS first_negative_bucket_counts,
        first_negative_bucket_counts AS last_negative_bucket_counts,
        if(is_cumulative, [], negative_bucket_counts) AS carried_negative_bucket_counts`;

const PREVIOUS = [
  'scale',
  'zero_threshold',
  'last_zero_count',
  'positive_offset',
  'last_positive_bucket_counts',
  'negative_offset',
  'last_negative_bucket_counts',
];

type Sign = 'positive' | 'negative';

/** What the row itself adds: last + carried, less its first where nothing is known of the time before it. */
function ownCounts(sign: Sign): string {
  const size = `greatest(length(last_${sign}_bucket_counts), length(carried_${sign}_bucket_counts))`;
  const part = (name: string) => `arrayResize(${name}, ${size})`;
  return `arrayMap((last, carried, base) -> toUInt64(last + carried - base), ${part(`last_${sign}_bucket_counts`)},
                ${part(`carried_${sign}_bucket_counts`)}, ${part(`if(is_unknown_start, first_${sign}_bucket_counts, [])`)})`;
}

/** Layers that bring the counts of a term to the scale and the range of its step: `joins` buckets become one. */
function widen(sign: Sign): string[] {
  return [
    `arrayFilter((c, i) -> bitAnd(${sign}_offset + i, joins - 1) = 0 OR i = length(${sign}_counts),
                arrayCumSum(${sign}_counts), arrayEnumerate(${sign}_counts)) AS ${sign}_totals,
            if(empty(${sign}_counts), 0, intDiv(${sign}_offset - positiveModulo(${sign}_offset, joins), joins) - ${sign}_from) AS ${sign}_shift,
            if(threshold_cut IS NULL, 0, greatest(0, least(${sign}_size, assumeNotNull(threshold_cut) - ${sign}_from + 1))) AS ${sign}_cut`,
    `arrayResize(arrayConcat(arrayWithConstant(${sign}_shift, toUInt64(0)),
                arrayMap((a, b) -> toUInt64(a - b), ${sign}_totals, arrayPopBack(arrayPushFront(${sign}_totals, 0)))), ${sign}_size) AS wide_${sign}`,
    `arraySum(arraySlice(wide_${sign}, 1, ${sign}_cut)) AS ${sign}_below,
            arrayMap((c, i) -> if(i <= ${sign}_cut, 0, if(is_base, toUInt64(0 - c), c)), wide_${sign}, arrayEnumerate(wide_${sign})) AS ${sign}`,
  ];
}

function range(sign: Sign): string {
  return `minIf(${sign}_offset / exp2(scale), notEmpty(${sign}_counts)) OVER step AS ${sign}_begin,
                maxIf((${sign}_offset + length(${sign}_counts)) / exp2(scale), notEmpty(${sign}_counts)) OVER step AS ${sign}_end`;
}

/** What each row adds, and what it adds to: signed terms, each with the buckets that it came with. */
const TERMS = addColumns(
  chainSteps({
    shape: 'exponential_histogram',
    columns: `${CHAIN_COLUMNS}, ${BUCKET_COLUMNS}`,
    rollupColumns: `${CHAIN_ROLLUP_COLUMNS}, ${BUCKET_COLUMNS}`,
    pointColumns: POINT_COLUMNS,
    previous: PREVIOUS,
    falls: `is_cumulative AND ${exponentialBucketsFall(
      exponentialColumns(
        (name) => `previous_${name}`,
        (name) => `previous_last_${name}`,
      ),
      exponentialColumns(
        (name) => name,
        (name) => `first_${name}`,
      ),
    )}`,
  }),
  `${stepOf('first_time')} AS step_time,
        (false, last_count + carried_count - base_count, last_sum + carried_sum - base_sum, scale, zero_threshold,
            toUInt64(last_zero_count + carried_zero_count - if(is_unknown_start, first_zero_count, 0)),
            toInt64(positive_offset), ${ownCounts('positive')},
            toInt64(negative_offset), ${ownCounts('negative')}) AS own_term,
        (true, toInt64(0), toFloat64(0), previous_scale, previous_zero_threshold, previous_last_zero_count,
            toInt64(previous_positive_offset), previous_last_positive_bucket_counts,
            toInt64(previous_negative_offset), previous_last_negative_bucket_counts) AS base_term`,
);

const [positiveTotals, positiveWide, positiveCounts] = widen('positive');
const [negativeTotals, negativeWide, negativeCounts] = widen('negative');

/** Every term in the buckets of its step. */
const WIDE_TERMS = addColumns(
  `
    SELECT
        shown_series_id, step_time, part_has_sum, is_cumulative, row_min, row_max,
        term.1 AS is_base, term.2 AS part_count, term.3 AS part_sum, term.4 AS scale, term.5 AS zero_threshold,
        term.6 AS zero_count, term.7 AS positive_offset, term.8 AS positive_counts, term.9 AS negative_offset, term.10 AS negative_counts,
        if(is_base, 0, points) AS term_points,
        if(is_base, 0, resets + is_reset) AS term_resets
    FROM (${TERMS})
    ARRAY JOIN if(continues, [own_term, base_term], [own_term]) AS term`,
  // Where buckets begin and end, as exponents of 2: comparable between scales.
  `min(scale) OVER step AS least_scale,
        min(zero_threshold) OVER step AS least_threshold,
        max(zero_threshold) OVER step AS most_threshold,
        ${range('positive')},
        ${range('negative')}`.replaceAll('OVER step', 'OVER (PARTITION BY shown_series_id, step_time)'),
  `least(least_scale, toInt32(floor(log2(${BUCKETS_MAX - 2} / greatest(positive_end - positive_begin, negative_end - negative_begin, 1e-9))))) AS row_scale`,
  `bitShiftLeft(toInt64(1), least(scale - row_scale, 40)) AS joins,
        toInt64(floor(positive_begin * exp2(row_scale))) AS positive_from,
        toInt64(floor(negative_begin * exp2(row_scale))) AS negative_from,
        toInt64(ceil(positive_end * exp2(row_scale))) AS positive_to,
        toInt64(ceil(negative_end * exp2(row_scale))) AS negative_to,
        -- Buckets up to the one that holds the zero threshold join the zero bucket where thresholds differ.
        if(least_threshold < most_threshold, toInt64(ceil(log2(if(most_threshold > 0, most_threshold, 1)) * exp2(row_scale) - 1e-6)) - 1, NULL) AS threshold_cut`,
  `positive_to - positive_from AS positive_size,
        negative_to - negative_from AS negative_size,
        if(threshold_cut IS NULL, most_threshold, exp2((assumeNotNull(threshold_cut) + 1) / exp2(row_scale))) AS row_threshold`,
  `${positiveTotals}, ${negativeTotals}`,
  `${positiveWide}, ${negativeWide}`,
  `${positiveCounts}, ${negativeCounts}`,
  `toUInt64(if(is_base, 0 - (zero_count + positive_below + negative_below), zero_count + positive_below + negative_below)) AS zeros,
        term_points AS points, term_resets AS resets`,
);

/** The SELECT of the view without its WITH. */
export const EXPONENTIAL_STEPS = `
SELECT
    shown_series_id AS series_id,
    step_time AS time,
    row_scale AS scale,
    row_threshold AS zero_threshold,
    sum(part_count) AS increase_count,
    if(min(part_has_sum), sum(part_sum), NULL) AS increase_sum,
    if(sum(zeros) > 9223372036854775807, 0, sum(zeros)) AS increase_zero_count,
    toInt32(positive_from) AS positive_offset,
    ${clampCounts('sumForEach(positive)')} AS increase_positive_bucket_counts,
    toInt32(negative_from) AS negative_offset,
    ${clampCounts('sumForEach(negative)')} AS increase_negative_bucket_counts,
    ${STEP_COLUMNS},
    sum(resets) AS resets
FROM (${WIDE_TERMS}
)
GROUP BY shown_series_id, step_time, row_scale, row_threshold, positive_from, negative_from`;

/**
 * Buckets are powers of 2 in the unit that was sent, and so are scale, zero_threshold and offsets: their edges × unit_factor +
 * unit_offset are in the base unit.
 */
export const EXPONENTIAL_HISTOGRAM_INCREASE = `
CREATE OR REPLACE VIEW exponential_histogram_increase AS
WITH ${chainAliases('exponential_histogram')}${inBaseUnits(EXPONENTIAL_STEPS, [
  ...['series_id', 'time', 'scale', 'zero_threshold', 'increase_count'].map(asIs),
  sumOf('increase_sum', 'increase_count'),
  ...['increase_zero_count', 'positive_offset', 'increase_positive_bucket_counts'].map(asIs),
  ...['negative_offset', 'increase_negative_bucket_counts', 'points'].map(asIs),
  ...EXTREMES.map(value),
  asIs('resets'),
  'units.unit_factor AS unit_factor',
  'units.unit_offset AS unit_offset',
])}`;
