-- Some clients cannot read SimpleAggregateFunction, so readers get views with plain times under the names of these tables
-- (src/store/views/activity.ts).
CREATE TABLE series_activity_states
(
    series_id UInt64,
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY series_id;

INSERT INTO series_activity_states (series_id, first_time, last_time)
SELECT series_id, min(first_time), max(last_time) FROM series_activity GROUP BY series_id;

CREATE TABLE resource_activity_states
(
    resource_id UInt64,
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY resource_id;

INSERT INTO resource_activity_states (resource_id, first_time)
SELECT resource_id, min(first_time) FROM resource_activity GROUP BY resource_id;
