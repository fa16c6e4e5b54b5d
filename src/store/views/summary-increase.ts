/**
 * Views of summaries: summary_increase(metric, start_time, end_time, step_s), what count and sum grew by in each step of
 * a grid; and summary_quantiles(metric, at_time), the quantile values last reported and how old they are: quantiles of
 * summaries cannot be merged, neither over time nor over series.
 */
import { timeParameter } from '../../model/time-parameter.js';
import { asIs, inBaseUnits, sumOf, values } from './base-units.js';
import { chainAliases, DESCRIBED_SERIES, SERIES_OF_METRIC, stepOf } from './chain-rows.js';
import { chainSteps } from './histogram-increase.js';

const ROLLUP_COLUMNS = `series_id, epoch, NOT ended AS is_recorded, true AS is_cumulative, points, first_time, last_time,
        first_count, last_count, carried_count, has_sum, first_sum, last_sum, carried_sum, resets`;

const POINT_COLUMNS = `series_id, start_time AS epoch, bitAnd(flags, 1) = 0 AS is_recorded, true AS is_cumulative,
        toUInt64(1) AS points, time AS first_time, time AS last_time, count AS first_count, count AS last_count, toUInt64(0) AS carried_count,
        isFinite(sum) AS has_sum, if(isFinite(sum), sum, 0) AS first_sum, first_sum AS last_sum, toFloat64(0) AS carried_sum,
        toUInt64(0) AS resets`;

const COLUMNS = `series_id, epoch, is_recorded, is_cumulative, points, first_time, last_time, first_count, last_count, carried_count,
        has_sum, first_sum, last_sum, carried_sum, resets`;

const STEPS = `
SELECT
    shown_series_id AS series_id,
    ${stepOf('first_time')} AS time,
    sum(last_count + carried_count - base_count) AS increase_count,
    if(min(part_has_sum), sum(last_sum + carried_sum - base_sum), NULL) AS increase_sum,
    sum(chain.points) AS points,
    sum(chain.resets + is_reset) AS resets
FROM (${chainSteps({
  shape: 'summary',
  columns: COLUMNS,
  rollupColumns: ROLLUP_COLUMNS,
  pointColumns: POINT_COLUMNS,
  previous: [],
  falls: 'has_sum AND previous_has_sum AND first_sum < previous_sum',
})}
) AS chain
GROUP BY shown_series_id, time`;

export const SUMMARY_INCREASE = `
CREATE OR REPLACE VIEW summary_increase AS
WITH ${chainAliases('summary')}${inBaseUnits(STEPS, [
  ...['series_id', 'time', 'increase_count'].map(asIs),
  sumOf('increase_sum', 'increase_count'),
  ...['points', 'resets'].map(asIs),
])}`;

const LAST_ROWS = ['1m', '1h', '1d'].map(
  (resolution) => `
    UNION ALL
    SELECT series_id, last_time, NOT ended, last_count, if(has_sum, last_sum, NULL), last_quantiles, last_quantile_values, false
    FROM summary_${resolution} FINAL
    WHERE series_id IN (${SERIES_OF_METRIC}) AND last_time <= known_time`,
);

const REPORTED = `
SELECT
    described.shown_series_id AS series_id,
    last.1 AS reported_time,
    dateDiff('second', reported_time, known_time) AS age_s,
    ended_time > reported_time AS has_ended,
    last.2 AS count,
    last.3 AS sum,
    last.4 AS quantiles,
    last.5 AS quantile_values,
    source.series_id AS source_series_id
FROM
(
    SELECT
        series_id,
        -- As one tuple, the point itself before its rollups: argMax of a column alone passes over NULL.
        argMaxIf((time, count, sum, quantiles, quantile_values), (time, is_point), is_recorded) AS last,
        maxIf(time, NOT is_recorded) AS ended_time
    FROM
    (
        SELECT series_id, time, bitAnd(flags, 1) = 0 AS is_recorded, count, sum, quantiles, quantile_values, true AS is_point
        FROM summary_points FINAL
        WHERE series_id IN (${SERIES_OF_METRIC}) AND time <= known_time${LAST_ROWS.join('')}
    )
    GROUP BY series_id
    HAVING countIf(is_recorded) > 0
) AS source
INNER JOIN (${DESCRIBED_SERIES}
) AS described USING (series_id)`;

/**
 * at_time: what was known then; age_s: seconds from the point to at_time; has_ended: a later point said so. Folded sources
 * have a row each, under the series_id that describes them; source_series_id is their own.
 */
export const SUMMARY_QUANTILES = `
CREATE OR REPLACE VIEW summary_quantiles AS
WITH ${timeParameter('at_time')} AS known_time${inBaseUnits(REPORTED, [
  ...['series_id', 'reported_time', 'age_s', 'has_ended', 'count'].map(asIs),
  sumOf('sum', 'count'),
  asIs('quantiles'),
  values('quantile_values'),
  asIs('source_series_id'),
])}`;
