-- Recompute {target} from raw exponential histogram points between {from} and {to}, both on bucket borders. Buckets of
-- different scale or zero threshold stay in rows of their own; merging them is exact and left to the reader.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, scale, zero_threshold, temporality, points, first_time, last_time, increase_count,
    increase_sum, increase_zero_count, increase_positive, increase_negative, first_count, first_sum,
    first_zero_count, first_positive, first_negative, last_count, last_sum, last_zero_count, last_positive,
    last_negative, min, max, ended
)
WITH
    arraySort(p -> p.1, groupArrayIf((at, point_count, point_sum, zeros, positive, negative), has_value)) AS rows,
    -- The last point before each reset: a drop in count means the next one counts from zero.
    arrayFilter((a, b) -> b.2 < a.2, arrayPopBack(rows), arrayPopFront(rows)) AS before_resets,
    temporality = 'delta' AS is_delta
SELECT
    series_id,
    bucket AS time,
    epoch,
    point_scale AS scale,
    threshold AS zero_threshold,
    any(point_temporality) AS temporality,
    count() AS points,
    min(at) AS first_time,
    max(at) AS last_time,
    if(is_delta, sumIf(point_count, has_value),
        toUInt64(greatest(toInt64(rows[-1].2) - toInt64(rows[1].2) + arraySum(r -> toInt64(r.2), before_resets), 0))) AS increase_count,
    if(is_delta, sumIf(point_sum, has_value), rows[-1].3 - rows[1].3 + arraySum(r -> r.3, before_resets)) AS increase_sum,
    if(is_delta, sumIf(zeros, has_value),
        toUInt64(greatest(toInt64(rows[-1].4) - toInt64(rows[1].4) + arraySum(r -> toInt64(r.4), before_resets), 0))) AS increase_zero_count,
    if(is_delta, sumMapIf(positive, has_value), mapFilter((k, v) -> v > 0, mapApply((k, v) -> (k,
        toUInt64(greatest(toInt64(v) - toInt64(rows[1].5[k]) + arraySum(r -> toInt64(r.5[k]), before_resets), 0))), rows[-1].5))) AS increase_positive,
    if(is_delta, sumMapIf(negative, has_value), mapFilter((k, v) -> v > 0, mapApply((k, v) -> (k,
        toUInt64(greatest(toInt64(v) - toInt64(rows[1].6[k]) + arraySum(r -> toInt64(r.6[k]), before_resets), 0))), rows[-1].6))) AS increase_negative,
    if(is_delta, 0, rows[1].2) AS first_count,
    if(is_delta, 0, rows[1].3) AS first_sum,
    if(is_delta, 0, rows[1].4) AS first_zero_count,
    if(is_delta, CAST(map(), 'Map(Int32, UInt64)'), rows[1].5) AS first_positive,
    if(is_delta, CAST(map(), 'Map(Int32, UInt64)'), rows[1].6) AS first_negative,
    if(is_delta, 0, rows[-1].2) AS last_count,
    if(is_delta, 0, rows[-1].3) AS last_sum,
    if(is_delta, 0, rows[-1].4) AS last_zero_count,
    if(is_delta, CAST(map(), 'Map(Int32, UInt64)'), rows[-1].5) AS last_positive,
    if(is_delta, CAST(map(), 'Map(Int32, UInt64)'), rows[-1].6) AS last_negative,
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
        scale AS point_scale,
        zero_threshold AS threshold,
        count AS point_count,
        ifNull(sum, 0) AS point_sum,
        zero_count AS zeros,
        mapFromArrays(arrayMap((c, i) -> toInt32(positive_offset + i - 1), positive_bucket_counts, arrayEnumerate(positive_bucket_counts)), positive_bucket_counts) AS positive,
        mapFromArrays(arrayMap((c, i) -> toInt32(negative_offset + i - 1), negative_bucket_counts, arrayEnumerate(negative_bucket_counts)), negative_bucket_counts) AS negative,
        min AS point_min,
        max AS point_max,
        bitAnd(flags, 1) = 0 AS has_value
    FROM exponential_histogram_points FINAL
    WHERE time >= {from:DateTime} AND time < {to:DateTime} /*series*/
)
GROUP BY series_id, bucket, epoch, point_scale, threshold
