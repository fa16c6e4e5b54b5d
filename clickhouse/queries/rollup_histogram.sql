-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, bounds_id, temporality, explicit_bounds, points, first_time, last_time,
    increase_count, increase_sum, increase_bucket_counts, first_count, first_sum, first_bucket_counts,
    last_count, last_sum, last_bucket_counts, min, max, ended
)
WITH
    arraySort(r -> r.1, groupArray((row_first_time, fc, fs, fb, lc, ls, lb))) AS rows,
    -- Steps between neighbouring rows: last of the one to first of the next or from zero after a reset.
    -- Rows of deltas have no first and last, so their steps are 0.
    arrayMap((a, b) -> if(b.2 >= a.5,
        (toUInt64(b.2 - a.5), b.3 - a.6, arrayMap((x, y) -> toUInt64(greatest(toInt64(x) - toInt64(y), 0)), b.4, a.7)),
        (b.2, b.3, b.4)), arrayPopBack(rows), arrayPopFront(rows)) AS steps
SELECT
    series_id,
    bucket AS time,
    epoch,
    bounds_id,
    any(row_temporality) AS temporality,
    any(bounds) AS explicit_bounds,
    sum(row_points) AS points,
    min(row_first_time) AS first_time,
    max(row_last_time) AS last_time,
    sum(row_increase_count) + arraySum(s -> s.1, steps) AS increase_count,
    sum(row_increase_sum) + arraySum(s -> s.2, steps) AS increase_sum,
    arrayMap((n, i) -> n + arraySum(s -> s.3[i], steps), sumForEach(row_increase_buckets) AS increases, arrayEnumerate(increases)) AS increase_bucket_counts,
    rows[1].2 AS first_count,
    rows[1].3 AS first_sum,
    rows[1].4 AS first_bucket_counts,
    rows[-1].5 AS last_count,
    rows[-1].6 AS last_sum,
    rows[-1].7 AS last_bucket_counts,
    min(row_min) AS min,
    max(row_max) AS max,
    argMax(row_ended, row_last_time) AS ended
FROM
(
    SELECT
        series_id,
        toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
        epoch, bounds_id, temporality AS row_temporality, explicit_bounds AS bounds, points AS row_points,
        first_time AS row_first_time, last_time AS row_last_time, increase_count AS row_increase_count,
        increase_sum AS row_increase_sum, increase_bucket_counts AS row_increase_buckets,
        first_count AS fc, first_sum AS fs, first_bucket_counts AS fb,
        last_count AS lc, last_sum AS ls, last_bucket_counts AS lb,
        min AS row_min, max AS row_max, ended AS row_ended
    FROM {source:Identifier} FINAL
    WHERE time >= {from:DateTime} AND time < {to:DateTime} /*series*/
)
GROUP BY series_id, bucket, epoch, bounds_id
