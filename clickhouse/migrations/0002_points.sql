-- One narrow table per shape of point. A point is unique by (series_id, time, start_time): what a sender sends twice
-- collapses on merge, and readers use FINAL so that they never depend on the merge having happened.
-- Large merge blocks and vertical merges halve the CPU that merging takes.
-- Keys begin with the hour: what is asked for most are the last minutes of all series, which are then side by side. `time` is
-- no part of the primary key, where conditions of time would be held against it alone and not against the hour; of the sorting
-- key it has to be one, or FINAL would not leave out parts by their times.
CREATE TABLE number_points
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5) CODEC(ZSTD(1)),
    value_type Enum8('none' = 0, 'int' = 1, 'double' = 2) CODEC(ZSTD(1)),
    value_int Int64 CODEC(Delta(8), ZSTD(1)),
    value_double Float64 CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    received_at DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    value Float64 ALIAS if(value_type = 'int', toFloat64(value_int), value_double)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, start_time)
SETTINGS non_replicated_deduplication_window = 1000, merge_max_block_size = 65536,
    vertical_merge_algorithm_min_columns_to_activate = 1, vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE histogram_points
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2) CODEC(ZSTD(1)),
    count UInt64 CODEC(Delta(8), ZSTD(1)),
    sum Nullable(Float64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    explicit_bounds Array(Float64) CODEC(ZSTD(1)),
    bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    received_at DateTime('UTC') CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, start_time)
SETTINGS non_replicated_deduplication_window = 1000, merge_max_block_size = 65536,
    vertical_merge_algorithm_min_columns_to_activate = 1, vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE exponential_histogram_points
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2) CODEC(ZSTD(1)),
    count UInt64 CODEC(Delta(8), ZSTD(1)),
    sum Nullable(Float64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    scale Int32 CODEC(ZSTD(1)),
    zero_count UInt64 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    positive_offset Int32 CODEC(ZSTD(1)),
    positive_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    negative_offset Int32 CODEC(ZSTD(1)),
    negative_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    received_at DateTime('UTC') CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, start_time)
SETTINGS non_replicated_deduplication_window = 1000, merge_max_block_size = 65536,
    vertical_merge_algorithm_min_columns_to_activate = 1, vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE summary_points
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    count UInt64 CODEC(Delta(8), ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    quantiles Array(Float64) CODEC(ZSTD(1)),
    quantile_values Array(Float64) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    received_at DateTime('UTC') CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, start_time)
SETTINGS non_replicated_deduplication_window = 1000, merge_max_block_size = 65536,
    vertical_merge_algorithm_min_columns_to_activate = 1, vertical_merge_algorithm_min_rows_to_activate = 1;

-- trace_id and span_id are all zero bytes where the exemplar had none.
CREATE TABLE exemplars
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    point_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    value_type Enum8('none' = 0, 'int' = 1, 'double' = 2) CODEC(ZSTD(1)),
    value_int Int64 CODEC(ZSTD(1)),
    value_double Float64 CODEC(ZSTD(1)),
    trace_id FixedString(16),
    span_id FixedString(8),
    filtered_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    filtered_attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'string' = 1, 'bool' = 2, 'int' = 3, 'double' = 4, 'bytes' = 5, 'array' = 6, 'kvlist' = 7)) CODEC(ZSTD(1)),
    value Float64 ALIAS if(value_type = 'int', toFloat64(value_int), value_double),
    trace_id_hex String ALIAS lower(hex(trace_id)),
    span_id_hex String ALIAS lower(hex(span_id))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(point_time)
ORDER BY (series_id, point_time, time, trace_id, span_id, value_int, value_double)
SETTINGS non_replicated_deduplication_window = 1000, merge_max_block_size = 65536,
    vertical_merge_algorithm_min_columns_to_activate = 1, vertical_merge_algorithm_min_rows_to_activate = 1;
