-- Recompute {target} from the finer rollup {source} between {from} and {to}, both on bucket borders of the target.
INSERT INTO {target:Identifier}
(
    series_id, time, epoch, scale, zero_threshold, temporality, points, first_time, last_time,
    increase_count, increase_sum, increase_zero_count, increase_positive, increase_negative, first_count,
    first_sum, first_zero_count, first_positive, first_negative, last_count, last_sum, last_zero_count,
    last_positive, last_negative, min, max, ended
)
WITH
    arraySort(r -> r.1, groupArray((row_first_time, fc, fs, fz, fp, fn, lc, ls, lz, lp, ln))) AS rows,
    -- Steps between neighbouring rows: last of the one to first of the next or from zero after a reset.
    -- Rows of deltas have no first and last, so their steps are 0.
    arrayMap((a, b) -> if(b.2 >= a.7,
        (toUInt64(b.2 - a.7), b.3 - a.8, toUInt64(greatest(toInt64(b.4) - toInt64(a.9), 0)),
            mapApply((k, v) -> (k, toUInt64(greatest(toInt64(v) - toInt64(a.10[k]), 0))), b.5),
            mapApply((k, v) -> (k, toUInt64(greatest(toInt64(v) - toInt64(a.11[k]), 0))), b.6)),
        (b.2, b.3, b.4, b.5, b.6)), arrayPopBack(rows), arrayPopFront(rows)) AS steps
SELECT
    series_id,
    bucket AS time,
    epoch,
    row_scale AS scale,
    threshold AS zero_threshold,
    any(row_temporality) AS temporality,
    sum(row_points) AS points,
    min(row_first_time) AS first_time,
    max(row_last_time) AS last_time,
    sum(ic) + arraySum(s -> s.1, steps) AS increase_count,
    sum(isum) + arraySum(s -> s.2, steps) AS increase_sum,
    sum(iz) + arraySum(s -> s.3, steps) AS increase_zero_count,
    mapFilter((k, v) -> v > 0, arrayFold((acc, s) -> mapAdd(acc, s.4), steps, sumMap(ip))) AS increase_positive,
    mapFilter((k, v) -> v > 0, arrayFold((acc, s) -> mapAdd(acc, s.5), steps, sumMap(ineg))) AS increase_negative,
    rows[1].2 AS first_count,
    rows[1].3 AS first_sum,
    rows[1].4 AS first_zero_count,
    rows[1].5 AS first_positive,
    rows[1].6 AS first_negative,
    rows[-1].7 AS last_count,
    rows[-1].8 AS last_sum,
    rows[-1].9 AS last_zero_count,
    rows[-1].10 AS last_positive,
    rows[-1].11 AS last_negative,
    min(row_min) AS min,
    max(row_max) AS max,
    argMax(row_ended, row_last_time) AS ended
FROM
(
    SELECT
        series_id,
        toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
        epoch, scale AS row_scale, zero_threshold AS threshold, temporality AS row_temporality, points AS row_points,
        first_time AS row_first_time, last_time AS row_last_time,
        increase_count AS ic, increase_sum AS isum, increase_zero_count AS iz, increase_positive AS ip, increase_negative AS ineg,
        first_count AS fc, first_sum AS fs, first_zero_count AS fz, first_positive AS fp, first_negative AS fn,
        last_count AS lc, last_sum AS ls, last_zero_count AS lz, last_positive AS lp, last_negative AS ln,
        min AS row_min, max AS row_max, ended AS row_ended
    FROM {source:Identifier} FINAL
    WHERE time >= {from:DateTime} AND time < {to:DateTime} /*series*/
)
GROUP BY series_id, bucket, epoch, row_scale, threshold
