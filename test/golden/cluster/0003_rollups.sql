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
    first_value Float64 CODEC(ZSTD(1)),
    last_value Float64 CODEC(ZSTD(1)),
    increase Float64 CODEC(ZSTD(1)),
    ended Bool CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS number_1m ON CLUSTER `production` AS number_1m_local ENGINE = Distributed('production', 'plumbline', 'number_1m_local', series_id);

CREATE TABLE IF NOT EXISTS number_1h_local ON CLUSTER `production` AS number_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS number_1h ON CLUSTER `production` AS number_1h_local ENGINE = Distributed('production', 'plumbline', 'number_1h_local', series_id);

CREATE TABLE IF NOT EXISTS number_1d_local ON CLUSTER `production` AS number_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYear(time)
ORDER BY (series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS number_1d ON CLUSTER `production` AS number_1d_local ENGINE = Distributed('production', 'plumbline', 'number_1d_local', series_id);

CREATE TABLE IF NOT EXISTS histogram_1m_local ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    epoch DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    bounds_id UInt64 CODEC(ZSTD(1)),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2) CODEC(ZSTD(1)),
    explicit_bounds Array(Float64) CODEC(ZSTD(1)),
    points UInt64 CODEC(ZSTD(1)),
    first_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    last_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    increase_count UInt64 CODEC(ZSTD(1)),
    increase_sum Float64 CODEC(ZSTD(1)),
    increase_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    first_count UInt64 CODEC(ZSTD(1)),
    first_sum Float64 CODEC(ZSTD(1)),
    first_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    last_count UInt64 CODEC(ZSTD(1)),
    last_sum Float64 CODEC(ZSTD(1)),
    last_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    ended Bool CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch, bounds_id)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS histogram_1m ON CLUSTER `production` AS histogram_1m_local ENGINE = Distributed('production', 'plumbline', 'histogram_1m_local', series_id);

CREATE TABLE IF NOT EXISTS histogram_1h_local ON CLUSTER `production` AS histogram_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch, bounds_id)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS histogram_1h ON CLUSTER `production` AS histogram_1h_local ENGINE = Distributed('production', 'plumbline', 'histogram_1h_local', series_id);

CREATE TABLE IF NOT EXISTS histogram_1d_local ON CLUSTER `production` AS histogram_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYear(time)
ORDER BY (series_id, time, epoch, bounds_id)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS histogram_1d ON CLUSTER `production` AS histogram_1d_local ENGINE = Distributed('production', 'plumbline', 'histogram_1d_local', series_id);

CREATE TABLE IF NOT EXISTS exponential_histogram_1m_local ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    epoch DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    scale Int32 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2) CODEC(ZSTD(1)),
    points UInt64 CODEC(ZSTD(1)),
    first_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    last_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    increase_count UInt64 CODEC(ZSTD(1)),
    increase_sum Float64 CODEC(ZSTD(1)),
    increase_zero_count UInt64 CODEC(ZSTD(1)),
    increase_positive Map(Int32, UInt64) CODEC(ZSTD(1)),
    increase_negative Map(Int32, UInt64) CODEC(ZSTD(1)),
    first_count UInt64 CODEC(ZSTD(1)),
    first_sum Float64 CODEC(ZSTD(1)),
    first_zero_count UInt64 CODEC(ZSTD(1)),
    first_positive Map(Int32, UInt64) CODEC(ZSTD(1)),
    first_negative Map(Int32, UInt64) CODEC(ZSTD(1)),
    last_count UInt64 CODEC(ZSTD(1)),
    last_sum Float64 CODEC(ZSTD(1)),
    last_zero_count UInt64 CODEC(ZSTD(1)),
    last_positive Map(Int32, UInt64) CODEC(ZSTD(1)),
    last_negative Map(Int32, UInt64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    ended Bool CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch, scale, zero_threshold)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS exponential_histogram_1m ON CLUSTER `production` AS exponential_histogram_1m_local ENGINE = Distributed('production', 'plumbline', 'exponential_histogram_1m_local', series_id);

CREATE TABLE IF NOT EXISTS exponential_histogram_1h_local ON CLUSTER `production` AS exponential_histogram_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch, scale, zero_threshold)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS exponential_histogram_1h ON CLUSTER `production` AS exponential_histogram_1h_local ENGINE = Distributed('production', 'plumbline', 'exponential_histogram_1h_local', series_id);

CREATE TABLE IF NOT EXISTS exponential_histogram_1d_local ON CLUSTER `production` AS exponential_histogram_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYear(time)
ORDER BY (series_id, time, epoch, scale, zero_threshold)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS exponential_histogram_1d ON CLUSTER `production` AS exponential_histogram_1d_local ENGINE = Distributed('production', 'plumbline', 'exponential_histogram_1d_local', series_id);

CREATE TABLE IF NOT EXISTS summary_1m_local ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    epoch DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    points UInt64 CODEC(ZSTD(1)),
    first_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    last_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    increase_count UInt64 CODEC(ZSTD(1)),
    increase_sum Float64 CODEC(ZSTD(1)),
    first_count UInt64 CODEC(ZSTD(1)),
    first_sum Float64 CODEC(ZSTD(1)),
    last_count UInt64 CODEC(ZSTD(1)),
    last_sum Float64 CODEC(ZSTD(1)),
    last_quantiles Array(Float64) CODEC(ZSTD(1)),
    last_quantile_values Array(Float64) CODEC(ZSTD(1)),
    ended Bool CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS summary_1m ON CLUSTER `production` AS summary_1m_local ENGINE = Distributed('production', 'plumbline', 'summary_1m_local', series_id);

CREATE TABLE IF NOT EXISTS summary_1h_local ON CLUSTER `production` AS summary_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS summary_1h ON CLUSTER `production` AS summary_1h_local ENGINE = Distributed('production', 'plumbline', 'summary_1h_local', series_id);

CREATE TABLE IF NOT EXISTS summary_1d_local ON CLUSTER `production` AS summary_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYear(time)
ORDER BY (series_id, time, epoch)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS summary_1d ON CLUSTER `production` AS summary_1d_local ENGINE = Distributed('production', 'plumbline', 'summary_1d_local', series_id);

CREATE TABLE IF NOT EXISTS rollup_marks ON CLUSTER `production`
(
    shape LowCardinality(String),
    resolution_s UInt32,
    time DateTime('UTC'),
    receiver String,
    version UInt64,
    waits Bool,
    series Array(UInt64)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}', version)
ORDER BY (receiver, shape, resolution_s, time) SETTINGS replicated_deduplication_window = 0;
