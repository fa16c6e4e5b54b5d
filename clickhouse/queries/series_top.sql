-- Who spends the budgets of series: by {by} (metric, service, scope, category), the largest first, after one row of all
-- (is_total). Active: with a point, or first seen by a receiver, since {active_since}. Series that were folded beyond a
-- budget hold no place and are counted apart; their overflow series hold none either and are not counted.
SELECT
    grouping(name) = 1 AS is_total,
    name,
    countIf(is_active AND NOT is_folded) AS active,
    countIf(NOT is_folded) AS total,
    countIf(is_active AND is_folded) AS folded,
    countIf(is_new AND NOT is_folded) AS new
FROM
(
    SELECT
        multiIf({by:String} = 'metric', metric_name, {by:String} = 'service', source_system, {by:String} = 'scope', scope_name,
            {by:String} = 'category', if(subcategory = '', category, concat(category, ' / ', subcategory)), '') AS name,
        is_folded,
        -- The hourly rollup keeps activity, so series of the last minutes may have no row yet.
        if(is_folded AND toUnixTimestamp(activity.last_time) != 0, activity.last_time, greatest(activity.last_time, seen_at))
            >= {active_since:DateTime64(3, 'UTC')} AS is_active,
        if(toUnixTimestamp(activity.first_time) = 0, seen_at, activity.first_time) >= {new_since:DateTime64(3, 'UTC')} AS is_new
    FROM (SELECT series_id, metric_name, source_system, scope_name, category, subcategory, seen_at, is_folded, attributes FROM series_of_points) AS s
    LEFT JOIN
    (
        SELECT series_id, min(first_time) AS first_time, max(last_time) AS last_time
        FROM series_activity_states GROUP BY series_id
    ) AS activity USING (series_id)
    WHERE is_folded OR attributes != map('otel.metric.overflow', 'true')
)
GROUP BY GROUPING SETS ((name), ())
ORDER BY is_total DESC, active + folded DESC, total DESC, name
LIMIT {limit:UInt32} + 1
