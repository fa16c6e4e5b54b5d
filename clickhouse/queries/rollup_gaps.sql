-- Marks buckets of {coarser} that know fewer points of some series than {finer} has, between {from} and {to}, both on bucket
-- borders: they wait until a receiver takes the marks over and computes them again. Its comment stands where
-- src/store/rollup-gaps.ts puts how points are counted in rows of {finer}.
INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
SELECT {shape:String}, {step_s:UInt32}, bucket, {receiver:String}, {version:UInt64}, true, []
FROM
(
    SELECT series_id, bucket
    FROM
    (
        SELECT
            series_id,
            toDateTime(intDiv(toUnixTimestamp(time), {step_s:UInt32}) * {step_s:UInt32}, 'UTC') AS bucket,
            /*points of finer*/ AS in_finer,
            0 AS in_coarser
        FROM {finer:Identifier} FINAL
        WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')}
        GROUP BY series_id, bucket
        UNION ALL
        SELECT series_id, time AS bucket, 0 AS in_finer, sum(points) AS in_coarser
        FROM {coarser:Identifier} FINAL
        WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')}
        GROUP BY series_id, bucket
    )
    GROUP BY series_id, bucket
    HAVING sum(in_finer) > sum(in_coarser)
)
GROUP BY bucket
