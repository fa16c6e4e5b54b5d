/**
 * The view metric_exemplars(metric, start_time, end_time): the exemplars of a metric, with the trace and span each one
 * came from. `ORDER BY value DESC LIMIT 10` leads from a slow KPI to its slowest requests.
 */
import { DESCRIBED_SERIES, END_TIME, SERIES_OF_METRIC, START_TIME } from './chain-rows.js';

/** (series_id, time, value, trace_id, span_id: hex, '' where the exemplar has none; filtered_attributes, point_time). */
export const METRIC_EXEMPLARS = `
CREATE OR REPLACE VIEW metric_exemplars AS
SELECT
    described.shown_series_id AS series_id,
    e.time AS time,
    e.value AS value,
    if(e.trace_id = toFixedString('', 16), '', e.trace_id_hex) AS trace_id,
    if(e.span_id = toFixedString('', 8), '', e.span_id_hex) AS span_id,
    e.filtered_attributes AS filtered_attributes,
    e.point_time AS point_time
FROM
(
    SELECT series_id, if(toUnixTimestamp64Nano(time) = 0, point_time, time) AS time, value, trace_id, span_id, trace_id_hex, span_id_hex, filtered_attributes, point_time
    FROM exemplars FINAL
    WHERE series_id IN (${SERIES_OF_METRIC}) AND point_time >= ${START_TIME} AND point_time < ${END_TIME}
) AS e
INNER JOIN (${DESCRIBED_SERIES}
) AS described USING (series_id)`;
