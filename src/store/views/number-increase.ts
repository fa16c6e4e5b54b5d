/**
 * The view number_increase(metric, start_time, end_time, step_s): what every sum of a metric grew by in each step of a
 * grid, in the metric's base unit. Rules: docs/increase.md. Gauges have no increase and no rows.
 */
import { asIs, difference, inBaseUnits } from './base-units.js';
import { chainAliases, chainRows, DESCRIBED_SERIES, IS_START_KNOWN, STEP_S, stepOf } from './chain-rows.js';

const ROLLUP_COLUMNS =
  'series_id, epoch, kind, count, first_time, first_int, first_double, last_int, last_double, increase, resets';

const POINT_COLUMNS = `series_id,
        if(kind IN ('cumulative_counter', 'cumulative_updown'), start_time, toDateTime64(0, 9, 'UTC')) AS epoch,
        kind,
        toUInt64(value_type != 'none' AND isFinite(value_double)) AS count,
        time AS first_time,
        value_int AS first_int,
        value_double AS first_double,
        value_int AS last_int,
        value_double AS last_double,
        multiIf(kind = 'delta_counter', greatest(value, 0), kind = 'delta_updown', value, 0) AS increase,
        0 AS resets`;

const STEPS = `
SELECT
    shown_series_id AS series_id,
    ${stepOf('first_time')} AS time,
    sum(increase_inside + multiIf(
        NOT is_cumulative, 0,
        NOT has_previous, if(${IS_START_KNOWN}, first_value, 0),
        is_updown OR step >= 0, step,
        first_value)) AS increase,
    increase / ${STEP_S} AS rate,
    sum(resets_inside + (is_cumulative AND NOT is_updown AND has_previous AND step < 0)) AS resets,
    sum(count) AS points
FROM
(
    SELECT
        series_id, epoch, first_time, count, increase AS increase_inside, resets AS resets_inside,
        kind IN ('cumulative_counter', 'cumulative_updown') AS is_cumulative,
        kind = 'cumulative_updown' AS is_updown,
        if(is_updown, toFloat64(first_int) + first_double, greatest(toFloat64(first_int) + first_double, 0)) AS first_value,
        lagInFrame((true, last_int, last_double), 1, (false, toInt64(0), toFloat64(0))) OVER
            (PARTITION BY series_id, epoch ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS previous,
        previous.1 AS has_previous,
        -- Integers subtract as integers; of an integer and a double one is 0 on either side.
        toFloat64(first_int - previous.2) + (first_double - previous.3) AS step
    FROM (${chainRows('number', ROLLUP_COLUMNS, POINT_COLUMNS)}
    )
    WHERE count > 0 AND kind != 'gauge' AND (first_time >= from_time OR kind IN ('cumulative_counter', 'cumulative_updown'))
) AS chain
INNER JOIN (${DESCRIBED_SERIES}
) AS described USING (series_id)
WHERE first_time >= from_time
GROUP BY shown_series_id, time`;

export const NUMBER_INCREASE = `
CREATE OR REPLACE VIEW number_increase AS
WITH ${chainAliases('number')}${inBaseUnits(STEPS, [
  ...['series_id', 'time'].map(asIs),
  ...['increase', 'rate'].map(difference),
  ...['resets', 'points'].map(asIs),
])}`;
