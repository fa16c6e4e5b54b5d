CREATE TABLE IF NOT EXISTS series_activity_states_local ON CLUSTER `production`
(
    series_id UInt64,
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY series_id SETTINGS replicated_deduplication_window = 0;

CREATE TABLE IF NOT EXISTS series_activity_states ON CLUSTER `production` AS series_activity_states_local ENGINE = Distributed('production', 'plumbline', 'series_activity_states_local', series_id);

INSERT INTO series_activity_states (series_id, first_time, last_time)
SELECT series_id, min(first_time), max(last_time) FROM series_activity GROUP BY series_id;

CREATE TABLE IF NOT EXISTS resource_activity_states ON CLUSTER `production`
(
    resource_id UInt64,
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC'))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}')
ORDER BY resource_id SETTINGS replicated_deduplication_window = 0;

INSERT INTO resource_activity_states (resource_id, first_time)
SELECT resource_id, min(first_time) FROM resource_activity GROUP BY resource_id;
