-- Counters that count for the whole machine: cumulative, their start times mean nothing (docs/increase.md, rule 5).
ALTER TABLE number_points MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));
ALTER TABLE number_1m MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));
ALTER TABLE number_1h MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));
ALTER TABLE number_1d MODIFY COLUMN kind
    Enum8('gauge' = 1, 'delta_counter' = 2, 'cumulative_counter' = 3, 'delta_updown' = 4, 'cumulative_updown' = 5, 'machine_counter' = 6) CODEC(ZSTD(1));

-- Starts that senders lost or moved, and starts of one series that overlap (docs/increase.md, rule 2): kpi is ''.
ALTER TABLE flagged_points
    MODIFY COLUMN reason Enum8('type' = 1, 'unit' = 2, 'range' = 3, 'conflicting_point' = 4, 'start_lost' = 5, 'start_moves' = 6, 'start_overlaps' = 7) CODEC(ZSTD(1));
