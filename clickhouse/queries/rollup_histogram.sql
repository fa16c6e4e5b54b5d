-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target. The
-- same as from raw points, which are rows whose first and last are one.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, bounds_id, temporality, explicit_bounds, points, first_time, last_time,
    first_count, last_count, carried_count, has_sum, first_sum, last_sum, carried_sum,
    first_bucket_counts, last_bucket_counts, carried_bucket_counts, min, max, resets, ended, rolled_at
)
SELECT
    series_id, bucket, epoch, bounds_id, temporality, bounds, all_points, start_time, last_time,
    start_count, last_count, all_carried_count, every_sum, start_sum, last_sum, all_carried_sum,
    start_buckets, buckets[2],
    if(empty(dropped_buckets), inside_buckets,
        arrayMap((inside, dropped) -> inside + dropped, arrayResize(inside_buckets, length(dropped_buckets)), dropped_buckets)),
    if(isFinite(lowest), lowest, NULL), if(isFinite(highest), highest, NULL), all_resets, ended, now()
FROM
(
    SELECT
        series_id, bucket, epoch, bounds_id, temporality, bounds, buckets, last_time, last_count, last_sum, is_last, ended,
        sum(points) OVER so_far AS all_points,
        nth_value(first_time, 1) OVER so_far AS start_time,
        nth_value(first_count, 1) OVER so_far AS start_count,
        nth_value(first_sum, 1) OVER so_far AS start_sum,
        nth_value(buckets[1], 1) OVER so_far AS start_buckets,
        sum(resets + drops) OVER so_far AS all_resets,
        sum(carried_count + if(drops, last_count, 0)) OVER so_far AS all_carried_count,
        sum(carried_sum + if(drops, last_sum, 0)) OVER so_far AS all_carried_sum,
        sumForEach(buckets[3]) OVER so_far AS inside_buckets,
        sumForEachIf(buckets[2], drops) OVER so_far AS dropped_buckets,
        min(has_sum) OVER so_far AS every_sum,
        min(row_min) OVER so_far AS lowest,
        max(row_max) OVER so_far AS highest
    FROM
    (
        SELECT
            *,
            next_layout = layout OR is_last AS has_next_bounds,
            if(has_next_bounds, [], arrayFilter(b -> has(next_bounds, b), explicit_bounds)) AS shared_bounds,
            if(has_next_bounds, last_bucket_counts, arrayMap(totals -> arrayMap((a, b) -> toUInt64(a - b), totals, arrayPopBack(arrayPushFront(totals, 0))),
                [arrayFilter((c, keep) -> keep, arrayCumSum(arrayResize(last_bucket_counts, length(explicit_bounds) + 1)), arrayPushBack(arrayMap(b -> has(shared_bounds, b), explicit_bounds), true))])[1]) AS shared_buckets,
            if(has_next_bounds, arrayResize(next_buckets, length(last_bucket_counts)), arrayMap(totals -> arrayMap((a, b) -> toUInt64(a - b), totals, arrayPopBack(arrayPushFront(totals, 0))),
                [arrayFilter((c, keep) -> keep, arrayCumSum(arrayResize(next_buckets, length(next_bounds) + 1)), arrayPushBack(arrayMap(b -> has(shared_bounds, b), next_bounds), true))])[1]) AS next_shared_buckets,
            NOT is_last AND temporality = 'cumulative' AND (next_count < last_count OR /*falls*/) AS drops,
            groupUniqArrayIf(explicit_bounds, is_other_layout) OVER
                (PARTITION BY series_id, epoch, bucket, bounds_id ORDER BY first_time ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS layouts,
            -- Bounds that changed inside the bucket are cut down to those that all rows share, their counts added up.
            if(empty(layouts), explicit_bounds, arrayFilter(b -> arrayAll(l -> has(l, b), layouts), explicit_bounds)) AS bounds,
            arrayPushBack(arrayMap(b -> has(bounds, b), explicit_bounds), true) AS keeps,
            [first_bucket_counts, last_bucket_counts, carried_bucket_counts] AS own_buckets,
            arrayMap(counts -> arrayFilter((c, keep) -> keep, arrayCumSum(arrayResize(counts, length(keeps))), keeps), own_buckets) AS up_to_bound,
            if(empty(layouts), own_buckets,
                arrayMap(sums -> arrayMap((a, b) -> toUInt64(a - b), sums, arrayPopBack(arrayPushFront(sums, 0))), up_to_bound)) AS buckets
        FROM
        (
            SELECT
                *,
                toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
                last_count + carried_count = 0 AS is_void,
                multiIf(is_void, inf, min IS NULL, -inf, assumeNotNull(min)) AS row_min,
                multiIf(is_void, -inf, max IS NULL, inf, assumeNotNull(max)) AS row_max,
                cityHash64(explicit_bounds) AS layout,
                leadInFrame(first_count, 1, 0) OVER neighbours AS next_count,
                leadInFrame(first_bucket_counts) OVER neighbours AS next_buckets,
                leadInFrame(explicit_bounds) OVER neighbours AS next_bounds,
                leadInFrame(layout, 1, layout) OVER neighbours AS next_layout,
                leadInFrame(false, 1, true) OVER neighbours AS is_last,
                lagInFrame(layout, 1, layout) OVER neighbours != layout OR next_layout != layout AS is_other_layout
            FROM /*lost (SELECT * REPLACE (anyLastIf(epoch, epoch > toDateTime64(0, 9, 'UTC')) OVER (PARTITION BY series_id, intDiv(toUnixTimestamp(time), {step_s:UInt32}) ORDER BY first_time, epoch) AS epoch) FROM lost*/{source:Identifier} FINAL
            WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/ /*lost ) lost*/
            WINDOW neighbours AS (PARTITION BY series_id, epoch, bucket, bounds_id ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
        )
    )
    WINDOW so_far AS (PARTITION BY series_id, epoch, bucket, bounds_id ORDER BY first_time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE is_last
/*kept AND (bucket >= {kept_since:DateTime('UTC')} OR (series_id, bucket, epoch, bounds_id, all_points) NOT IN (
    SELECT series_id, time, epoch, bounds_id, points FROM {target:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}
)) kept*/
