-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, kind, points, count, sum, min, max, first_time, last_time, first_int, first_double,
    last_int, last_double, increase, resets, ended_time, rolled_at
)
WITH
    -- The steps between neighbouring rows: from the last point of the one to the first of the next.
    arraySort(r -> r.1, groupArrayIf((row_first_time, row_first_int, row_first_double, row_last_int, row_last_double),
        row_count > 0 AND row_kind IN ('cumulative_counter', 'machine_counter'))) AS rows,
    arrayMap((a, b) -> toFloat64(b.2 - a.4) + (b.3 - a.5), arrayPopBack(rows), arrayPopFront(rows)) AS steps
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
    argMinIf(row_first_int, row_first_time, row_count > 0) AS first_int,
    argMinIf(row_first_double, row_first_time, row_count > 0) AS first_double,
    argMaxIf(row_last_int, row_last_time, row_count > 0) AS last_int,
    argMaxIf(row_last_double, row_last_time, row_count > 0) AS last_double,
    if(kind = 'cumulative_updown',
        toFloat64(last_int - first_int) + (last_double - first_double),
        sum(row_increase) + arraySum((step, row) -> if(step >= 0, step, greatest(toFloat64(row.2) + row.3, 0)), steps, arrayPopFront(rows))) AS increase,
    sum(row_resets) + arrayCount(step -> step < 0, steps) AS resets,
    max(row_ended_time) AS ended_time,
    now() AS rolled_at
FROM
(
    SELECT
        series_id,
        toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
        epoch,
        kind AS row_kind, points AS row_points, count AS row_count, sum AS row_sum, min AS row_min, max AS row_max,
        first_time AS row_first_time, last_time AS row_last_time, first_int AS row_first_int,
        first_double AS row_first_double, last_int AS row_last_int, last_double AS row_last_double,
        increase AS row_increase, resets AS row_resets, ended_time AS row_ended_time
    FROM /*lost (SELECT * REPLACE (anyLastIf(epoch, epoch > toDateTime64(0, 9, 'UTC')) OVER (PARTITION BY series_id, intDiv(toUnixTimestamp(time), {step_s:UInt32}) ORDER BY first_time, epoch) AS epoch) FROM lost*/{source:Identifier} FINAL
    WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/ /*lost ) lost*/
)
GROUP BY series_id, bucket, epoch
/*kept HAVING (bucket >= {kept_since:DateTime('UTC')} OR (series_id, bucket, epoch, points) NOT IN (
    SELECT series_id, time, epoch, points FROM {target:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}
)) kept*/
