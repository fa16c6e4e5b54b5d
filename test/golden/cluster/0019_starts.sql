ALTER TABLE number_points_local ON CLUSTER `production` MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

ALTER TABLE number_points ON CLUSTER `production` MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

ALTER TABLE number_1m_local ON CLUSTER `production` MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

ALTER TABLE number_1m ON CLUSTER `production` MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

ALTER TABLE number_1h_local ON CLUSTER `production` MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

ALTER TABLE number_1h ON CLUSTER `production` MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

ALTER TABLE number_1d_local ON CLUSTER `production` MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

ALTER TABLE number_1d ON CLUSTER `production` MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

ALTER TABLE flagged_points_local ON CLUSTER `production`
    MODIFY COLUMN reason Enum8('type' = 1, 'unit' = 2, 'range' = 3, 'conflicting_point' = 4, 'start_lost' = 5, 'start_moves' = 6, 'start_overlaps' = 7) CODEC(ZSTD(1));

ALTER TABLE flagged_points ON CLUSTER `production`
    MODIFY COLUMN reason Enum8('type' = 1, 'unit' = 2, 'range' = 3, 'conflicting_point' = 4, 'start_lost' = 5, 'start_moves' = 6, 'start_overlaps' = 7) CODEC(ZSTD(1));
