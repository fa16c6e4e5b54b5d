-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, kind, points, count, sum, min, max, first_time, last_time, first_value,
    last_value, increase, ended
)
WITH
    arraySort(r -> r.1, groupArrayIf((row_first_time, row_first_value, row_last_value), row_count > 0 AND row_kind = 'cumulative_counter')) AS rows
SELECT
    series_id,
    bucket AS time,
    epoch,
    any(row_kind) AS kind,
    sum(row_points) AS points,
    sum(row_count) AS count,
    sum(row_sum) AS sum,
    minIf(row_min, row_count > 0) AS min,
    maxIf(row_max, row_count > 0) AS max,
    if(count > 0, minIf(row_first_time, row_count > 0), min(row_first_time)) AS first_time,
    if(count > 0, maxIf(row_last_time, row_count > 0), max(row_last_time)) AS last_time,
    argMinIf(row_first_value, row_first_time, row_count > 0) AS first_value,
    argMaxIf(row_last_value, row_last_time, row_count > 0) AS last_value,
    multiIf(
        kind IN ('delta_counter', 'delta_updown'), sum,
        kind = 'cumulative_updown', last_value - first_value,
        sum(row_increase) + arraySum(arrayMap(
            (a, b) -> if(b.2 >= a.3, b.2 - a.3, b.2), arrayPopBack(rows), arrayPopFront(rows)))) AS increase,
    argMax(row_ended, row_last_time) AS ended
FROM
(
    SELECT
        series_id,
        toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
        epoch,
        kind AS row_kind, points AS row_points, count AS row_count, sum AS row_sum, min AS row_min, max AS row_max,
        first_time AS row_first_time, last_time AS row_last_time, first_value AS row_first_value,
        last_value AS row_last_value, increase AS row_increase, ended AS row_ended
    FROM {source:Identifier} FINAL
    WHERE time >= {from:DateTime} AND time < {to:DateTime} /*series*/
)
GROUP BY series_id, bucket, epoch
