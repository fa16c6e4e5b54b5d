-- What increases of sums are computed from (the views are in src/store/views). Rows of number_1m/1h/1d chain: each keeps its first and
-- last point exactly (integers as integers), so that the step between two neighbours is known whatever their resolution.
DROP TABLE IF EXISTS number_1m;
DROP TABLE IF EXISTS number_1h;
DROP TABLE IF EXISTS number_1d;

-- first and last: of the points that have a finite value; of _int and _double one is 0, as in number_points. increase: between first and last, resets included; of deltas
-- the whole bucket. resets: drops in value between first and last. count: points with a value; points: all points. ended_time: of the last NO_RECORDED_VALUE, 0 where
-- there was none.
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
    first_int Int64 CODEC(ZSTD(1)),
    first_double Float64 CODEC(ZSTD(1)),
    last_int Int64 CODEC(ZSTD(1)),
    last_double Float64 CODEC(ZSTD(1)),
    first_value Float64 ALIAS toFloat64(first_int) + first_double,
    last_value Float64 ALIAS toFloat64(last_int) + last_double,
    increase Float64 CODEC(ZSTD(1)),
    resets UInt64 CODEC(ZSTD(1)),
    ended_time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMMDD(time)
PRIMARY KEY (toStartOfHour(time), series_id)
ORDER BY (toStartOfHour(time), series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

CREATE TABLE number_1h AS number_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (toDate(time), series_id)
ORDER BY (toDate(time), series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

-- Without a primary key of its own it would have that of the table that it is made AS.
CREATE TABLE number_1d AS number_1m
ENGINE = ReplacingMergeTree(points)
PARTITION BY toYear(time)
PRIMARY KEY (series_id, time)
ORDER BY (series_id, time, epoch)
SETTINGS merge_max_block_size = 65536, vertical_merge_algorithm_min_columns_to_activate = 1,
    vertical_merge_algorithm_min_rows_to_activate = 1;

-- Every minute that has points waits to be recomputed. Whoever starts next takes the marks of this version over.
INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT DISTINCT 'number', 60, toStartOfMinute(time), 'migration', 1, true, [] FROM number_points;

-- Which process a series belongs to, and since when that process has been heard of: a counter that started long before
-- its first point counts in full only where something else of its process had been seen before.
ALTER TABLE series ADD COLUMN IF NOT EXISTS resource_id UInt64
    MATERIALIZED cityHash64(mapKeys(resource_attributes), mapValues(resource_attributes), mapValues(resource_attribute_types));

CREATE TABLE resource_activity
(
    resource_id UInt64,
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY resource_id;
