-- Types of the series of each metric named in {metrics}, and whether any of them has folded ones. A metric without series has no row.
SELECT
    metric_name,
    groupUniqArray(toString(metric_type)) AS types,
    max(series_id IN (SELECT overflow_series_id FROM folded_series)) AS has_folded
FROM series
WHERE metric_name IN {metrics:Array(String)}
GROUP BY metric_name
