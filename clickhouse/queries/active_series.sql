-- Series with a point, or first seen by a receiver, since {since}, by metric and service. Overflow series hold no place.
SELECT metric_name, source_system, groupArray(series_id) AS ids
FROM
(
    SELECT series_id, any(metric_name) AS metric_name, any(source_system) AS source_system
    FROM series
    WHERE attributes != map('otel.metric.overflow', 'true') AND
    (
        seen_at >= {since:DateTime64(3, 'UTC')}
        OR series_id IN (SELECT series_id FROM series_activity_states GROUP BY series_id HAVING max(last_time) >= {since:DateTime64(3, 'UTC')})
    )
    GROUP BY series_id
)
GROUP BY metric_name, source_system
