-- Recompute {target} from raw number points between {from} and {to}, both on bucket borders.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, kind, points, count, sum, min, max, first_time, last_time, first_int, first_double,
    last_int, last_double, increase, resets, ended_time, rolled_at
)
WITH
    -- Counters in time order. Integers subtract as integers; one that turned into a double subtracts all the same.
    -- Three plain arrays: gathering tuples costs several times as much.
    groupArrayIf(at_ns, is_step) AS times,
    arraySort((value, t) -> t, groupArrayIf(value_int, is_step), times) AS ints,
    arraySort((value, t) -> t, groupArrayIf(value_double, is_step), times) AS doubles,
    arrayMap((int_from, int_to, from, to) -> toFloat64(int_to - int_from) + (to - from),
        arrayPopBack(ints), arrayPopFront(ints), arrayPopBack(doubles), arrayPopFront(doubles)) AS steps
SELECT
    series_id,
    bucket AS time,
    epoch,
    any(point_kind) AS kind,
    count() AS points,
    countIf(has_value) AS count,
    sumIf(number, has_value) AS sum,
    minIf(number, has_value) AS min,
    maxIf(number, has_value) AS max,
    if(count > 0, minIf(at, has_value), toDateTime64(bucket, 9, 'UTC')) AS first_time,
    if(count > 0, maxIf(at, has_value), toDateTime64(bucket, 9, 'UTC')) AS last_time,
    argMinIf(value_int, at, has_value) AS first_int,
    argMinIf(value_double, at, has_value) AS first_double,
    argMaxIf(value_int, at, has_value) AS last_int,
    argMaxIf(value_double, at, has_value) AS last_double,
    multiIf(
        kind IN ('cumulative_counter', 'machine_counter'), arraySum((step, int, double) -> if(step >= 0, step, greatest(toFloat64(int) + double, 0)), steps, arrayPopFront(ints), arrayPopFront(doubles)),
        kind = 'cumulative_updown', toFloat64(last_int - first_int) + (last_double - first_double),
        kind = 'delta_counter', sumIf(number, has_value AND number > 0),
        kind = 'delta_updown', sum,
        0) AS increase,
    arrayCount(step -> step < 0, steps) AS resets,
    maxIf(at, value_type = 'none') AS ended_time,
    now() AS rolled_at
FROM
(
    SELECT
        series_id,
        time AS at,
        toDateTime(intDiv(toUnixTimestamp64Nano(time), 1000000000 * {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
        kind AS point_kind,
        if(kind IN ('cumulative_counter', 'cumulative_updown'), start_time, toDateTime64(0, 9, 'UTC')) AS epoch,
        value_type,
        value_int,
        value_double,
        toFloat64(value_int) + value_double AS number,
        toUnixTimestamp64Nano(time) AS at_ns,
        value_type != 'none' AND isFinite(value_double) AS has_value,
        has_value AND kind IN ('cumulative_counter', 'machine_counter') AS is_step
    FROM /*lost (SELECT * REPLACE (anyLastIf(start_time, start_time > toDateTime64(0, 9, 'UTC')) OVER (PARTITION BY series_id, toStartOfMinute(time) ORDER BY time, start_time) AS start_time) FROM lost*/number_points FINAL
    WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')} /*series*/ /*lost ) lost*/
)
GROUP BY series_id, bucket, epoch
/*kept HAVING (bucket >= {kept_since:DateTime('UTC')} OR (series_id, bucket, epoch, points) NOT IN (
    SELECT series_id, time, epoch, points FROM {target:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}
)) kept*/
