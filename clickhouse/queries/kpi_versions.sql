-- Every version of the definition of {name}, the oldest first.
SELECT toUnixTimestamp64Milli(valid_from) AS valid_from_ms, definition, active
FROM metric_definitions FINAL
WHERE metric_name = {name:String}
ORDER BY valid_from
