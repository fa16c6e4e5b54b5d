DROP TABLE IF EXISTS histogram_1m ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS histogram_1m_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS histogram_1h ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS histogram_1h_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS histogram_1d ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS histogram_1d_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS exponential_histogram_1m ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS exponential_histogram_1m_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS exponential_histogram_1h ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS exponential_histogram_1h_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS exponential_histogram_1d ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS exponential_histogram_1d_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS summary_1m ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS summary_1m_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS summary_1h ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS summary_1h_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS summary_1d ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

DROP TABLE IF EXISTS summary_1d_local ON CLUSTER `production` SYNC SETTINGS max_table_size_to_drop = 0;

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
    first_count UInt64 CODEC(ZSTD(1)),
    last_count UInt64 CODEC(ZSTD(1)),
    carried_count UInt64 CODEC(ZSTD(1)),
    has_sum Bool CODEC(ZSTD(1)),
    first_sum Float64 CODEC(ZSTD(1)),
    last_sum Float64 CODEC(ZSTD(1)),
    carried_sum Float64 CODEC(ZSTD(1)),
    first_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    last_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    carried_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    resets UInt64 CODEC(ZSTD(1)),
    ended Bool CODEC(ZSTD(1)),
    increase_count UInt64 ALIAS toUInt64(last_count - first_count + carried_count),
    increase_sum Nullable(Float64) ALIAS if(has_sum, last_sum - first_sum + carried_sum, NULL),
    increase_bucket_counts Array(UInt64) ALIAS if(temporality = 'cumulative',
        arrayMap((l, f, c) -> toUInt64(l - f + c), last_bucket_counts, arrayResize(first_bucket_counts, length(last_bucket_counts)),
            arrayResize(carried_bucket_counts, length(last_bucket_counts))), carried_bucket_counts)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, epoch, bounds_id)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS histogram_1m ON CLUSTER `production` AS histogram_1m_local ENGINE = Distributed('production', 'plumbline', 'histogram_1m_local', series_id);

CREATE TABLE IF NOT EXISTS histogram_1h_local ON CLUSTER `production` AS histogram_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (toDate(time), series_id)
ORDER BY (toDate(time), series_id, time, epoch, bounds_id)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS histogram_1h ON CLUSTER `production` AS histogram_1h_local ENGINE = Distributed('production', 'plumbline', 'histogram_1h_local', series_id);

CREATE TABLE IF NOT EXISTS histogram_1d_local ON CLUSTER `production` AS histogram_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYear(time)
PRIMARY KEY (series_id, time)
ORDER BY (series_id, time, epoch, bounds_id)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS histogram_1d ON CLUSTER `production` AS histogram_1d_local ENGINE = Distributed('production', 'plumbline', 'histogram_1d_local', series_id);

CREATE TABLE IF NOT EXISTS exponential_histogram_1m_local ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    epoch DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    ended Bool CODEC(ZSTD(1)),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2) CODEC(ZSTD(1)),
    points UInt64 CODEC(ZSTD(1)),
    first_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    last_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    first_count UInt64 CODEC(ZSTD(1)),
    last_count UInt64 CODEC(ZSTD(1)),
    carried_count UInt64 CODEC(ZSTD(1)),
    has_sum Bool CODEC(ZSTD(1)),
    first_sum Float64 CODEC(ZSTD(1)),
    last_sum Float64 CODEC(ZSTD(1)),
    carried_sum Float64 CODEC(ZSTD(1)),
    scale Int32 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    first_zero_count UInt64 CODEC(ZSTD(1)),
    last_zero_count UInt64 CODEC(ZSTD(1)),
    carried_zero_count UInt64 CODEC(ZSTD(1)),
    positive_offset Int32 CODEC(ZSTD(1)),
    first_positive_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    last_positive_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    carried_positive_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    negative_offset Int32 CODEC(ZSTD(1)),
    first_negative_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    last_negative_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    carried_negative_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    resets UInt64 CODEC(ZSTD(1)),
    increase_count UInt64 ALIAS toUInt64(last_count - first_count + carried_count),
    increase_sum Nullable(Float64) ALIAS if(has_sum, last_sum - first_sum + carried_sum, NULL),
    increase_zero_count UInt64 ALIAS toUInt64(last_zero_count - first_zero_count + carried_zero_count),
    increase_positive_bucket_counts Array(UInt64) ALIAS if(temporality = 'cumulative',
        arrayMap((l, f, c) -> toUInt64(l - f + c), last_positive_bucket_counts,
            arrayResize(first_positive_bucket_counts, length(last_positive_bucket_counts)),
            arrayResize(carried_positive_bucket_counts, length(last_positive_bucket_counts))), carried_positive_bucket_counts),
    increase_negative_bucket_counts Array(UInt64) ALIAS if(temporality = 'cumulative',
        arrayMap((l, f, c) -> toUInt64(l - f + c), last_negative_bucket_counts,
            arrayResize(first_negative_bucket_counts, length(last_negative_bucket_counts)),
            arrayResize(carried_negative_bucket_counts, length(last_negative_bucket_counts))), carried_negative_bucket_counts)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, epoch, ended)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS exponential_histogram_1m ON CLUSTER `production` AS exponential_histogram_1m_local ENGINE = Distributed('production', 'plumbline', 'exponential_histogram_1m_local', series_id);

CREATE TABLE IF NOT EXISTS exponential_histogram_1h_local ON CLUSTER `production` AS exponential_histogram_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (toDate(time), series_id)
ORDER BY (toDate(time), series_id, time, epoch, ended)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS exponential_histogram_1h ON CLUSTER `production` AS exponential_histogram_1h_local ENGINE = Distributed('production', 'plumbline', 'exponential_histogram_1h_local', series_id);

CREATE TABLE IF NOT EXISTS exponential_histogram_1d_local ON CLUSTER `production` AS exponential_histogram_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYear(time)
PRIMARY KEY (series_id, time)
ORDER BY (series_id, time, epoch, ended)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS exponential_histogram_1d ON CLUSTER `production` AS exponential_histogram_1d_local ENGINE = Distributed('production', 'plumbline', 'exponential_histogram_1d_local', series_id);

CREATE TABLE IF NOT EXISTS summary_1m_local ON CLUSTER `production`
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    epoch DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    ended Bool CODEC(ZSTD(1)),
    points UInt64 CODEC(ZSTD(1)),
    first_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    last_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    first_count UInt64 CODEC(ZSTD(1)),
    last_count UInt64 CODEC(ZSTD(1)),
    carried_count UInt64 CODEC(ZSTD(1)),
    has_sum Bool CODEC(ZSTD(1)),
    first_sum Float64 CODEC(ZSTD(1)),
    last_sum Float64 CODEC(ZSTD(1)),
    carried_sum Float64 CODEC(ZSTD(1)),
    last_quantiles Array(Float64) CODEC(ZSTD(1)),
    last_quantile_values Array(Float64) CODEC(ZSTD(1)),
    resets UInt64 CODEC(ZSTD(1)),
    increase_count UInt64 ALIAS toUInt64(last_count - first_count + carried_count),
    increase_sum Nullable(Float64) ALIAS if(has_sum, last_sum - first_sum + carried_sum, NULL)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, epoch, ended)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS summary_1m ON CLUSTER `production` AS summary_1m_local ENGINE = Distributed('production', 'plumbline', 'summary_1m_local', series_id);

CREATE TABLE IF NOT EXISTS summary_1h_local ON CLUSTER `production` AS summary_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (toDate(time), series_id)
ORDER BY (toDate(time), series_id, time, epoch, ended)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS summary_1h ON CLUSTER `production` AS summary_1h_local ENGINE = Distributed('production', 'plumbline', 'summary_1h_local', series_id);

CREATE TABLE IF NOT EXISTS summary_1d_local ON CLUSTER `production` AS summary_1m_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', points)
PARTITION BY toYear(time)
PRIMARY KEY (series_id, time)
ORDER BY (series_id, time, epoch, ended)
SETTINGS replicated_deduplication_window = 0, merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE IF NOT EXISTS summary_1d ON CLUSTER `production` AS summary_1d_local ENGINE = Distributed('production', 'plumbline', 'summary_1d_local', series_id);

INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT DISTINCT 'histogram', 60, toStartOfMinute(time), 'migration', 1, true, [] FROM histogram_points;

INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT DISTINCT 'exponential_histogram', 60, toStartOfMinute(time), 'migration', 1, true, [] FROM exponential_histogram_points;

INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT DISTINCT 'summary', 60, toStartOfMinute(time), 'migration', 1, true, [] FROM summary_points;
