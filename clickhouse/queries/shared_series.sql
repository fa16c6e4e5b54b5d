-- Metrics of which two writers shared a series in the last day: points that have the same series, start time and time and
-- different values. The most affected first.
SELECT
    metric_name AS metric,
    arraySort(groupUniqArray(toString(source_system))) AS services,
    uniqExact(series_id) AS series,
    count() AS points,
    max(f.time) AS last_seen
FROM
(
    SELECT series_id, time FROM flagged_points FINAL
    WHERE reason = 'conflicting_point' AND time >= {since:DateTime64(3, 'UTC')}
) AS f
INNER JOIN (SELECT series_id, metric_name, source_system FROM series_of_points) AS s USING (series_id)
GROUP BY metric
ORDER BY points DESC, metric
LIMIT 100
