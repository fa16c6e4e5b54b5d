-- First and last point of each series in the rows of {source} between {from} and {to}; while minutes are rolled up only of
-- series that are new, so that it is known at once since when a process has been seen.
INSERT INTO series_activity_states (series_id, first_time, last_time)
SELECT series_id, min(first_time), max(last_time)
FROM {source:Identifier} FINAL
WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/
    /*new AND series_id NOT IN (SELECT series_id FROM series_activity_states WHERE first_time <= {from:DateTime64(9, 'UTC')}) new*/
GROUP BY series_id
