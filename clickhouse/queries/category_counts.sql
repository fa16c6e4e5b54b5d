-- How many metrics and series each category and subcategory holds.
SELECT category, subcategory, toUInt32(uniqExact(metric_name)) AS metrics, toUInt32(count()) AS series
FROM series FINAL
GROUP BY category, subcategory
ORDER BY category = 'unclassified', category, subcategory
