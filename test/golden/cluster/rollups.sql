-- Recompute {target} from raw number points between {from} and {to}, both on bucket borders.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, kind, points, count, sum, min, max, first_time, last_time, first_int, first_double,
    last_int, last_double, increase, resets, ended_time, rolled_at
)
SELECT * FROM cluster('production', view(
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
    FROM `plumbline`.`number_points_local` FINAL
    WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')}  
)
GROUP BY series_id, bucket, epoch


));

-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, kind, points, count, sum, min, max, first_time, last_time, first_int, first_double,
    last_int, last_double, increase, resets, ended_time, rolled_at
)
SELECT * FROM cluster('production', view(
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
    FROM `plumbline`.`number_1m_local` FINAL
    WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}  
)
GROUP BY series_id, bucket, epoch


));

-- When each resource (process) was first seen, from the rows of {source} between {from} and {to}. Of series that are not known
-- yet: run before rollup_activity.sql.
INSERT INTO resource_activity_states (resource_id, first_time)
SELECT * FROM cluster('production', view(
SELECT s.resource_id, min(r.first_time)
FROM
(
    SELECT series_id, min(first_time) AS first_time
    FROM `plumbline`.`number_1m_local` FINAL
    WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} 
        AND series_id NOT IN (SELECT series_id FROM `plumbline`.`series_activity_states_local` WHERE first_time <= {from:DateTime64(9, 'UTC')})
    GROUP BY series_id
) AS r
INNER JOIN
(
    SELECT series_id, resource_id FROM `plumbline`.`series`
    UNION ALL
    SELECT f.series_id AS series_id, o.resource_id AS resource_id
    FROM `plumbline`.`folded_series` AS f INNER JOIN `plumbline`.`series` AS o ON o.series_id = f.overflow_series_id
) AS s ON s.series_id = r.series_id
GROUP BY s.resource_id

));
