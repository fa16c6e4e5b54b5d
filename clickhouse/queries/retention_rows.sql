-- What {table} holds, by category: rows, their share of the bytes on disk, first and last time. Its two empty comments stand
-- where src/store/retention-tables.ts asks for the rows alone that a change of the retention would delete.
SELECT
    s.category AS category,
    sum(r.rows) AS rows,
    toUInt64(round(sum(r.rows * p.bytes_per_row))) AS bytes,
    toUnixTimestamp64Milli(toDateTime64(min(r.oldest), 3, 'UTC')) AS oldest_ms,
    toUnixTimestamp64Milli(toDateTime64(max(r.newest), 3, 'UTC')) AS newest_ms
FROM
(
    -- Counted by series first: few rows are left to be joined.
    SELECT series_id, _partition_id AS partition_id, count() AS rows, min({time:Identifier}) AS oldest, max({time:Identifier}) AS newest
    FROM {table:Identifier} /*final*/
    WHERE true /*too old*/
    GROUP BY series_id, partition_id
) AS r
LEFT JOIN (SELECT series_id, category FROM series_of_points) AS s ON s.series_id = r.series_id
LEFT JOIN
(
    SELECT partition_id, sum(bytes_on_disk) / greatest(sum(rows), 1) AS bytes_per_row
    FROM system.parts
    WHERE active AND database = {database:String} AND table = {name:String}
    GROUP BY partition_id
) AS p ON p.partition_id = r.partition_id
GROUP BY category
ORDER BY category
