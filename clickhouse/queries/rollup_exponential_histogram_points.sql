-- Recompute {target} from raw exponential histogram points between {from} and {to}, both on bucket borders. All points of
-- a row are brought to its smallest scale (smaller still where more than 1,280 buckets would be needed) and its largest
-- zero threshold, and to one range of buckets; then their counts are plain arrays that add and subtract.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, ended, temporality, points, first_time, last_time,
    first_count, last_count, carried_count, has_sum, first_sum, last_sum, carried_sum, scale, zero_threshold,
    first_zero_count, last_zero_count, carried_zero_count,
    positive_offset, first_positive_bucket_counts, last_positive_bucket_counts, carried_positive_bucket_counts,
    negative_offset, first_negative_bucket_counts, last_negative_bucket_counts, carried_negative_bucket_counts,
    min, max, resets, rolled_at
)
SELECT
    series_id, bucket, epoch, ended, temporality, points, first_at, at,
    first_count, chain_count, carried_count, has_sum, first_sum, chain_sum, carried_sum, row_scale, row_threshold,
    first_zeros, chain_zeros, carried_zeros,
    positive_from, first_positive, chain_positive, carried_positive,
    negative_from, first_negative, chain_negative, carried_negative,
    if(isFinite(lowest), lowest, NULL), if(isFinite(highest), highest, NULL), if(is_delta, 0, carried), now()
FROM
(
    SELECT
        series_id, bucket, epoch, ended, temporality, at, is_last, is_delta, row_scale, row_threshold, positive_from, negative_from,
        -- Deltas have no first and last: all of them is carried.
        if(is_delta, 0, count) AS chain_count,
        if(is_delta, 0, point_sum) AS chain_sum,
        if(is_delta, 0, zeros) AS chain_zeros,
        if(is_delta, [], positive) AS chain_positive,
        if(is_delta, [], negative) AS chain_negative,
        count() OVER so_far AS points,
        nth_value(at, 1) OVER so_far AS first_at,
        nth_value(chain_count, 1) OVER so_far AS first_count,
        nth_value(chain_sum, 1) OVER so_far AS first_sum,
        nth_value(chain_zeros, 1) OVER so_far AS first_zeros,
        nth_value(chain_positive, 1) OVER so_far AS first_positive,
        nth_value(chain_negative, 1) OVER so_far AS first_negative,
        countIf(carries) OVER so_far AS carried,
        sumIf(count, carries) OVER so_far AS carried_count,
        sumIf(point_sum, carries) OVER so_far AS carried_sum,
        sumIf(zeros, carries) OVER so_far AS carried_zeros,
        sumForEachIf(positive, carries) OVER so_far AS carried_positive,
        sumForEachIf(negative, carries) OVER so_far AS carried_negative,
        min(point_has_sum) OVER so_far AS has_sum,
        min(point_min) OVER so_far AS lowest,
        max(point_max) OVER so_far AS highest
    FROM
    (
        SELECT
            *,
            -- Buckets up to the one that holds the zero threshold join the zero bucket where thresholds differ.
            if(threshold_cut IS NULL, 0, greatest(0, least(length(wide_positive), assumeNotNull(threshold_cut) - positive_from + 1))) AS positive_cut,
            if(threshold_cut IS NULL, 0, greatest(0, least(length(wide_negative), assumeNotNull(threshold_cut) - negative_from + 1))) AS negative_cut,
            zero_count + if(positive_cut = 0, 0, arraySum(arraySlice(wide_positive, 1, positive_cut)))
                + if(negative_cut = 0, 0, arraySum(arraySlice(wide_negative, 1, negative_cut))) AS zeros,
            if(positive_cut = 0, wide_positive, arrayConcat(arrayWithConstant(positive_cut, toUInt64(0)), arraySlice(wide_positive, positive_cut + 1))) AS positive,
            if(negative_cut = 0, wide_negative, arrayConcat(arrayWithConstant(negative_cut, toUInt64(0)), arraySlice(wide_negative, negative_cut + 1))) AS negative
        FROM
        (
            SELECT
                *,
                -- Joined buckets: the running total at the last of those that share an index, less the one before.
                arrayFilter((c, i) -> bitAnd(positive_offset + i, step - 1) = 0 OR i = length(positive_bucket_counts),
                    arrayCumSum(positive_bucket_counts), arrayEnumerate(positive_bucket_counts)) AS positive_totals,
                arrayFilter((c, i) -> bitAnd(negative_offset + i, step - 1) = 0 OR i = length(negative_bucket_counts),
                    arrayCumSum(negative_bucket_counts), arrayEnumerate(negative_bucket_counts)) AS negative_totals,
                if(step = 1, positive_bucket_counts, arrayMap((a, b) -> toUInt64(a - b), positive_totals, arrayPopBack(arrayPushFront(positive_totals, 0)))) AS joined_positive,
                if(step = 1, negative_bucket_counts, arrayMap((a, b) -> toUInt64(a - b), negative_totals, arrayPopBack(arrayPushFront(negative_totals, 0)))) AS joined_negative,
                if(empty(positive_bucket_counts), 0, intDiv(positive_offset - positiveModulo(positive_offset, step), step) - positive_from) AS positive_shift,
                if(empty(negative_bucket_counts), 0, intDiv(negative_offset - positiveModulo(negative_offset, step), step) - negative_from) AS negative_shift,
                arrayResize(if(positive_shift = 0, joined_positive, arrayConcat(arrayWithConstant(positive_shift, toUInt64(0)), joined_positive)), positive_size) AS wide_positive,
                arrayResize(if(negative_shift = 0, joined_negative, arrayConcat(arrayWithConstant(negative_shift, toUInt64(0)), joined_negative)), negative_size) AS wide_negative
            FROM
            (
                SELECT
                    *,
                    -- A drop in count or in a bucket (src/store/views/bucket-falls.ts): the next point counts from zero.
                    is_delta OR (NOT is_last AND (next.1 < count OR /*falls*/)) AS carries,
                    least(least_scale, toInt32(floor(log2(1278 / greatest(positive_end - positive_begin, negative_end - negative_begin, 1e-9))))) AS row_scale,
                    bitShiftLeft(toInt64(1), least(scale - row_scale, 40)) AS step,
                    toInt64(floor(positive_begin * exp2(row_scale))) AS positive_from,
                    toInt64(floor(negative_begin * exp2(row_scale))) AS negative_from,
                    toInt64(ceil(positive_end * exp2(row_scale))) - positive_from AS positive_size,
                    toInt64(ceil(negative_end * exp2(row_scale))) - negative_from AS negative_size,
                    if(least_threshold < most_threshold, toInt64(ceil(log2(if(most_threshold > 0, most_threshold, 1)) * exp2(row_scale) - 1e-6)) - 1, NULL) AS threshold_cut,
                    if(threshold_cut IS NULL, most_threshold, exp2((assumeNotNull(threshold_cut) + 1) / exp2(row_scale))) AS row_threshold
                FROM
                (
                    SELECT
                        series_id,
                        time AS at,
                        toDateTime(intDiv(toUnixTimestamp64Nano(time), 1000000000 * {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
                        temporality,
                        temporality != 'cumulative' AS is_delta,
                        if(is_delta, toDateTime64(0, 9, 'UTC'), start_time) AS epoch,
                        bitAnd(flags, 1) = 1 AS ended,
                        count,
                        ifNull(isFinite(sum), 0) OR count = 0 AS point_has_sum,
                        if(ifNull(isFinite(sum), 0), assumeNotNull(sum), 0) AS point_sum,
                        multiIf(count = 0, inf, ifNull(isFinite(min), 0), assumeNotNull(min), -inf) AS point_min,
                        multiIf(count = 0, -inf, ifNull(isFinite(max), 0), assumeNotNull(max), inf) AS point_max,
                        scale,
                        zero_threshold,
                        zero_count,
                        toInt64(positive_offset) AS positive_offset,
                        positive_bucket_counts,
                        toInt64(negative_offset) AS negative_offset,
                        negative_bucket_counts,
                        leadInFrame((count, scale, zero_threshold, zero_count, toInt64(positive_offset), positive_bucket_counts,
                            toInt64(negative_offset), negative_bucket_counts)) OVER neighbours AS next,
                        leadInFrame(false, 1, true) OVER neighbours AS is_last,
                        min(scale) OVER neighbours AS least_scale,
                        min(zero_threshold) OVER neighbours AS least_threshold,
                        max(zero_threshold) OVER neighbours AS most_threshold,
                        -- Where buckets begin and end, as exponents of 2: comparable between scales.
                        minIf(positive_offset / exp2(scale), notEmpty(positive_bucket_counts)) OVER neighbours AS positive_begin,
                        maxIf((positive_offset + length(positive_bucket_counts)) / exp2(scale), notEmpty(positive_bucket_counts)) OVER neighbours AS positive_end,
                        minIf(negative_offset / exp2(scale), notEmpty(negative_bucket_counts)) OVER neighbours AS negative_begin,
                        maxIf((negative_offset + length(negative_bucket_counts)) / exp2(scale), notEmpty(negative_bucket_counts)) OVER neighbours AS negative_end
                    FROM /*lost (SELECT * REPLACE (anyLastIf(start_time, start_time > toDateTime64(0, 9, 'UTC')) OVER (PARTITION BY series_id, toStartOfMinute(time) ORDER BY time, start_time) AS start_time) FROM lost*/exponential_histogram_points FINAL
                    WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')} /*series*/ /*lost ) lost*/
                    WINDOW neighbours AS (PARTITION BY series_id, epoch, bucket, ended ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
                )
            )
        )
    )
    WINDOW so_far AS (PARTITION BY series_id, epoch, bucket, ended ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE is_last
/*kept AND (bucket >= {kept_since:DateTime('UTC')} OR (series_id, bucket, epoch, ended, points) NOT IN (
    SELECT series_id, time, epoch, ended, points FROM {target:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}
)) kept*/
