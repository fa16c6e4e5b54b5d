-- Points of metrics that feed KPIs and break their definition (docs/coverage.md, "Data that is not valid"): a row for each KPI
-- and reason. value: in the unit of the series; of a histogram its smallest or largest value; NULL where it is not about a
-- value. Kept for 90 days after they were written last.
CREATE TABLE flagged_points
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kpi LowCardinality(String),
    reason Enum8('type' = 1, 'unit' = 2, 'range' = 3) CODEC(ZSTD(1)),
    value Nullable(Float64) CODEC(ZSTD(1)),
    checked_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    written_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree(checked_at)
PARTITION BY toYYYYMM(time)
ORDER BY (series_id, time, start_time, kpi, reason)
TTL written_at + INTERVAL 90 DAY;

-- How many points of a minute were checked, and how many of them flagged, by whom. version: that of the mark in rollup_marks
-- after which it was checked; a minute whose mark has a later one is to be checked again. The sum over receivers is what the
-- minute has.
CREATE TABLE checked_minutes
(
    shape LowCardinality(String),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    receiver LowCardinality(String),
    version UInt64 CODEC(ZSTD(1)),
    points UInt64 CODEC(ZSTD(1)),
    flagged UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(time)
ORDER BY (shape, time, receiver);
