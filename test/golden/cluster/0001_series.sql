CREATE TABLE IF NOT EXISTS series ON CLUSTER `production`
(
    series_id UInt64,
    metric_name LowCardinality(String),
    description String CODEC(ZSTD(3)),
    unit LowCardinality(String),
    metric_type Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2),
    is_monotonic Bool,
    category LowCardinality(String),
    subcategory LowCardinality(String),
    classification_rule LowCardinality(String),
    source_system LowCardinality(String),
    source_component LowCardinality(String),
    -- Attribute values are text without loss; the *_types maps name the AnyValue case of those that are not strings.
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    resource_attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    resource_schema_url LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    scope_attribute_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    scope_schema_url LowCardinality(String),
    metadata Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    metadata_types Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    seen_at DateTime64(9, 'UTC'),
    -- What the view performance_metrics shows as metadata: made once per series, not once per point read.
    metadata_text String MATERIALIZED toJSONString(mapUpdate(resource_attributes, attributes)) CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}', seen_at)
ORDER BY (metric_name, series_id)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS series_activity_local ON CLUSTER `production`
(
    series_id UInt64,
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY series_id SETTINGS replicated_deduplication_window = 0;

CREATE TABLE IF NOT EXISTS series_activity ON CLUSTER `production` AS series_activity_local ENGINE = Distributed('production', 'plumbline', 'series_activity_local', series_id);
