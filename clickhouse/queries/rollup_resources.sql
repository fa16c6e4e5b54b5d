-- When each resource (process) was first seen, from the rows of {source} between {from} and {to}. Of series that are not known
-- yet: run before rollup_activity.sql.
INSERT INTO resource_activity_states (resource_id, first_time)
SELECT s.resource_id, min(r.first_time)
FROM
(
    SELECT series_id, min(first_time) AS first_time
    FROM {source:Identifier} FINAL
    WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/
        AND series_id NOT IN (SELECT series_id FROM series_activity_states WHERE first_time <= {from:DateTime64(9, 'UTC')})
    GROUP BY series_id
) AS r
INNER JOIN
(
    SELECT series_id, resource_id FROM series
    UNION ALL
    SELECT f.series_id AS series_id, o.resource_id AS resource_id
    FROM folded_series AS f INNER JOIN series AS o ON o.series_id = f.overflow_series_id
) AS s ON s.series_id = r.series_id
GROUP BY s.resource_id
