-- Recompute {target} from raw number points between {from} and {to}, both on bucket borders.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, kind, points, count, sum, min, max, first_time, last_time, first_value,
    last_value, increase, ended
)
WITH
    -- Counters in time order; a drop is a reset and the new value counts from zero. Integers subtract as integers.
    arraySort(p -> p.1, groupArrayIf((at, value_int, value_double), has_value AND point_kind = 'cumulative_counter')) AS steps
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
    if(count > 0, minIf(at, has_value), min(at)) AS first_time,
    if(count > 0, maxIf(at, has_value), max(at)) AS last_time,
    argMinIf(number, at, has_value) AS first_value,
    argMaxIf(number, at, has_value) AS last_value,
    multiIf(
        kind IN ('delta_counter', 'delta_updown'), sum,
        kind = 'cumulative_updown', last_value - first_value,
        arraySum(arrayMap(
            (a, b) -> if(b.2 >= a.2 AND b.3 >= a.3, toFloat64(b.2 - a.2) + (b.3 - a.3), toFloat64(b.2) + b.3),
            arrayPopBack(steps), arrayPopFront(steps)))) AS increase,
    argMax(value_type = 'none', at) AS ended
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
        value_type != 'none' AND NOT isNaN(value_double) AS has_value
    FROM number_points FINAL
    WHERE time >= {from:DateTime} AND time < {to:DateTime} /*series*/
)
GROUP BY series_id, bucket, epoch
