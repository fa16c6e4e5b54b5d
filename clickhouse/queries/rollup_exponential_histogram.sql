-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target. The
-- same as from raw points, which are rows whose first and last are one: arrays of three are (first, last, carried).
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
    series_id, bucket, epoch, ended, temporality, all_points, start_time, last_time,
    start_count, last_count, all_carried_count, every_sum, start_sum, last_sum, all_carried_sum, row_scale, row_threshold,
    start_zeros, zeros[2], all_carried_zeros,
    positive_from, start_positive, positive[2], arrayMap((a, b) -> a + b, inside_positive, arrayResize(dropped_positive, length(inside_positive))),
    negative_from, start_negative, negative[2], arrayMap((a, b) -> a + b, inside_negative, arrayResize(dropped_negative, length(inside_negative))),
    if(isFinite(lowest), lowest, NULL), if(isFinite(highest), highest, NULL), all_resets, now()
FROM
(
    SELECT
        series_id, bucket, epoch, ended, temporality, last_time, last_count, last_sum, is_last, row_scale, row_threshold,
        positive_from, negative_from, positive, negative, zeros,
        sum(points) OVER so_far AS all_points,
        nth_value(first_time, 1) OVER so_far AS start_time,
        nth_value(first_count, 1) OVER so_far AS start_count,
        nth_value(first_sum, 1) OVER so_far AS start_sum,
        nth_value(zeros[1], 1) OVER so_far AS start_zeros,
        nth_value(positive[1], 1) OVER so_far AS start_positive,
        nth_value(negative[1], 1) OVER so_far AS start_negative,
        sum(resets + drops) OVER so_far AS all_resets,
        sum(carried_count + if(drops, last_count, 0)) OVER so_far AS all_carried_count,
        sum(carried_sum + if(drops, last_sum, 0)) OVER so_far AS all_carried_sum,
        sum(zeros[3] + if(drops, zeros[2], 0)) OVER so_far AS all_carried_zeros,
        sumForEach(positive[3]) OVER so_far AS inside_positive,
        sumForEach(negative[3]) OVER so_far AS inside_negative,
        sumForEachIf(positive[2], drops) OVER so_far AS dropped_positive,
        sumForEachIf(negative[2], drops) OVER so_far AS dropped_negative,
        min(has_sum) OVER so_far AS every_sum,
        min(row_min) OVER so_far AS lowest,
        max(row_max) OVER so_far AS highest
    FROM
    (
        SELECT
            *,
            -- Buckets up to the one that holds the zero threshold join the zero bucket where thresholds differ.
            if(threshold_cut IS NULL, 0, greatest(0, least(positive_size, assumeNotNull(threshold_cut) - positive_from + 1))) AS positive_cut,
            if(positive_cut = 0, [0, 0, 0], arrayMap(counts -> arraySum(arraySlice(counts, 1, positive_cut)), wide_positive)) AS positive_below,
            if(positive_cut = 0, wide_positive, arrayMap(counts -> arrayConcat(arrayWithConstant(positive_cut, toUInt64(0)), arraySlice(counts, positive_cut + 1)), wide_positive)) AS positive,
            if(threshold_cut IS NULL, 0, greatest(0, least(negative_size, assumeNotNull(threshold_cut) - negative_from + 1))) AS negative_cut,
            if(negative_cut = 0, [0, 0, 0], arrayMap(counts -> arraySum(arraySlice(counts, 1, negative_cut)), wide_negative)) AS negative_below,
            if(negative_cut = 0, wide_negative, arrayMap(counts -> arrayConcat(arrayWithConstant(negative_cut, toUInt64(0)), arraySlice(counts, negative_cut + 1)), wide_negative)) AS negative,
            arrayMap((zero, a, b) -> zero + a + b, [first_zero_count, last_zero_count, carried_zero_count], positive_below, negative_below) AS zeros
        FROM
        (
            SELECT
                *,
                -- Joined buckets: the running total at the last of those that share an index, less the one before.
                arrayMap(counts -> arrayFilter((c, i) -> bitAnd(positive_offset + i, step - 1) = 0 OR i = length(counts), arrayCumSum(counts), arrayEnumerate(counts)), own_positive) AS positive_totals,
                if(step = 1, own_positive, arrayMap(totals -> arrayMap((a, b) -> toUInt64(a - b), totals, arrayPopBack(arrayPushFront(totals, 0))), positive_totals)) AS joined_positive,
                if(own_positive = [[], [], []], 0, intDiv(positive_offset - positiveModulo(positive_offset, step), step) - positive_from) AS positive_shift,
                arrayMap(counts -> arrayResize(if(positive_shift = 0, counts, arrayConcat(arrayWithConstant(positive_shift, toUInt64(0)), counts)), positive_size), joined_positive) AS wide_positive,
                -- Joined buckets: the running total at the last of those that share an index, less the one before.
                arrayMap(counts -> arrayFilter((c, i) -> bitAnd(negative_offset + i, step - 1) = 0 OR i = length(counts), arrayCumSum(counts), arrayEnumerate(counts)), own_negative) AS negative_totals,
                if(step = 1, own_negative, arrayMap(totals -> arrayMap((a, b) -> toUInt64(a - b), totals, arrayPopBack(arrayPushFront(totals, 0))), negative_totals)) AS joined_negative,
                if(own_negative = [[], [], []], 0, intDiv(negative_offset - positiveModulo(negative_offset, step), step) - negative_from) AS negative_shift,
                arrayMap(counts -> arrayResize(if(negative_shift = 0, counts, arrayConcat(arrayWithConstant(negative_shift, toUInt64(0)), counts)), negative_size), joined_negative) AS wide_negative
            FROM
            (
                SELECT
                    *,
                    -- A drop in count or in a bucket (src/store/views/bucket-falls.ts): the next row counts from zero.
                    NOT is_last AND temporality = 'cumulative' AND (next.1 < last_count OR /*falls*/) AS drops,
                    [first_positive_bucket_counts, last_positive_bucket_counts, carried_positive_bucket_counts] AS own_positive,
                    [first_negative_bucket_counts, last_negative_bucket_counts, carried_negative_bucket_counts] AS own_negative,
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
                        * EXCEPT (positive_offset, negative_offset),
                        toInt64(positive_offset) AS positive_offset,
                        toInt64(negative_offset) AS negative_offset,
                        toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
                        last_count + carried_count = 0 AS is_void,
                        multiIf(is_void, inf, min IS NULL, -inf, assumeNotNull(min)) AS row_min,
                        multiIf(is_void, -inf, max IS NULL, inf, assumeNotNull(max)) AS row_max,
                        greatest(length(last_positive_bucket_counts), length(carried_positive_bucket_counts)) AS positive_length,
                        greatest(length(last_negative_bucket_counts), length(carried_negative_bucket_counts)) AS negative_length,
                        leadInFrame((first_count, scale, zero_threshold, first_zero_count, toInt64(positive_offset), first_positive_bucket_counts,
                            toInt64(negative_offset), first_negative_bucket_counts)) OVER neighbours AS next,
                        leadInFrame(false, 1, true) OVER neighbours AS is_last,
                        min(scale) OVER neighbours AS least_scale,
                        min(zero_threshold) OVER neighbours AS least_threshold,
                        max(zero_threshold) OVER neighbours AS most_threshold,
                        -- Where buckets begin and end, as exponents of 2: comparable between scales.
                        minIf(positive_offset / exp2(scale), positive_length > 0) OVER neighbours AS positive_begin,
                        maxIf((positive_offset + positive_length) / exp2(scale), positive_length > 0) OVER neighbours AS positive_end,
                        minIf(negative_offset / exp2(scale), negative_length > 0) OVER neighbours AS negative_begin,
                        maxIf((negative_offset + negative_length) / exp2(scale), negative_length > 0) OVER neighbours AS negative_end
                    FROM /*lost (SELECT * REPLACE (anyLastIf(epoch, epoch > toDateTime64(0, 9, 'UTC')) OVER (PARTITION BY series_id, intDiv(toUnixTimestamp(time), {step_s:UInt32}) ORDER BY first_time, epoch) AS epoch) FROM lost*/{source:Identifier} FINAL
                    WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} /*series*/ /*lost ) lost*/
                    WINDOW neighbours AS (PARTITION BY series_id, epoch, bucket, ended ORDER BY first_time ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
                )
            )
        )
    )
    WINDOW so_far AS (PARTITION BY series_id, epoch, bucket, ended ORDER BY first_time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE is_last
/*kept AND (bucket >= {kept_since:DateTime('UTC')} OR (series_id, bucket, epoch, ended, all_points) NOT IN (
    SELECT series_id, time, epoch, ended, points FROM {target:Identifier} FINAL WHERE time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}
)) kept*/
