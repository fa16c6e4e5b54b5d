-- Whether there are more rows of points between {from} and {to} than the rollup counted: some of them share series, start time
-- and time, and have not been merged. {from} and {to} are on borders of minutes that were just rolled up.
SELECT
    (SELECT count() FROM {source:Identifier} WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')} /*series*/)
    > (SELECT sum(points) FROM {rollup:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/)
    AS is_suspected
