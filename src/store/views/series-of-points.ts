/**
 * Views for whoever comes from points: series_of_points has a row for each series_id that points may have, with the
 * columns of `series`; performance_metrics is the founding document's table, a row for each data point of any shape.
 */

/**
 * The columns of `series` and is_folded: a folded series is described by its overflow series
 * (docs/decisions/0011-cardinality.md). Of an id in both tables the row of `series` counts.
 */
export const SERIES_OF_POINTS = `
CREATE OR REPLACE VIEW series_of_points AS
SELECT *, metadata_text, resource_id, false AS is_folded
FROM series FINAL
UNION ALL
SELECT f.series_id AS series_id, o.* EXCEPT series_id, true AS is_folded
FROM
(
    SELECT series_id, overflow_series_id FROM folded_series FINAL
    WHERE series_id NOT IN (SELECT series_id FROM series WHERE series_id IN (SELECT series_id FROM folded_series))
) AS f
INNER JOIN
(
    SELECT *, metadata_text, resource_id FROM series FINAL
    WHERE series_id IN (SELECT overflow_series_id FROM folded_series)
) AS o ON o.series_id = f.overflow_series_id`;

/**
 * metric_value is the value of a number point and the mean of a histogram or summary point (cumulative ones count since
 * their start), in the base unit of the series. unit: that, or the unit that was sent where it is of the same size (`{error}`
 * for `1`).
 */
export const PERFORMANCE_METRICS = `
CREATE OR REPLACE VIEW performance_metrics AS
SELECT
    reinterpretAsUUID(sipHash128(p.series_id, p.time, p.start_time)) AS id,
    s.category AS category,
    s.subcategory AS subcategory,
    s.metric_name AS metric_name,
    p.metric_value * s.unit_factor + s.unit_offset AS metric_value,
    s.value_unit AS unit,
    p.time AS timestamp,
    s.source_system AS source_system,
    s.source_component AS source_component,
    s.metadata_text AS metadata,
    p.received_at AS created_at
FROM
(
    SELECT series_id, time, start_time, value AS metric_value, received_at
    FROM number_points FINAL WHERE value_type != 'none'
    UNION ALL
    SELECT series_id, time, start_time, if(count = 0, 0, ifNull(sum, 0) / count) AS metric_value, received_at
    FROM histogram_points FINAL WHERE bitAnd(flags, 1) = 0
    UNION ALL
    SELECT series_id, time, start_time, if(count = 0, 0, ifNull(sum, 0) / count) AS metric_value, received_at
    FROM exponential_histogram_points FINAL WHERE bitAnd(flags, 1) = 0
    UNION ALL
    SELECT series_id, time, start_time, if(count = 0, 0, sum / count) AS metric_value, received_at
    FROM summary_points FINAL WHERE bitAnd(flags, 1) = 0
) AS p
INNER JOIN
(
    SELECT series_id, category, subcategory, metric_name, unit_factor, unit_offset,
        if(unit_factor = 1 AND unit_offset = 0 AND unit_status != 'name', unit, base_unit) AS value_unit, source_system, source_component, metadata_text
    FROM series_of_points
) AS s USING (series_id)`;
