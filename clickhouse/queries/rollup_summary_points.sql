-- Recompute {target} from raw summary points between {from} and {to}, both on bucket borders. Summaries count since
-- their start time; their quantiles cannot be merged, the last ones are kept.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, points, first_time, last_time, increase_count, increase_sum, first_count,
    first_sum, last_count, last_sum, last_quantiles, last_quantile_values, ended
)
WITH
    arraySort(p -> p.1, groupArrayIf((at, point_count, point_sum, point_quantiles, point_values), has_value)) AS rows,
    arrayFilter((a, b) -> b.2 < a.2, arrayPopBack(rows), arrayPopFront(rows)) AS before_resets
SELECT
    series_id,
    bucket AS time,
    epoch,
    count() AS points,
    min(at) AS first_time,
    max(at) AS last_time,
    toUInt64(greatest(toInt64(rows[-1].2) - toInt64(rows[1].2) + arraySum(r -> toInt64(r.2), before_resets), 0)) AS increase_count,
    rows[-1].3 - rows[1].3 + arraySum(r -> r.3, before_resets) AS increase_sum,
    rows[1].2 AS first_count,
    rows[1].3 AS first_sum,
    rows[-1].2 AS last_count,
    rows[-1].3 AS last_sum,
    rows[-1].4 AS last_quantiles,
    rows[-1].5 AS last_quantile_values,
    argMax(NOT has_value, at) AS ended
FROM
(
    SELECT
        series_id,
        time AS at,
        toDateTime(intDiv(toUnixTimestamp64Nano(time), 1000000000 * {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
        start_time AS epoch,
        count AS point_count,
        sum AS point_sum,
        quantiles AS point_quantiles,
        quantile_values AS point_values,
        bitAnd(flags, 1) = 0 AS has_value
    FROM summary_points FINAL
    WHERE time >= {from:DateTime} AND time < {to:DateTime} /*series*/
)
GROUP BY series_id, bucket, epoch
