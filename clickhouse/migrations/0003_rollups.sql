-- Rollups. A row is recomputed from raw points (1m) or from the finer rollup (1h, 1d) whenever its bucket was touched,
-- and carries the number of distinct points it saw: of two rows of a bucket the one that saw more points wins. So
-- retries, duplicates, late points, restarts and several receivers all end in the same rows. Read them with FINAL.
-- epoch: start_time of cumulative streams (each start is a stream of its own), 0 for gauges and deltas.
-- increase: what was added between the first and the last point of the bucket, resets included; the step from the
-- bucket before is added by whoever joins buckets. For deltas it is the whole bucket.

CREATE TABLE number_1m
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
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE number_1h AS number_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE number_1d AS number_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYear(time)
ORDER BY (series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE histogram_1m
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
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch, bounds_id)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE histogram_1h AS histogram_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch, bounds_id)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE histogram_1d AS histogram_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYear(time)
ORDER BY (series_id, time, epoch, bounds_id)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE exponential_histogram_1m
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
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch, scale, zero_threshold)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE exponential_histogram_1h AS exponential_histogram_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch, scale, zero_threshold)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE exponential_histogram_1d AS exponential_histogram_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYear(time)
ORDER BY (series_id, time, epoch, scale, zero_threshold)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE summary_1m
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
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE summary_1h AS summary_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE summary_1d AS summary_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYear(time)
ORDER BY (series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

-- Buckets that were touched and not yet recomputed. The newest row of a key says whether it still waits. No series
-- named means every series of the bucket. Kept here, not in a receiver: any receiver can finish what another began.
CREATE TABLE rollup_marks
(
    shape LowCardinality(String),
    resolution_s UInt32,
    time DateTime('UTC'),
    receiver String,
    version UInt64,
    waits Bool,
    series Array(UInt64)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (receiver, shape, resolution_s, time);
