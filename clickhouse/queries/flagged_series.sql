-- Metrics of which series were flagged in the last day, whatever KPIs say: two writers that share one, or starts that are not
-- right. The most affected first.
SELECT
    metric_name AS metric,
    toString(f.reason) AS reason,
    arraySort(groupUniqArray(toString(source_system))) AS services,
    uniqExact(series_id) AS series,
    count() AS points,
    max(f.time) AS last_seen
FROM
(
    SELECT series_id, time, reason FROM flagged_points FINAL
    WHERE kpi = '' AND time >= {since:DateTime64(3, 'UTC')}
) AS f
INNER JOIN (SELECT series_id, metric_name, source_system FROM series_of_points) AS s USING (series_id)
GROUP BY metric, reason
ORDER BY points DESC, metric, reason
LIMIT 100
