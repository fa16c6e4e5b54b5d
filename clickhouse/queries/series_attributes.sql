-- Which attributes make series many: keys by their number of distinct values, of one metric or (empty) of all.
SELECT
    entry.1 AS place,
    entry.2 AS key,
    uniqExact(entry.3) AS values,
    count() AS series,
    arrayMap(v -> v.1, topK(3, 10, 'counts')(substring(entry.3, 1, 40))) AS examples
FROM
(
    SELECT arrayJoin(arrayConcat(
        arrayMap((k, v) -> ('point', k, v), mapKeys(attributes), mapValues(attributes)),
        arrayMap((k, v) -> ('resource', k, v), mapKeys(resource_attributes), mapValues(resource_attributes)),
        arrayMap((k, v) -> ('scope', k, v), mapKeys(scope_attributes), mapValues(scope_attributes)))) AS entry
    FROM series FINAL
    WHERE {metric:String} = '' OR metric_name = {metric:String}
)
GROUP BY place, key
ORDER BY values DESC, series DESC, place, key
LIMIT {limit:UInt32}
