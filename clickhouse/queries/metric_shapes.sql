-- Types that the metrics named in {metrics} have, and whether any of their series was folded.
SELECT
    groupUniqArray(toString(metric_type)) AS types,
    (SELECT count() FROM folded_series WHERE overflow_series_id IN (SELECT series_id FROM series WHERE metric_name IN {metrics:Array(String)})) > 0 AS has_folded
FROM series
WHERE metric_name IN {metrics:Array(String)}
