-- Points whose series, start time and time came with different values: kpi is '', since it is about the point and no KPI's rule.
ALTER TABLE flagged_points
    MODIFY COLUMN reason Enum8('type' = 1, 'unit' = 2, 'range' = 3, 'conflicting_point' = 4) CODEC(ZSTD(1));
