-- Rollups of histograms, exponential histograms and summaries. Rows of a cumulative chain (series_id, epoch) hold what its
-- first and its last point said since their start, so that the step between two neighbours is known whatever their
-- resolution; carried: what resets between first and last wiped out, and of deltas all of it.
-- Increase within a row = last - first + carried; unsigned counts subtract modulo 2^64, so any order of adding is exact.
-- has_sum: every point had one. min, max: of deltas those of the bucket, of cumulative points bounds since their start;
-- unset where any point with a count had none. Points without a recorded value are rows of their own (ended).
DROP TABLE IF EXISTS histogram_1m SETTINGS max_table_size_to_drop = 0;
DROP TABLE IF EXISTS histogram_1h SETTINGS max_table_size_to_drop = 0;
DROP TABLE IF EXISTS histogram_1d SETTINGS max_table_size_to_drop = 0;
DROP TABLE IF EXISTS exponential_histogram_1m SETTINGS max_table_size_to_drop = 0;
DROP TABLE IF EXISTS exponential_histogram_1h SETTINGS max_table_size_to_drop = 0;
DROP TABLE IF EXISTS exponential_histogram_1d SETTINGS max_table_size_to_drop = 0;
DROP TABLE IF EXISTS summary_1m SETTINGS max_table_size_to_drop = 0;
DROP TABLE IF EXISTS summary_1h SETTINGS max_table_size_to_drop = 0;
DROP TABLE IF EXISTS summary_1d SETTINGS max_table_size_to_drop = 0;

-- bounds_id: 0 = a cumulative chain, its bounds cut down to those that all of its points in the bucket share;
-- 1 = points without a recorded value; else deltas, each layout of bounds apart. A histogram without buckets is one
-- bucket from -inf to +inf.
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
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, epoch, bounds_id)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE histogram_1h AS histogram_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (toDate(time), series_id)
ORDER BY (toDate(time), series_id, time, epoch, bounds_id)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

-- Without a primary key of its own it would have that of the table that it is made AS.
CREATE TABLE histogram_1d AS histogram_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYear(time)
PRIMARY KEY (series_id, time)
ORDER BY (series_id, time, epoch, bounds_id)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

-- All points of a row are brought to its smallest scale and largest zero threshold: halving a scale joins neighbouring
-- buckets and is exact. Element k (from 1) of the arrays of a row is bucket offset + k - 1.
CREATE TABLE exponential_histogram_1m
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
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, epoch, ended)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE exponential_histogram_1h AS exponential_histogram_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (toDate(time), series_id)
ORDER BY (toDate(time), series_id, time, epoch, ended)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE exponential_histogram_1d AS exponential_histogram_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYear(time)
PRIMARY KEY (series_id, time)
ORDER BY (series_id, time, epoch, ended)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

-- Summaries count since their start; their quantiles cannot be merged, the last ones are kept.
CREATE TABLE summary_1m
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
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, epoch, ended)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE summary_1h AS summary_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (toDate(time), series_id)
ORDER BY (toDate(time), series_id, time, epoch, ended)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE summary_1d AS summary_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYear(time)
PRIMARY KEY (series_id, time)
ORDER BY (series_id, time, epoch, ended)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

-- Every minute that has points waits to be recomputed. Whoever starts next takes the marks of this version over.
INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT DISTINCT 'histogram', 60, toStartOfMinute(time), 'migration', 1, true, [] FROM histogram_points;

INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT DISTINCT 'exponential_histogram', 60, toStartOfMinute(time), 'migration', 1, true, [] FROM exponential_histogram_points;

INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT DISTINCT 'summary', 60, toStartOfMinute(time), 'migration', 1, true, [] FROM summary_points;
