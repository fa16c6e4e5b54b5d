-- Metrics that no rule of the taxonomy takes, the newest first: what a rule for each could go by, and who sends them. A metric
-- with several types or units has a row for each.
SELECT
    metric_name,
    toString(metric_type) AS type,
    unit,
    is_monotonic,
    count() AS series,
    arraySort(groupUniqArray(toString(source_system))) AS services,
    arraySort(groupUniqArray(toString(scope_name))) AS scopes,
    max(greatest(activity.last_time, seen_at)) AS last_seen,
    count() OVER () AS total
FROM (SELECT * FROM series FINAL WHERE category = 'unclassified') AS s
LEFT JOIN (SELECT series_id, max(last_time) AS last_time FROM series_activity_states GROUP BY series_id) AS activity USING (series_id)
GROUP BY metric_name, type, unit, is_monotonic
ORDER BY last_seen DESC, series DESC, metric_name, type, unit
LIMIT {limit:UInt32}
