/**
 * The view number_increase(metric, start_time, end_time, step_s): what every sum of a metric grew by in each step of a
 * grid, in the metric's base unit. Rules: docs/increase.md. Gauges have no increase and no rows.
 */
import { asIs, difference, inBaseUnits } from './base-units.js';
import { followsLatest, IS_START_KNOWN, LINK_WINDOWS, SERIES_SINCE } from './chain-links.js';
import { chainAliases, chainRows, DESCRIBED_SERIES, STEP_S, stepOf } from './chain-rows.js';
import { IS_CUMULATIVE, IS_CUMULATIVE_WITH_START } from './fact-families.js';

const ROLLUP_COLUMNS =
  'series_id, epoch, kind, count, first_time, last_time, first_int, first_double, last_int, last_double, increase, resets';

const POINT_COLUMNS = `series_id,
        if(${IS_CUMULATIVE_WITH_START}, start_time, toDateTime64(0, 9, 'UTC')) AS epoch,
        kind,
        toUInt64(value_type != 'none' AND isFinite(value_double)) AS count,
        time AS first_time,
        time AS last_time,
        value_int AS first_int,
        value_double AS first_double,
        value_int AS last_int,
        value_double AS last_double,
        multiIf(kind = 'delta_counter', greatest(value, 0), kind = 'delta_updown', value, 0) AS increase,
        0 AS resets`;

const SAME = { exists: 'same.1', time: 'same.2', epoch: 'same.3' };
const LATEST = { exists: 'latest.1', time: 'latest.2', epoch: 'latest.3' };
/** What the next row needs to know; integers subtract as integers: of an integer and a double one is 0 on either side. */
const LINK = '(true, last_time, epoch, last_int, last_double)';
const stepFrom = (row: string) => `toFloat64(first_int - ${row}.4) + (first_double - ${row}.5)`;

const STEPS = `
SELECT
    shown_series_id AS series_id,
    ${stepOf('first_time')} AS time,
    sum(increase_inside + multiIf(
        NOT is_cumulative, 0,
        NOT previous.1, if(${IS_START_KNOWN}, first_value, 0),
        is_updown OR step >= 0, step,
        first_value)) AS increase,
    increase / ${STEP_S} AS rate,
    sum(resets_inside + (is_cumulative AND NOT is_updown AND previous.1 AND step < 0)) AS resets,
    sum(count) AS points
FROM
(
    SELECT
        *,
        kind = 'cumulative_updown' AS is_updown,
        if(is_updown, toFloat64(first_int) + first_double, greatest(toFloat64(first_int) + first_double, 0)) AS first_value,
        if(${followsLatest(SAME, LATEST, `(is_updown OR ${stepFrom('latest')} >= 0)`)}, latest, same) AS previous,
        ${stepFrom('previous')} AS step
    FROM
    (
        SELECT
            series_id, epoch, kind, first_time, first_int, first_double, count, increase AS increase_inside, resets AS resets_inside,
            ${IS_CUMULATIVE} AS is_cumulative,
            lagInFrame(${LINK}) OVER chain AS same,
            lagInFrame(${LINK}) OVER line AS latest,
            ${SERIES_SINCE}
        FROM (${chainRows('number', ROLLUP_COLUMNS, POINT_COLUMNS)}
        )
        WHERE count > 0 AND kind != 'gauge' AND (first_time >= from_time OR ${IS_CUMULATIVE})
        WINDOW ${LINK_WINDOWS}
    )
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
