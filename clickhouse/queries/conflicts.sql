-- Points between {from} and {to} that have the same series, start time and time and different values, and are not flagged yet.
-- What a sender repeats differs in nothing but the time when it was received.
SELECT series_id, time, start_time
FROM {source:Identifier}
WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')} /*series*/
    AND (series_id, time, start_time) GLOBAL NOT IN (
        SELECT series_id, time, start_time FROM flagged_points
        WHERE reason = 'conflicting_point' AND time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')})
GROUP BY series_id, time, start_time
HAVING count() > 1
    AND min(cityHash64(tuple(* EXCEPT (received_at)))) != max(cityHash64(tuple(* EXCEPT (received_at))))
