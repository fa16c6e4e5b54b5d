CREATE TABLE IF NOT EXISTS folded_series ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    overflow_series_id UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}')
ORDER BY series_id
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
