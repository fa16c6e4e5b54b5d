-- Minutes that this receiver rolled up since it checked them, the oldest first, with what it and all receivers have counted in
-- them before.
SELECT
    m.shape AS shape,
    toUnixTimestamp(m.time) AS time_s,
    toString(m.version) AS version,
    toString(own.points) AS own_points,
    toString(own.flagged) AS own_flagged,
    toString(every.points) AS all_points,
    toString(every.flagged) AS all_flagged
FROM
(
    SELECT shape, time, version FROM rollup_marks FINAL
    WHERE receiver = {receiver:String} AND resolution_s = 60 AND NOT waits
) AS m
LEFT JOIN
(
    SELECT shape, time, version, points, flagged FROM checked_minutes FINAL
    WHERE receiver = {receiver:String} AND time IN (SELECT time FROM rollup_marks WHERE resolution_s = 60)
) AS own ON own.shape = m.shape AND own.time = m.time
LEFT JOIN
(
    SELECT shape, time, sum(points) AS points, sum(flagged) AS flagged FROM checked_minutes FINAL
    WHERE time IN (SELECT time FROM rollup_marks WHERE resolution_s = 60)
    GROUP BY shape, time
) AS every ON every.shape = m.shape AND every.time = m.time
WHERE m.version > own.version
ORDER BY m.time, m.shape
LIMIT {limit:UInt32}
