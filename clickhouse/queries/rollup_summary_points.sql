-- Recompute {target} from raw summary points between {from} and {to}, both on bucket borders. Summaries count since
-- their start time; their quantiles cannot be merged, the last ones are kept.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, ended, points, first_time, last_time, first_count, last_count, carried_count,
    has_sum, first_sum, last_sum, carried_sum, last_quantiles, last_quantile_values, resets, rolled_at
)
SELECT
    series_id, bucket, epoch, ended, points, first_at, at, first_count, count, carried_count,
    has_sum, first_sum, point_sum, carried_sum, quantiles, quantile_values, carried, now()
FROM
(
    SELECT
        series_id, bucket, epoch, ended, at, is_last, count, point_sum, quantiles, quantile_values,
        count() OVER so_far AS points,
        nth_value(at, 1) OVER so_far AS first_at,
        nth_value(count, 1) OVER so_far AS first_count,
        nth_value(point_sum, 1) OVER so_far AS first_sum,
        -- A drop in count or sum: the next point counts from zero.
        NOT is_last AND (next_count < count OR point_has_sum AND next_has_sum AND next_sum < point_sum) AS carries,
        countIf(carries) OVER so_far AS carried,
        sumIf(count, carries) OVER so_far AS carried_count,
        sumIf(point_sum, carries) OVER so_far AS carried_sum,
        min(point_has_sum) OVER so_far AS has_sum
    FROM
    (
        SELECT
            series_id,
            time AS at,
            toDateTime(intDiv(toUnixTimestamp64Nano(time), 1000000000 * {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
            start_time AS epoch,
            bitAnd(flags, 1) = 1 AS ended,
            count,
            isFinite(sum) AS point_has_sum,
            if(isFinite(sum), sum, 0) AS point_sum,
            quantiles,
            quantile_values,
            leadInFrame(count, 1, 0) OVER neighbours AS next_count,
            leadInFrame(point_has_sum, 1, false) OVER neighbours AS next_has_sum,
            leadInFrame(point_sum, 1, 0) OVER neighbours AS next_sum,
            leadInFrame(false, 1, true) OVER neighbours AS is_last
        FROM /*lost (SELECT * REPLACE (anyLastIf(start_time, start_time > toDateTime64(0, 9, 'UTC')) OVER (PARTITION BY series_id, toStartOfMinute(time) ORDER BY time, start_time) AS start_time) FROM lost*/summary_points FINAL
        WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')} /*series*/ /*lost ) lost*/
        WINDOW neighbours AS (PARTITION BY series_id, epoch, bucket, ended ORDER BY at ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
    )
    WINDOW so_far AS (PARTITION BY series_id, epoch, bucket, ended ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE is_last
/*kept AND (bucket >= {kept_since:DateTime('UTC')} OR (series_id, bucket, epoch, ended, points) NOT IN (
    SELECT series_id, time, epoch, ended, points FROM {target:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}
)) kept*/
