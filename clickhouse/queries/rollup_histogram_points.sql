-- Recompute {target} from raw histogram points between {from} and {to}, both on bucket borders.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, bounds_id, temporality, explicit_bounds, points, first_time, last_time,
    increase_count, increase_sum, increase_bucket_counts, first_count, first_sum, first_bucket_counts,
    last_count, last_sum, last_bucket_counts, min, max, ended
)
WITH
    arraySort(p -> p.1, groupArrayIf((at, point_count, point_sum, point_buckets), has_value)) AS rows,
    -- The last point before each reset: a drop in count means the next one counts from zero.
    arrayFilter((a, b) -> b.2 < a.2, arrayPopBack(rows), arrayPopFront(rows)) AS before_resets,
    temporality = 'delta' AS is_delta
SELECT
    series_id,
    bucket AS time,
    epoch,
    bounds_id,
    any(point_temporality) AS temporality,
    any(bounds) AS explicit_bounds,
    count() AS points,
    min(at) AS first_time,
    max(at) AS last_time,
    if(is_delta, sumIf(point_count, has_value),
        toUInt64(greatest(toInt64(rows[-1].2) - toInt64(rows[1].2) + arraySum(r -> toInt64(r.2), before_resets), 0))) AS increase_count,
    if(is_delta, sumIf(point_sum, has_value), rows[-1].3 - rows[1].3 + arraySum(r -> r.3, before_resets)) AS increase_sum,
    if(is_delta, sumForEachIf(point_buckets, has_value),
        arrayMap((l, f, i) -> toUInt64(greatest(toInt64(l) - toInt64(f) + arraySum(r -> toInt64(r.4[i]), before_resets), 0)),
            rows[-1].4, rows[1].4, arrayEnumerate(rows[-1].4))) AS increase_bucket_counts,
    if(is_delta, 0, rows[1].2) AS first_count,
    if(is_delta, 0, rows[1].3) AS first_sum,
    if(is_delta, [], rows[1].4) AS first_bucket_counts,
    if(is_delta, 0, rows[-1].2) AS last_count,
    if(is_delta, 0, rows[-1].3) AS last_sum,
    if(is_delta, [], rows[-1].4) AS last_bucket_counts,
    min(point_min) AS min,
    max(point_max) AS max,
    argMax(NOT has_value, at) AS ended
FROM
(
    SELECT
        series_id,
        time AS at,
        toDateTime(intDiv(toUnixTimestamp64Nano(time), 1000000000 * {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
        temporality AS point_temporality,
        if(temporality = 'cumulative', start_time, toDateTime64(0, 9, 'UTC')) AS epoch,
        explicit_bounds AS bounds,
        cityHash64(explicit_bounds, length(bucket_counts)) AS bounds_id,
        count AS point_count,
        ifNull(sum, 0) AS point_sum,
        bucket_counts AS point_buckets,
        min AS point_min,
        max AS point_max,
        bitAnd(flags, 1) = 0 AS has_value
    FROM histogram_points FINAL
    WHERE time >= {from:DateTime} AND time < {to:DateTime} /*series*/
)
GROUP BY series_id, bucket, epoch, bounds_id
