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
