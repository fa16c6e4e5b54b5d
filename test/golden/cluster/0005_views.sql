CREATE VIEW IF NOT EXISTS performance_metrics ON CLUSTER `production` AS
SELECT
    reinterpretAsUUID(sipHash128(p.series_id, p.time, p.start_time)) AS id,
    s.category AS category,
    s.subcategory AS subcategory,
    s.metric_name AS metric_name,
    p.metric_value AS metric_value,
    s.unit AS unit,
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
    SELECT series_id, category, subcategory, metric_name, unit, source_system, source_component, metadata_text
    FROM series FINAL
) AS s USING (series_id);

CREATE VIEW IF NOT EXISTS unclassified_metrics ON CLUSTER `production` AS
SELECT metric_name, any(metric_type) AS metric_type, any(unit) AS unit, groupUniqArray(scope_name) AS scopes,
    groupUniqArray(source_system) AS source_systems, count() AS series
FROM series FINAL
WHERE category = 'unclassified'
GROUP BY metric_name
ORDER BY series DESC, metric_name;
