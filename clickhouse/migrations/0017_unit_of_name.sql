-- name: the sender gave no unit, and the metric's name says one (src/model/metric-unit.ts).
ALTER TABLE series
    MODIFY COLUMN unit_status Enum8('unknown' = 0, 'ucum' = 1, 'alias' = 2, 'name' = 3)
        DEFAULT multiIf(unit = '', 'unknown', base_unit != unit OR unit IN ('s', 'By', '1', 'K'), 'ucum', 'unknown');
