-- First and last point of each series in the rows of {source} between {from} and {to}.
INSERT INTO series_activity (series_id, first_time, last_time)
SELECT series_id, min(first_time), max(last_time)
FROM {source:Identifier} FINAL
WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/
GROUP BY series_id
