/**
 * The view metric_exemplars(metric, start_time, end_time): the exemplars of a metric that were measured in a range of time, each
 * once, with the trace and span it came from. `ORDER BY value DESC LIMIT 10` leads from a slow KPI to its slowest requests.
 */
import { asIs, inBaseUnits, value } from './base-units.js';
import { DESCRIBED_SERIES, END_TIME, SERIES_OF_METRIC, START_TIME } from './chain-rows.js';

/** The time of an exemplar that was sent without one; it then has the time of the first point that carried it. */
const UNSET = "fromUnixTimestamp64Nano(0, 'UTC')";

const inRange = (time: string) => `${time} >= ${START_TIME} AND ${time} < ${END_TIME}`;

const EXEMPLARS = `
SELECT
    described.shown_series_id AS series_id,
    if(e.time = ${UNSET}, e.point_time, e.time) AS time,
    e.value AS value,
    if(e.trace_id = toFixedString('', 16), '', e.trace_id_hex) AS trace_id,
    if(e.span_id = toFixedString('', 8), '', e.span_id_hex) AS span_id,
    e.filtered_attributes AS filtered_attributes,
    e.point_time AS point_time
FROM
(
    SELECT series_id, time, value, trace_id, span_id, trace_id_hex, span_id_hex, filtered_attributes, point_time
    FROM exemplars FINAL
    WHERE series_id IN (${SERIES_OF_METRIC})
        AND (${inRange('time')} OR time = ${UNSET} AND ${inRange('point_time')})
) AS e
INNER JOIN (${DESCRIBED_SERIES}
) AS described USING (series_id)`;

/** (series_id, time, value, trace_id, span_id: hex, '' where the exemplar has none; filtered_attributes, point_time, base_unit). */
export const METRIC_EXEMPLARS = `
CREATE OR REPLACE VIEW metric_exemplars AS${inBaseUnits(EXEMPLARS, [
  ...['series_id', 'time'].map(asIs),
  value('value'),
  ...['trace_id', 'span_id', 'filtered_attributes', 'point_time'].map(asIs),
])}`;
