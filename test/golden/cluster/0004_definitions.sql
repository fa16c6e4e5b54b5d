CREATE TABLE IF NOT EXISTS metric_definitions ON CLUSTER `production`
(
    id UInt64,
    metric_name LowCardinality(String),
    category LowCardinality(String),
    subcategory LowCardinality(String),
    description String,
    unit LowCardinality(String),
    target_value Nullable(Float64),
    warning_threshold Nullable(Float64),
    critical_threshold Nullable(Float64),
    calculation_method LowCardinality(String),
    data_type LowCardinality(String),
    active Bool DEFAULT true,
    valid_from DateTime64(3, 'UTC') DEFAULT now64(3),
    created_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}', created_at)
ORDER BY (metric_name, valid_from) SETTINGS replicated_deduplication_window = 0;

CREATE TABLE IF NOT EXISTS metric_targets ON CLUSTER `production`
(
    id UInt64,
    metric_id UInt64,
    target_type Enum8('target' = 1, 'warning' = 2, 'critical' = 3),
    target_value Float64,
    description String,
    valid_from DateTime64(3, 'UTC') DEFAULT now64(3),
    created_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}', created_at)
ORDER BY (metric_id, target_type, valid_from) SETTINGS replicated_deduplication_window = 0;
