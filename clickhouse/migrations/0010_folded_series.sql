-- Series beyond a budget (docs/decisions/0011-cardinality.md): their points keep the source's series_id, and here is the
-- overflow series of table `series` that describes them. Where an id has a row in `series` too, that one counts.
CREATE TABLE folded_series
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    overflow_series_id UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY series_id
SETTINGS non_replicated_deduplication_window = 1000;

-- The series of a metric: whose points they are, which row of `series` describes them, since when their process is known.
DROP VIEW IF EXISTS series_of_metric;

CREATE VIEW series_of_metric AS
SELECT series_id, shown_series_id, observed_since
FROM
(
    SELECT series_id, series_id AS shown_series_id, resource_id FROM series FINAL WHERE metric_name = {metric:String}
    UNION ALL
    SELECT f.series_id AS series_id, f.overflow_series_id AS shown_series_id, o.resource_id AS resource_id
    FROM (SELECT series_id, overflow_series_id FROM folded_series FINAL) AS f
    INNER JOIN (SELECT series_id, resource_id FROM series FINAL WHERE metric_name = {metric:String}) AS o ON o.series_id = f.overflow_series_id
    WHERE f.series_id NOT IN (SELECT series_id FROM series WHERE metric_name = {metric:String})
) AS s
LEFT JOIN
(
    SELECT resource_id, min(first_time) AS observed_since FROM resource_activity
    WHERE resource_id IN (SELECT resource_id FROM series WHERE metric_name = {metric:String})
    GROUP BY resource_id
) AS r USING (resource_id);
