ALTER TABLE flagged_points_local ON CLUSTER `production`
    MODIFY COLUMN reason Enum8('type' = 1, 'unit' = 2, 'range' = 3, 'conflicting_point' = 4) CODEC(ZSTD(1));

ALTER TABLE flagged_points ON CLUSTER `production`
    MODIFY COLUMN reason Enum8('type' = 1, 'unit' = 2, 'range' = 3, 'conflicting_point' = 4) CODEC(ZSTD(1));
