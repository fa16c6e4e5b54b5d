-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, ended, points, first_time, last_time, first_count, last_count, carried_count,
    has_sum, first_sum, last_sum, carried_sum, last_quantiles, last_quantile_values, resets, rolled_at
)
SELECT
    series_id, bucket, epoch, ended, all_points, start_time, last_time, start_count, last_count, all_carried_count,
    every_sum, start_sum, last_sum, all_carried_sum, last_quantiles, last_quantile_values, all_resets, now()
FROM
(
    SELECT
        series_id, bucket, epoch, ended, last_time, is_last, last_count, last_sum, last_quantiles, last_quantile_values,
        sum(points) OVER so_far AS all_points,
        nth_value(first_time, 1) OVER so_far AS start_time,
        nth_value(first_count, 1) OVER so_far AS start_count,
        nth_value(first_sum, 1) OVER so_far AS start_sum,
        -- A drop in count or sum from one row to the next: the next one counts from zero.
        NOT is_last AND (next_count < last_count OR has_sum AND next_has_sum AND next_sum < last_sum) AS drops,
        sum(resets + drops) OVER so_far AS all_resets,
        sum(carried_count + if(drops, last_count, 0)) OVER so_far AS all_carried_count,
        sum(carried_sum + if(drops, last_sum, 0)) OVER so_far AS all_carried_sum,
        min(has_sum) OVER so_far AS every_sum
    FROM
    (
        SELECT
            *,
            toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
            leadInFrame(first_count, 1, 0) OVER neighbours AS next_count,
            leadInFrame(has_sum, 1, false) OVER neighbours AS next_has_sum,
            leadInFrame(first_sum, 1, 0) OVER neighbours AS next_sum,
            leadInFrame(false, 1, true) OVER neighbours AS is_last
        FROM /*lost (SELECT * REPLACE (anyLastIf(epoch, epoch > toDateTime64(0, 9, 'UTC')) OVER (PARTITION BY series_id, intDiv(toUnixTimestamp(time), {step_s:UInt32}) ORDER BY first_time, epoch) AS epoch) FROM lost*/{source:Identifier} FINAL
        WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/ /*lost ) lost*/
        WINDOW neighbours AS (PARTITION BY series_id, epoch, bucket, ended ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
    )
    WINDOW so_far AS (PARTITION BY series_id, epoch, bucket, ended ORDER BY first_time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE is_last
/*kept AND (bucket >= {kept_since:DateTime('UTC')} OR (series_id, bucket, epoch, ended, all_points) NOT IN (
    SELECT series_id, time, epoch, ended, points FROM {target:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}
)) kept*/
