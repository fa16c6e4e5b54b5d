/**
 * The view histogram_increase(metric, start_time, end_time, step_s): what every explicit-bucket histogram of a metric
 * grew by in each step of a grid. Rules: docs/increase.md and docs/aggregates.md. A series whose bounds changed within a
 * step has a row for each layout of bounds; count and sum of all its rows are exact, and so is every bucket.
 */
import type { Shape } from '../rollup-marks.js';
import { asIs, inBaseUnits, sumOf, value, values } from './base-units.js';
import { bucketsFall } from './bucket-falls.js';
import { followsLatest, IS_START_KNOWN, LINK_WINDOWS, SERIES_SINCE } from './chain-links.js';
import { chainAliases, chainRows, DESCRIBED_SERIES, stepOf } from './chain-rows.js';

/** row_min and row_max: infinite where unknown, and the other way round where nothing was counted. */
export const ROLLUP_EXTREMES = `multiIf((last_count + carried_count = 0) AS is_void, inf, min IS NULL, -inf, assumeNotNull(min)) AS row_min,
        multiIf(is_void, -inf, max IS NULL, inf, assumeNotNull(max)) AS row_max`;

export const POINT_EXTREMES = `multiIf((count = 0) AS is_void, inf, ifNull(isFinite(min), 0), assumeNotNull(min), -inf) AS row_min,
        multiIf(is_void, -inf, ifNull(isFinite(max), 0), assumeNotNull(max), inf) AS row_max`;

export const CHAIN_ROLLUP_COLUMNS = `series_id, epoch, NOT ended AS is_recorded, temporality = 'cumulative' AS is_cumulative,
        points, first_time, last_time, first_count, last_count, carried_count, has_sum, first_sum, last_sum, carried_sum, resets,
        ${ROLLUP_EXTREMES}`;

/** A cumulative point is a row that begins and ends with it; all of a delta is carried. */
export const CHAIN_POINT_COLUMNS = `series_id,
        if(temporality = 'cumulative', start_time, toDateTime64(0, 9, 'UTC')) AS epoch,
        bitAnd(flags, 1) = 0 AS is_recorded,
        temporality = 'cumulative' AS is_cumulative,
        toUInt64(1) AS points,
        time AS first_time,
        time AS last_time,
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

/** How a chain goes on from the row before (has_previous, previous_count). What fell is a reset. */
const CONDITIONS = `is_cumulative AND has_previous AND NOT is_below AS continues,
        is_cumulative AND has_previous AND is_below AS is_reset,
        is_cumulative AND NOT has_previous AND NOT ${IS_START_KNOWN} AS is_unknown_start`;

/** What is already known when the row begins: the row before, or nothing, or (start unknown) its own first point. */
const BASES = `multiIf(continues, previous_count, is_unknown_start, first_count, 0) AS base_count,
        multiIf(continues, previous_sum, is_unknown_start, first_sum, 0) AS base_sum,
        has_sum AND (NOT continues OR previous_has_sum) AS part_has_sum`;

/** What a shape adds to the rows of its chains. */
export interface ChainShape {
  shape: Shape;
  columns: string;
  rollupColumns: string;
  pointColumns: string;
  /** Columns that the next row needs to know as previous_…, besides those of count and sum. */
  previous: readonly string[];
  /** Columns for `falls`. */
  layers?: readonly string[];
  /** Whether something else than the count fell since the row before. */
  falls: string;
}

/** Rows of a chain from start_time on, with what each of them adds to. */
export function chainSteps({ layers = [], falls, ...shape }: ChainShape): string {
  const described = `SELECT * FROM (
    ${chainWithPrevious(shape)}
    ) AS chain
    INNER JOIN (${DESCRIBED_SERIES}
    ) AS described USING (series_id)
    WHERE first_time >= from_time`;
  const isBelow = `has_previous AND (first_count < previous_count OR ${falls}) AS is_below`;
  return addColumns(described, ...layers, isBelow, CONDITIONS, BASES);
}

const ROLLUP_COLUMNS = `${CHAIN_ROLLUP_COLUMNS},
        explicit_bounds, first_bucket_counts, last_bucket_counts, carried_bucket_counts`;

const POINT_COLUMNS = `${CHAIN_POINT_COLUMNS},
        explicit_bounds,
        if(is_cumulative, if(empty(bucket_counts), [count], bucket_counts) AS buckets, []) AS first_bucket_counts,
        first_bucket_counts AS last_bucket_counts,
        if(is_cumulative, [], buckets) AS carried_bucket_counts`;

export const CHAIN_COLUMNS = `series_id, epoch, is_recorded, is_cumulative, points, first_time, last_time, first_count, last_count,
        carried_count, has_sum, first_sum, last_sum, carried_sum, resets, row_min, row_max`;

const COLUMNS = `${CHAIN_COLUMNS}, explicit_bounds, first_bucket_counts, last_bucket_counts, carried_bucket_counts`;

/** Counts of `buckets` between those of `bounds` that are in `shared`. */
function coarsen(buckets: string, bounds: string, shared: string): string {
  const sums = `arrayFilter((c, keep) -> keep, arrayCumSum(arrayResize(${buckets}, length(${bounds}) + 1)), arrayPushBack(arrayMap(b -> has(${shared}, b), ${bounds}), true))`;
  return `arrayMap(totals -> arrayMap((a, b) -> toUInt64(a - b), totals, arrayPopBack(arrayPushFront(totals, 0))), [${sums}])[1]`;
}

const SAME = { exists: 'same.1', time: 'same.2', epoch: 'same.3' };
const LATEST = { exists: 'latest.1', time: 'latest.2', epoch: 'latest.3' };

/** Rows in the order of their chains, each with what the row before it ended with (`previous_…`). */
function chainWithPrevious({
  shape,
  columns,
  rollupColumns,
  pointColumns,
  previous,
}: Omit<ChainShape, 'falls'>): string {
  const link = ['true', 'last_time', 'epoch', 'last_count', 'last_sum', 'has_sum', ...previous].join(', ');
  const linked = `SELECT ${columns},
        lagInFrame((${link})) OVER chain AS same,
        lagInFrame((${link})) OVER line AS latest,
        ${SERIES_SINCE}
    FROM (${chainRows(shape, rollupColumns, pointColumns)}
    )
    WHERE is_recorded AND (is_cumulative OR first_time >= from_time)
    WINDOW ${LINK_WINDOWS}`;
  const names = ['count', 'sum', 'has_sum', ...previous].map(
    (name, i) => `previous.${i + 4} AS previous_${name}`,
  );
  return addColumns(
    linked,
    `if(${followsLatest(SAME, LATEST, 'first_count >= latest.4')}, latest, same) AS previous`,
    `previous.1 AS has_previous, ${names.join(', ')}`,
  );
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
  chainSteps({
    shape: 'histogram',
    columns: COLUMNS,
    rollupColumns: ROLLUP_COLUMNS,
    pointColumns: POINT_COLUMNS,
    previous: ['last_bucket_counts', 'explicit_bounds'],
    layers: [
      // Bounds changed since the row before: the step between them is known for the bounds that both have.
      `NOT (is_cumulative AND has_previous) OR previous_explicit_bounds = explicit_bounds AS has_same_bounds,
        if(has_same_bounds, [], arrayFilter(b -> has(previous_explicit_bounds, b), explicit_bounds)) AS shared_bounds`,
      `if(has_same_bounds, first_bucket_counts, ${coarsen('first_bucket_counts', 'explicit_bounds', 'shared_bounds')}) AS first_shared,
        if(has_same_bounds, arrayResize(previous_last_bucket_counts, length(first_bucket_counts)),
            ${coarsen('previous_last_bucket_counts', 'previous_explicit_bounds', 'shared_bounds')}) AS previous_shared`,
    ],
    falls: bucketsFall('previous_shared', 'first_shared'),
  }),
  'length(explicit_bounds) + 1 AS size, NOT continues OR has_same_bounds AS is_one_layout',
  `multiIf(NOT is_one_layout OR is_unknown_start, first_bucket_counts, continues, previous_last_bucket_counts, []) AS base_buckets`,
  `arrayMap((last, carried, base) -> toUInt64(last + carried - base), arrayResize(last_bucket_counts, size),
            arrayResize(carried_bucket_counts, size), arrayResize(base_buckets, size)) AS inside_buckets,
        if(is_one_layout, [], arrayMap((a, b) -> toUInt64(a - b), first_shared, previous_shared)) AS step_buckets`,
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
