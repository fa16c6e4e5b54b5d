DROP TABLE IF EXISTS exemplars ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS exemplars_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

CREATE TABLE IF NOT EXISTS exemplars_local ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    value_type Enum8('none' = 0, 'int' = 1, 'double' = 2) CODEC(ZSTD(1)),
    value_int Int64 CODEC(ZSTD(1)),
    value_double Float64 CODEC(ZSTD(1)),
    trace_id FixedString(16),
    span_id FixedString(8),
    filtered_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    filtered_attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'string' = 1, 'bool' = 2, 'int' = 3, 'double' = 4, 'bytes' = 5, 'array' = 6, 'kvlist' = 7)) CODEC(ZSTD(1)),
    -- Of the first point that carried it.
    point_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    -- The largest wins a merge.
    precedence Int64 MATERIALIZED -toUnixTimestamp64Nano(point_time) CODEC(Delta(8), ZSTD(1)),
    value Float64 ALIAS if(value_type = 'int', toFloat64(value_int), value_double),
    trace_id_hex String ALIAS lower(hex(trace_id)),
    span_id_hex String ALIAS lower(hex(span_id))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', precedence)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, trace_id, span_id, value_type, value_int, reinterpretAsUInt64(value_double),
    sipHash64(filtered_attributes, filtered_attribute_types))
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_max_block_size = 65536,
    vertical_merge_algorithm_min_columns_to_activate = 1, vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS exemplars ON CLUSTER `production` AS exemplars_local ENGINE = Distributed('production', 'plumbline', 'exemplars_local', series_id);
