-- A series of {source} between {from} and {to} that is not known yet.
SELECT series_id
FROM {source:Identifier}
WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/
    AND series_id NOT IN (SELECT series_id FROM series_activity_states WHERE first_time <= {from:DateTime64(9, 'UTC')})
LIMIT 1
