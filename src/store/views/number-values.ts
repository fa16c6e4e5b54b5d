/**
 * Views of the values of numbers, gauges above all, in the metric's base unit: number_values(metric, start_time, end_time, step_s)
 * has what they were in each step of a grid, number_last(metric, at_time, stale_after_s) what they were last, and how
 * old that is. Points without a finite value count for nothing, and NO_RECORDED_VALUE ends a series until its next value.
 */
import { timeParameter } from '../../model/time-parameter.js';
import { asIs, inBaseUnits, sumOf, value } from './base-units.js';
import { chainAliases, chainRows, DESCRIBED_SERIES, stepOf, until } from './chain-rows.js';

const ROLLUP_COLUMNS =
  'series_id, count, sum, min, max, first_time, last_time, toFloat64(last_int) + last_double AS last_value, ended_time';

const POINT_COLUMNS = `series_id,
        toUInt64(value_type != 'none' AND isFinite(value_double)) AS count,
        value AS sum,
        value AS min,
        value AS max,
        time AS first_time,
        time AS last_time,
        value AS last_value,
        if(value_type = 'none', time, toDateTime64(0, 9, 'UTC')) AS ended_time`;

const STEPS = `
SELECT
    shown_series_id AS series_id,
    ${stepOf('first_time')} AS time,
    sum(row_count) AS count,
    sum(row_sum) AS sum,
    sum / count AS mean,
    min(row_min) AS min,
    max(row_max) AS max,
    argMax(last_value, row_last_time) AS last,
    max(row_last_time) AS last_time
FROM
(
    SELECT series_id, count AS row_count, sum AS row_sum, min AS row_min, max AS row_max, first_time, last_time AS row_last_time, last_value
    FROM (${chainRows('number', ROLLUP_COLUMNS, POINT_COLUMNS)}
    )
    WHERE count > 0 AND first_time >= from_time
) AS chain
INNER JOIN (${DESCRIBED_SERIES}
) AS described USING (series_id)
GROUP BY shown_series_id, time`;

/** (series_id, time, count, sum, mean, min, max, last, last_time, base_unit); steps in which a series has no value have no row. */
export const NUMBER_VALUES = `
CREATE OR REPLACE VIEW number_values AS
WITH ${chainAliases('number')}${inBaseUnits(STEPS, [
  ...['series_id', 'time', 'count'].map(asIs),
  sumOf('sum', 'count'),
  ...['mean', 'min', 'max', 'last'].map(value),
  asIs('last_time'),
])}`;

const AT_TIME = timeParameter('at_time');
const STALE_AFTER_S = '{stale_after_s:UInt32}';

const LAST = `
SELECT
    shown_series_id AS series_id,
    max(row_last_time) AS time,
    argMax(last_value, row_last_time) AS value,
    (toUnixTimestamp64Nano(${AT_TIME}) - toUnixTimestamp64Nano(time)) / 1e9 AS age_s,
    max(row_ended_time) > time AS is_ended,
    is_ended OR age_s > ${STALE_AFTER_S} AS is_stale
FROM
(
    -- What ended has a time of its own, and may have no value left to go with it.
    SELECT series_id, maxIf(last_time, count > 0) AS row_last_time, argMaxIf(last_value, last_time, count > 0) AS last_value, max(ended_time) AS row_ended_time
    FROM (${chainRows('number', ROLLUP_COLUMNS, POINT_COLUMNS)}
    )
    GROUP BY series_id
    HAVING max(count) > 0
) AS chain
INNER JOIN (${DESCRIBED_SERIES}
) AS described USING (series_id)
GROUP BY shown_series_id`;

/**
 * (series_id, time, value, age_s, is_ended, is_stale, base_unit): the last value of each series at at_time or before, however
 * long ago. is_ended: its sender said so. is_stale: ended, or silent for longer than stale_after_s seconds.
 */
export const NUMBER_LAST = `
CREATE OR REPLACE VIEW number_last AS
WITH ${chainAliases('number', until(AT_TIME))}${inBaseUnits(LAST, [
  ...['series_id', 'time'].map(asIs),
  value('value'),
  ...['age_s', 'is_ended', 'is_stale'].map(asIs),
])}`;
