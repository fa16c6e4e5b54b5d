CREATE TABLE IF NOT EXISTS schema_migrations ON CLUSTER `production`
       (version UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
       ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}') ORDER BY version SETTINGS replicated_deduplication_window = 0;
