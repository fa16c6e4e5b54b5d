/**
 * The view histogram_increase(metric, start_time, end_time, step_s): what every explicit-bucket histogram of a metric
 * grew by in each step of a grid. Rules: docs/increase.md and docs/aggregates.md. A series whose bounds changed within a
 * step has a row for each layout of bounds; count and sum of all its rows are exact, and so is every bucket.
 */
import type { Shape } from '../rollup-marks.js';
import { asIs, inBaseUnits, sumOf, value, values } from './base-units.js';
import { chainAliases, chainRows, DESCRIBED_SERIES, IS_START_KNOWN, stepOf } from './chain-rows.js';

/** row_min and row_max: infinite where unknown, and the other way round where nothing was counted. */
export const ROLLUP_EXTREMES = `multiIf((last_count + carried_count = 0) AS is_void, inf, min IS NULL, -inf, assumeNotNull(min)) AS row_min,
        multiIf(is_void, -inf, max IS NULL, inf, assumeNotNull(max)) AS row_max`;

export const POINT_EXTREMES = `multiIf((count = 0) AS is_void, inf, ifNull(isFinite(min), 0), assumeNotNull(min), -inf) AS row_min,
        multiIf(is_void, -inf, ifNull(isFinite(max), 0), assumeNotNull(max), inf) AS row_max`;

export const CHAIN_ROLLUP_COLUMNS = `series_id, epoch, NOT ended AS is_recorded, temporality = 'cumulative' AS is_cumulative,
        points, first_time, first_count, last_count, carried_count, has_sum, first_sum, last_sum, carried_sum, resets,
        ${ROLLUP_EXTREMES}`;

/** A cumulative point is a row that begins and ends with it; all of a delta is carried. */
export const CHAIN_POINT_COLUMNS = `series_id,
        if(temporality = 'cumulative', start_time, toDateTime64(0, 9, 'UTC')) AS epoch,
        bitAnd(flags, 1) = 0 AS is_recorded,
        temporality = 'cumulative' AS is_cumulative,
        toUInt64(1) AS points,
        time AS first_time,
        if(is_cumulative, count, 0) AS first_count,
        first_count AS last_count,
        if(is_cumulative, 0, count) AS carried_count,
        ifNull(isFinite(sum), 0) OR count = 0 AS has_sum,
        if(is_cumulative, if(ifNull(isFinite(sum), 0), assumeNotNull(sum), 0) AS point_sum, 0) AS first_sum,
        first_sum AS last_sum,
        if(is_cumulative, 0, point_sum) AS carried_sum,
        toUInt64(0) AS resets,
        ${POINT_EXTREMES}`;

/** `SELECT *` and more from `source`, once for each of `layers`: the engine writes an alias out wherever it is used, so
 * that aliases of aliases would make a statement that takes longer to analyse than to run. */
export function addColumns(source: string, ...layers: string[]): string {
  return layers.reduce((inner, columns) => `SELECT *, ${columns}\n    FROM (${inner})`, source);
}

/** How a chain goes on from the row before (has_previous, previous_count). A drop in count is a reset. */
const CONDITIONS = `is_cumulative AND has_previous AND first_count >= previous_count AS goes_on,
        is_cumulative AND has_previous AND first_count < previous_count AS is_reset,
        is_cumulative AND NOT has_previous AND NOT ${IS_START_KNOWN} AS is_unknown_start`;

/** What is already known when the row begins: the row before, or nothing, or (start unknown) its own first point. */
const BASES = `multiIf(goes_on, previous_count, is_unknown_start, first_count, 0) AS base_count,
        multiIf(goes_on, previous_sum, is_unknown_start, first_sum, 0) AS base_sum,
        has_sum AND (NOT goes_on OR previous_has_sum) AS part_has_sum`;

/** Rows of a chain from start_time on, with what each of them adds to. */
export function chainSteps(
  shape: Shape,
  columns: string,
  rollupColumns: string,
  pointColumns: string,
  previous: readonly string[],
): string {
  const described = `SELECT * FROM (
    ${chainWithPrevious(chainRows(shape, rollupColumns, pointColumns), columns, previous)}
    ) AS chain
    INNER JOIN (${DESCRIBED_SERIES}
    ) AS described USING (series_id)
    WHERE first_time >= from_time`;
  return addColumns(described, CONDITIONS, BASES);
}

const ROLLUP_COLUMNS = `${CHAIN_ROLLUP_COLUMNS},
        explicit_bounds, first_bucket_counts, last_bucket_counts, carried_bucket_counts`;

const POINT_COLUMNS = `${CHAIN_POINT_COLUMNS},
        explicit_bounds,
        if(is_cumulative, if(empty(bucket_counts), [count], bucket_counts) AS buckets, []) AS first_bucket_counts,
        first_bucket_counts AS last_bucket_counts,
        if(is_cumulative, [], buckets) AS carried_bucket_counts`;

export const CHAIN_COLUMNS = `series_id, epoch, is_recorded, is_cumulative, points, first_time, first_count, last_count,
        carried_count, has_sum, first_sum, last_sum, carried_sum, resets, row_min, row_max`;

const COLUMNS = `${CHAIN_COLUMNS}, explicit_bounds, first_bucket_counts, last_bucket_counts, carried_bucket_counts`;

/** Counts of `buckets` between those of `bounds` that are in `shared`. */
function coarsen(buckets: string, bounds: string, shared: string): string {
  const sums = `arrayFilter((c, keep) -> keep, arrayCumSum(${buckets}), arrayPushBack(arrayMap(b -> has(${shared}, b), ${bounds}), true))`;
  return `arrayMap(totals -> arrayMap((a, b) -> toUInt64(a - b), totals, arrayPopBack(arrayPushFront(totals, 0))), [${sums}])[1]`;
}

/** The rows of `source` in the order of their chains, each with what the row before it ended with (`previous_…`). */
function chainWithPrevious(source: string, columns: string, previous: readonly string[]): string {
  const lags = previous.map(
    (column) => `,
        lagInFrame(${column}) OVER chain AS previous_${column}`,
  );
  return `SELECT ${columns},
        lagInFrame(true, 1, false) OVER chain AS has_previous,
        lagInFrame(last_count) OVER chain AS previous_count,
        lagInFrame(last_sum) OVER chain AS previous_sum,
        lagInFrame(has_sum) OVER chain AS previous_has_sum${lags.join('')}
    FROM (${source}
    )
    WHERE is_recorded AND (is_cumulative OR first_time >= from_time)
    WINDOW chain AS (PARTITION BY series_id, epoch ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)`;
}

/** Unsigned subtraction wraps: a bucket that shrank while the count grew (a broken exporter) counts nothing. */
export function clampCounts(counts: string): string {
  return `arrayMap(c -> if(c > 9223372036854775807, 0, c), ${counts})`;
}

/** Columns of a step that are values: in base units they are those of the metric. */
export const EXTREMES = ['lowest', 'highest', 'min', 'max'];

/** Columns of a step that every kind of histogram has. min and max: of deltas; lowest, highest: no value lies beyond. */
export const STEP_COLUMNS = `sum(points) AS points,
    nullIf(nullIf(min(row_min), -inf), inf) AS lowest,
    nullIf(nullIf(max(row_max), inf), -inf) AS highest,
    if(max(is_cumulative), NULL, lowest) AS min,
    if(max(is_cumulative), NULL, highest) AS max`;

/** The SELECT of the view without its WITH; `HISTOGRAM_ALIASES` is that. */
export const HISTOGRAM_STEPS = `
SELECT
    shown_series_id AS series_id,
    ${stepOf('first_time')} AS time,
    part.1 AS explicit_bounds,
    sum(part.2) AS increase_count,
    if(min(part_has_sum), sum(part.3), NULL) AS increase_sum,
    ${clampCounts('sumForEach(part.4)')} AS increase_bucket_counts,
    ${STEP_COLUMNS},
    sum(if(part_number = 1, resets + is_reset, 0)) AS resets
FROM (${addColumns(
  chainSteps('histogram', COLUMNS, ROLLUP_COLUMNS, POINT_COLUMNS, ['last_bucket_counts', 'explicit_bounds']),
  'length(explicit_bounds) + 1 AS size, NOT goes_on OR previous_explicit_bounds = explicit_bounds AS is_one_layout',
  `multiIf(NOT is_one_layout OR is_unknown_start, first_bucket_counts, goes_on, previous_last_bucket_counts, []) AS base_buckets,
        if(is_one_layout, [], arrayFilter(b -> has(previous_explicit_bounds, b), explicit_bounds)) AS shared_bounds`,
  `arrayMap((last, carried, base) -> toUInt64(last + carried - base), arrayResize(last_bucket_counts, size),
            arrayResize(carried_bucket_counts, size), arrayResize(base_buckets, size)) AS inside_buckets,
        if(is_one_layout, [], arrayMap((a, b) -> toUInt64(a - b),
            ${coarsen('first_bucket_counts', 'explicit_bounds', 'shared_bounds')},
            ${coarsen('previous_last_bucket_counts', 'previous_explicit_bounds', 'shared_bounds')})) AS step_buckets`,
  // Bounds changed since the row before: the step between them is known for the bounds that both have.
  `if(is_one_layout,
            [(explicit_bounds, last_count + carried_count - base_count, last_sum + carried_sum - base_sum, inside_buckets)],
            [(explicit_bounds, last_count + carried_count - first_count, last_sum + carried_sum - first_sum, inside_buckets),
            (shared_bounds, first_count - base_count, first_sum - base_sum, step_buckets)]) AS parts`,
)}
)
ARRAY JOIN parts AS part, arrayEnumerate(parts) AS part_number
GROUP BY shown_series_id, time, explicit_bounds`;

export const HISTOGRAM_INCREASE = `
CREATE OR REPLACE VIEW histogram_increase AS
WITH ${chainAliases('histogram')}${inBaseUnits(HISTOGRAM_STEPS, [
  ...['series_id', 'time'].map(asIs),
  values('explicit_bounds'),
  asIs('increase_count'),
  sumOf('increase_sum', 'increase_count'),
  ...['increase_bucket_counts', 'points'].map(asIs),
  ...EXTREMES.map(value),
  asIs('resets'),
])}`;
