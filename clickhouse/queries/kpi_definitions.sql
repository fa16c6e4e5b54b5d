-- The newest version of every KPI's definition: what the catalogue is compared with.
SELECT metric_name, argMax(definition, valid_from) AS definition, argMax(active, valid_from) AS active
FROM metric_definitions FINAL
GROUP BY metric_name
