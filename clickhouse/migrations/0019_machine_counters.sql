-- Counters that count for the whole machine: cumulative, their start times mean nothing (docs/increase.md, rule 5).
ALTER TABLE number_points MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));
ALTER TABLE number_1m MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));
ALTER TABLE number_1h MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));
ALTER TABLE number_1d MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));
