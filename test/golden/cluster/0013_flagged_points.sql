CREATE TABLE IF NOT EXISTS flagged_points_local ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kpi LowCardinality(String),
    reason Enum8('type' = 1, 'unit' = 2, 'range' = 3) CODEC(ZSTD(1)),
    value Nullable(Float64) CODEC(ZSTD(1)),
    checked_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    written_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', checked_at)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, start_time, kpi, reason)
TTL written_at + INTERVAL 90 DAY SETTINGS replicated_deduplication_window = 0;

CREATE TABLE IF NOT EXISTS flagged_points ON CLUSTER `production` AS flagged_points_local ENGINE = Distributed('production', 'plumbline', 'flagged_points_local', series_id);

CREATE TABLE IF NOT EXISTS checked_minutes ON CLUSTER `production`
(
    shape LowCardinality(String),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    receiver LowCardinality(String),
    version UInt64 CODEC(ZSTD(1)),
    points UInt64 CODEC(ZSTD(1)),
    flagged UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}', version)
PARTITION BY toYear(time)
ORDER BY (shape, time, receiver) SETTINGS replicated_deduplication_window = 0;
