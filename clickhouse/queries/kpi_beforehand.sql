-- What has to be known before the SQL of the KPI {kpi} is written: kinds of its {metrics}, buckets that wait to be rolled up
-- before {end_s} (at most {marks_max} and one more), versions of its thresholds.
SELECT
    (SELECT groupArray((metric_name, types, has_folded)) FROM (
{metric_kinds}
    )) AS kinds,
    (
        SELECT groupArray({marks_max:UInt32} + 1)((shape, resolution_s, toUnixTimestamp(time)))
        FROM rollup_marks FINAL
        WHERE waits AND time < {end_s:UInt32}
    ) AS marks,
    (
        SELECT groupArray((toUnixTimestamp64Milli(valid_from), target_value, warning_threshold, critical_threshold))
        FROM metric_definitions FINAL
        WHERE metric_name = {kpi:String}
    ) AS versions
