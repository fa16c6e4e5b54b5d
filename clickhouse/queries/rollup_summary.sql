-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, points, first_time, last_time, increase_count, increase_sum, first_count,
    first_sum, last_count, last_sum, last_quantiles, last_quantile_values, ended
)
WITH
    arraySort(r -> r.1, groupArray((row_first_time, fc, fs, lc, ls))) AS rows,
    arrayMap((a, b) -> if(b.2 >= a.4, (toUInt64(b.2 - a.4), b.3 - a.5), (b.2, b.3)), arrayPopBack(rows), arrayPopFront(rows)) AS steps
SELECT
    series_id,
    bucket AS time,
    epoch,
    sum(row_points) AS points,
    min(row_first_time) AS first_time,
    max(row_last_time) AS last_time,
    sum(ic) + arraySum(s -> s.1, steps) AS increase_count,
    sum(isum) + arraySum(s -> s.2, steps) AS increase_sum,
    rows[1].2 AS first_count,
    rows[1].3 AS first_sum,
    rows[-1].4 AS last_count,
    rows[-1].5 AS last_sum,
    argMax(lq, row_last_time) AS last_quantiles,
    argMax(lv, row_last_time) AS last_quantile_values,
    argMax(row_ended, row_last_time) AS ended
FROM
(
    SELECT
        series_id,
        toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
        epoch, points AS row_points, first_time AS row_first_time, last_time AS row_last_time,
        increase_count AS ic, increase_sum AS isum, first_count AS fc, first_sum AS fs, last_count AS lc, last_sum AS ls,
        last_quantiles AS lq, last_quantile_values AS lv, ended AS row_ended
    FROM {source:Identifier} FINAL
    WHERE time >= {from:DateTime} AND time < {to:DateTime} /*series*/
)
GROUP BY series_id, bucket, epoch
