-- Starts that are not right, in the hours between {from} and {to}: of each series, hour and reason the first row. start_moves: the
-- start is the time of the row before; start_overlaps: it lies before that, although the row before has another; start_lost: there is
-- none, although the row before has one. Only series with several starts are looked at.
INSERT INTO flagged_points (series_id, time, start_time, kpi, reason, checked_at)
SELECT series_id, min(first_time), argMin(epoch, first_time), '', found, fromUnixTimestamp64Milli({checked_at:Int64}, 'UTC')
FROM
(
    SELECT
        series_id, first_time, epoch, toStartOfHour(time) AS hour,
        lagInFrame((true, epoch, last_time)) OVER (PARTITION BY series_id ORDER BY first_time, epoch ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS previous,
        multiIf(
            NOT previous.1 OR epoch = previous.2, '',
            epoch = toDateTime64(0, 9, 'UTC'), 'start_lost',
            epoch = previous.3, 'start_moves',
            previous.2 > toDateTime64(0, 9, 'UTC') AND epoch < previous.3, 'start_overlaps',
            '') AS found
    FROM {source:Identifier} FINAL
    WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/ /*cumulative*/ AND series_id IN (
        SELECT series_id FROM {source:Identifier}
        WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/ /*cumulative*/
        GROUP BY series_id
        HAVING min(epoch) != max(epoch)
    )
)
WHERE found != ''
GROUP BY series_id, hour, found
