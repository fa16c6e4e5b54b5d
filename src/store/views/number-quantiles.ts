/**
 * The view number_quantiles(metric, start_time, end_time, step_s, group_by): quantiles of the values that the points of a
 * metric had in each step of a grid, all series of a group together, in the base unit. Exact wherever raw points are left; where only rollups
 * are, an estimate, and `low` and `high` say between what the true quantiles lie. group_by as in histogram_quantiles. Rank
 * and bounds: docs/aggregates.md. It never takes the values of one bucket from two resolutions.
 */
import { MERGED_UNITS, unitColumns } from './base-units.js';
import { DESCRIBED_SERIES, END_TIME, SERIES_OF_METRIC, START_TIME, STEP_S, stepOf } from './chain-rows.js';
import { addColumns } from './histogram-increase.js';
import { groupedSeries, QUANTILE_COLUMNS, QUANTILE_LEVELS, QUANTILE_NAMES } from './histogram-quantiles.js';

const OF_METRIC = `series_id IN (${SERIES_OF_METRIC})`;

const GRID = `
    ${START_TIME} AS from_time,
    ${END_TIME} AS to_time,
    toUnixTimestamp64Nano(from_time) AS from_ns,
    1000000000 * greatest(toInt64(${STEP_S}), 1) AS step_ns`;

/** Into how many values those of a rolled up row are gathered, at most. */
const PIECES_MAX = 16;

/** Buckets of `seconds` that the grid touches and in which `table` has something. */
function bucketsWith(table: string, bucketOf: string, seconds: number): string {
  return `
            SELECT series_id, ${bucketOf}(time)
            FROM ${table}
            WHERE ${OF_METRIC} AND time >= toDateTime64(${bucketOf}(from_time), 9, 'UTC') AND time < to_time + INTERVAL ${seconds} SECOND`;
}

/** Rows of a rollup in whose bucket nothing finer is left. A row that the grid cuts counts where its first point lies. */
function rolledRows(table: string, finer: string, bucketOf: string, seconds: number): string {
  return `
        SELECT series_id, first_time, count, sum, min, max
        FROM ${table} FINAL
        WHERE ${OF_METRIC} AND time >= ${bucketOf}(from_time) AND time < to_time
            AND first_time >= from_time AND first_time < to_time AND count > 0
            AND (series_id, time) NOT IN (${bucketsWith(finer, bucketOf, seconds)})`;
}

/**
 * Of a row one value is its minimum and one its maximum (of a single value both are it). The others lie between them; the
 * estimate has them evenly on either side of their mean, in shares that have this mean.
 */
const SPREAD_ROWS = addColumns(
  [
    rolledRows('number_1m', 'number_points', 'toStartOfMinute', 60),
    rolledRows('number_1h', 'number_1m', 'toStartOfHour', 3_600),
    rolledRows('number_1d', 'number_1h', 'toStartOfDay', 86_400),
  ].join('\n        UNION ALL'),
  `toUInt64(greatest(count, 2) - 2) AS others,
            least(others, ${PIECES_MAX}) AS pieces,
            greatest(min, least(max, (sum - min - max) / others)) AS middle`,
  'if(min < max, (max / 2 - middle / 2) / (max / 2 - min / 2), 0) AS low_share',
  `arrayMap(i -> (i + 0.5) / pieces, range(pieces)) AS places,
            arrayMap(p -> greatest(min, least(max, if(p < low_share,
                min + (middle - min) * (p / low_share),
                middle + (max - middle) * ((p - low_share) / (1 - low_share))))), places) AS inner_values,
            arrayMap(i -> toUInt64(intDiv(others * (i + 1), pieces) - intDiv(others * i, pieces)), range(pieces)) AS inner_counts`,
);

/** (series_id, grp, base_unit, unit_factor, unit_offset): folded series belong to the group of the series that describes them. */
const GROUPS = `
        SELECT described.series_id AS series_id, labels.grp AS grp, labels.base_unit AS base_unit, labels.unit_factor AS unit_factor, labels.unit_offset AS unit_offset
        FROM (${DESCRIBED_SERIES}
        ) AS described
        INNER JOIN (SELECT series_id AS shown_series_id, grp, toString(base_unit) AS base_unit, unit_factor, unit_offset FROM (${groupedSeries('base_unit', 'unit_factor', 'unit_offset')})) AS labels USING (shown_series_id)`;

const IN_BASE = (value: string) => `${value} * unit_factor + unit_offset`;

/** Plain numbers, in base units, for groupArray of tuples takes ten times as long. Arrays of one group are in the same order. */
const COLLECTED = `
    SELECT step AS time, grp,
        sum(total) AS total,
        groupUniqArrayArray(units) AS all_units,
        groupArrayArray(points) AS points,
        groupArrayArray(least) AS least_values,
        groupArrayArray(most) AS most_values,
        groupArrayArray(counts) AS counts,
        groupArrayArray(inner_v) AS inner_values,
        groupArrayArray(inner_n) AS inner_counts
    FROM
    (
        SELECT ${stepOf('time')} AS step, grp, sum(${IN_BASE('value')}) AS total, groupArray(${IN_BASE('value')}) AS points, [] AS least, [] AS most, [] AS counts, [] AS inner_v, [] AS inner_n, ${MERGED_UNITS}
        FROM
        (
            SELECT series_id, time, value
            FROM number_points FINAL
            WHERE ${OF_METRIC} AND time >= from_time AND time < to_time AND value_type != 'none' AND isFinite(value_double)
        ) AS point
        INNER JOIN (${GROUPS}
        ) AS groups USING (series_id)
        GROUP BY step, grp
        UNION ALL
        SELECT ${stepOf('first_time')} AS step, grp, sum(rolled.sum * unit_factor + rolled.count * unit_offset) AS total, [] AS points, groupArray(${IN_BASE('rolled.min')}) AS least, groupArray(${IN_BASE('rolled.max')}) AS most, groupArray(count) AS counts,
            groupArrayArray(arrayMap(v -> ${IN_BASE('v')}, inner_values)) AS inner_v, groupArrayArray(inner_counts) AS inner_n, ${MERGED_UNITS}
        FROM (${SPREAD_ROWS}
        ) AS rolled
        INNER JOIN (${GROUPS}
        ) AS groups USING (series_id)
        GROUP BY step, grp
    )
    WHERE NOT throwIf(${STEP_S} = 0, 'step_s must be at least 1')
    GROUP BY step, grp`;

const SIDES = ['low', 'middle', 'high'] as const;

const forSides = (columns: (side: string) => string) => SIDES.map(columns).join(',\n        ');

const QUANTILES = addColumns(
  COLLECTED,
  // Without rollups none of the arrays below is made.
  `arraySum(counts) AS rolled_up,
        length(points) + rolled_up AS count,
        length(all_units) = 1 AS is_one_unit,
        if(rolled_up = 0, [], points) AS mixed_points`,
  `arrayWithConstant(length(mixed_points), toUInt64(1)) AS ones,
        arrayWithConstant(length(counts), toUInt64(1)) AS row_ones,
        arrayMap(n -> toUInt64(n - 1), counts) AS all_but_one,
        arrayConcat(mixed_points, least_values, most_values) AS values_low,
        values_low AS values_high,
        arrayConcat(values_low, inner_values) AS values_middle,
        arrayConcat(ones, all_but_one, row_ones) AS weights_low,
        arrayConcat(ones, row_ones, all_but_one) AS weights_high,
        arrayConcat(ones, row_ones, arrayMap(n -> toUInt64(n > 1), counts), inner_counts) AS weights_middle`,
  // The smallest value that at least a share of q of all values does not exceed.
  `arrayMap(q -> toUInt64(ceil(q * count)), ${QUANTILE_LEVELS}) AS ranks,
        arraySort(points) AS sorted_points,
        ${forSides((side) => `arraySort(values_${side}) AS sorted_${side}, arrayCumSum(arraySort((w, v) -> v, weights_${side}, values_${side})) AS totals_${side}`)}`,
  forSides(
    (side) =>
      `arrayMap(rank -> multiIf(NOT is_one_unit, NULL, rolled_up = 0, sorted_points[rank], sorted_${side}[arrayFirstIndex(n -> n >= rank, totals_${side})]), ranks) AS quantiles_${side}`,
  ),
  'quantiles_middle AS quantiles',
);

function nameElements(array: string): string {
  const values = QUANTILE_NAMES.map((_, i) => `${array}[${i + 1}]`);
  const types = QUANTILE_NAMES.map((name) => `${name} Nullable(Float64)`);
  return `CAST((${values.join(', ')}), 'Tuple(${types.join(', ')})')`;
}

/** rolled_up: how many of `count` values are known from rollups only; 0: all of the row is exact. */
export const NUMBER_QUANTILES = `
CREATE OR REPLACE VIEW number_quantiles AS
WITH ${GRID}
SELECT
    time,
    grp AS \`group\`,
    count,
    rolled_up,
    if(is_one_unit, total, NULL) AS sum,
    sum / count AS mean,
    multiIf(NOT is_one_unit, NULL, rolled_up = 0, sorted_points[1], sorted_low[1]) AS min,
    multiIf(NOT is_one_unit, NULL, rolled_up = 0, sorted_points[-1], sorted_high[-1]) AS max,
    ${QUANTILE_COLUMNS},
    ${nameElements('quantiles_low')} AS low,
    ${nameElements('quantiles_high')} AS high,
    ${unitColumns('all_units')}
FROM (${QUANTILES})`;
