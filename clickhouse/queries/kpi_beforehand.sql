-- What has to be known before the SQL of the KPI {kpi} is written, each as JSON: kinds of its {metrics}, buckets that wait to be
-- rolled up before {end_s} (at most {marks_max} and one more), versions of its thresholds. One after the other in one row
-- they would take a third longer.
SELECT 'kinds' AS part, toJSONString(groupArray((metric_name, types, has_folded))) AS rows
FROM (
{metric_kinds}
)
UNION ALL
SELECT 'marks' AS part, toJSONString(groupArray({marks_max:UInt32} + 1)((shape, resolution_s, toUnixTimestamp(time)))) AS rows
FROM rollup_marks FINAL
WHERE waits AND time < {end_s:UInt32}
UNION ALL
SELECT
    'versions' AS part,
    toJSONString(groupArray((toUnixTimestamp64Milli(valid_from), target_value, warning_threshold, critical_threshold))) AS rows
FROM metric_definitions FINAL
WHERE metric_name = {kpi:String}
