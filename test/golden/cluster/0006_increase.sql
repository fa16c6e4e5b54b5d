DROP TABLE IF EXISTS number_1m ON CLUSTER `production` SYNC;

DROP TABLE IF EXISTS number_1m_local ON CLUSTER `production` SYNC;

DROP TABLE IF EXISTS number_1h ON CLUSTER `production` SYNC;

DROP TABLE IF EXISTS number_1h_local ON CLUSTER `production` SYNC;

DROP TABLE IF EXISTS number_1d ON CLUSTER `production` SYNC;

DROP TABLE IF EXISTS number_1d_local ON CLUSTER `production` SYNC;

CREATE TABLE IF NOT EXISTS number_1m_local ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    epoch DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5) CODEC(ZSTD(1)),
    points UInt64 CODEC(ZSTD(1)),
    count UInt64 CODEC(ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    first_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    last_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    first_int Int64 CODEC(ZSTD(1)),
    first_double Float64 CODEC(ZSTD(1)),
    last_int Int64 CODEC(ZSTD(1)),
    last_double Float64 CODEC(ZSTD(1)),
    first_value Float64 ALIAS toFloat64(first_int) + first_double,
    last_value Float64 ALIAS toFloat64(last_int) + last_double,
    increase Float64 CODEC(ZSTD(1)),
    resets UInt64 CODEC(ZSTD(1)),
    ended_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS number_1m ON CLUSTER `production` AS number_1m_local ENGINE = Distributed('production', 'plumbline', 'number_1m_local', series_id);

CREATE TABLE IF NOT EXISTS number_1h_local ON CLUSTER `production` AS number_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (toDate(time), series_id)
ORDER BY (toDate(time), series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS number_1h ON CLUSTER `production` AS number_1h_local ENGINE = Distributed('production', 'plumbline', 'number_1h_local', series_id);

CREATE TABLE IF NOT EXISTS number_1d_local ON CLUSTER `production` AS number_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYear(time)
PRIMARY KEY (series_id, time)
ORDER BY (series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS number_1d ON CLUSTER `production` AS number_1d_local ENGINE = Distributed('production', 'plumbline', 'number_1d_local', series_id);

INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT DISTINCT 'number', 60, toStartOfMinute(time), 'migration', 1, true, [] FROM number_points;

ALTER TABLE series ADD COLUMN IF NOT EXISTS resource_id UInt64
    MATERIALIZED cityHash64(mapKeys(resource_attributes), mapValues(resource_attributes), mapValues(resource_attribute_types));

CREATE TABLE IF NOT EXISTS resource_activity ON CLUSTER `production`
(
    resource_id UInt64,
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC'))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}')
ORDER BY resource_id SETTINGS replicated_deduplication_window = 0;
