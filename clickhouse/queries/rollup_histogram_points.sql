-- Recompute {target} from raw histogram points between {from} and {to}, both on bucket borders. A row is a window of
-- neighbouring points: sorting and looking at neighbours costs a third of what gathering their arrays in groups does.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, bounds_id, temporality, explicit_bounds, points, first_time, last_time,
    first_count, last_count, carried_count, has_sum, first_sum, last_sum, carried_sum,
    first_bucket_counts, last_bucket_counts, carried_bucket_counts, min, max, resets, ended, rolled_at
)
SELECT
    series_id, bucket, epoch, bounds_id, temporality, bounds, points, first_at, at,
    first_count, chain_count, carried_count, has_sum, first_sum, chain_sum, carried_sum,
    first_buckets, chain_buckets, carried_buckets,
    if(isFinite(lowest), lowest, NULL), if(isFinite(highest), highest, NULL), if(is_delta, 0, carried), bounds_id = 1, now()
FROM
(
    SELECT
        series_id, bucket, epoch, bounds_id, temporality, bounds, at, is_last, is_delta,
        -- Deltas have no first and last: all of them is carried.
        if(is_delta, 0, count) AS chain_count,
        if(is_delta, 0, point_sum) AS chain_sum,
        if(is_delta, [], buckets) AS chain_buckets,
        count() OVER so_far AS points,
        nth_value(at, 1) OVER so_far AS first_at,
        nth_value(chain_count, 1) OVER so_far AS first_count,
        nth_value(chain_sum, 1) OVER so_far AS first_sum,
        nth_value(chain_buckets, 1) OVER so_far AS first_buckets,
        countIf(carries) OVER so_far AS carried,
        sumIf(count, carries) OVER so_far AS carried_count,
        sumIf(point_sum, carries) OVER so_far AS carried_sum,
        sumForEachIf(buckets, carries) OVER so_far AS carried_buckets,
        min(point_has_sum) OVER so_far AS has_sum,
        min(point_min) OVER so_far AS lowest,
        max(point_max) OVER so_far AS highest
    FROM
    (
        SELECT
            *,
            -- Bounds of this point and the next, where they differ cut down to those that both have.
            next_layout = layout OR is_last AS has_next_bounds,
            if(has_next_bounds, [], arrayFilter(b -> has(next_bounds, b), explicit_bounds)) AS shared_bounds,
            if(has_next_bounds, own_buckets, arrayMap(totals -> arrayMap((a, b) -> toUInt64(a - b), totals, arrayPopBack(arrayPushFront(totals, 0))),
                [arrayFilter((c, keep) -> keep, arrayCumSum(arrayResize(own_buckets, length(explicit_bounds) + 1)), arrayPushBack(arrayMap(b -> has(shared_bounds, b), explicit_bounds), true))])[1]) AS shared_buckets,
            if(has_next_bounds, arrayResize(next_buckets, length(own_buckets)), arrayMap(totals -> arrayMap((a, b) -> toUInt64(a - b), totals, arrayPopBack(arrayPushFront(totals, 0))),
                [arrayFilter((c, keep) -> keep, arrayCumSum(arrayResize(next_buckets, length(next_bounds) + 1)), arrayPushBack(arrayMap(b -> has(shared_bounds, b), next_bounds), true))])[1]) AS next_shared_buckets,
            -- A drop in count or in a bucket (src/store/views/bucket-falls.ts): the next point counts from zero.
            is_delta OR (NOT is_last AND (next_count < count OR /*falls*/)) AS carries,
            groupUniqArrayIf(explicit_bounds, is_other_layout) OVER
                (PARTITION BY series_id, epoch, bucket, bounds_id ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS layouts,
            -- Bounds that changed inside the bucket are cut down to those that all points share, their counts added up.
            if(empty(layouts), explicit_bounds, arrayFilter(b -> arrayAll(l -> has(l, b), layouts), explicit_bounds)) AS bounds,
            arrayFilter((c, keeps) -> keeps, arrayCumSum(own_buckets),
                arrayPushBack(arrayMap(b -> has(bounds, b), explicit_bounds), true)) AS up_to_bound,
            if(empty(layouts), own_buckets,
                arrayMap((a, b) -> toUInt64(a - b), up_to_bound, arrayPopBack(arrayPushFront(up_to_bound, 0)))) AS buckets
        FROM
        (
            SELECT
                series_id,
                time AS at,
                toDateTime(intDiv(toUnixTimestamp64Nano(time), 1000000000 * {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
                temporality,
                temporality != 'cumulative' AS is_delta,
                if(is_delta, toDateTime64(0, 9, 'UTC'), start_time) AS epoch,
                cityHash64(explicit_bounds) AS layout,
                multiIf(bitAnd(flags, 1) = 1, 1, is_delta, layout, 0) AS bounds_id,
                explicit_bounds,
                if(empty(bucket_counts), [count], bucket_counts) AS own_buckets,
                count,
                ifNull(isFinite(sum), 0) OR count = 0 AS point_has_sum,
                if(ifNull(isFinite(sum), 0), assumeNotNull(sum), 0) AS point_sum,
                multiIf(count = 0, inf, ifNull(isFinite(min), 0), assumeNotNull(min), -inf) AS point_min,
                multiIf(count = 0, -inf, ifNull(isFinite(max), 0), assumeNotNull(max), inf) AS point_max,
                leadInFrame(count, 1, 0) OVER neighbours AS next_count,
                leadInFrame(own_buckets) OVER neighbours AS next_buckets,
                leadInFrame(explicit_bounds) OVER neighbours AS next_bounds,
                leadInFrame(layout, 1, layout) OVER neighbours AS next_layout,
                leadInFrame(false, 1, true) OVER neighbours AS is_last,
                lagInFrame(layout, 1, layout) OVER neighbours != layout OR next_layout != layout AS is_other_layout
            FROM /*lost (SELECT * REPLACE (anyLastIf(start_time, start_time > toDateTime64(0, 9, 'UTC')) OVER (PARTITION BY series_id, toStartOfMinute(time) ORDER BY time, start_time) AS start_time) FROM lost*/histogram_points FINAL
            WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')} /*series*/ /*lost ) lost*/
            WINDOW neighbours AS (PARTITION BY series_id, epoch, bucket, bounds_id ORDER BY at ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
        )
    )
    WINDOW so_far AS (PARTITION BY series_id, epoch, bucket, bounds_id ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE is_last
/*kept AND (bucket >= {kept_since:DateTime('UTC')} OR (series_id, bucket, epoch, bounds_id, points) NOT IN (
    SELECT series_id, time, epoch, bounds_id, points FROM {target:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}
)) kept*/
