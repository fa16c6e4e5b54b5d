ALTER TABLE series
    ADD COLUMN IF NOT EXISTS base_unit LowCardinality(String) DEFAULT transform(unit,
        ['ms', 'us', 'ns', 'min', 'h', 'd', '', '%', '{request}', '{error}', '{thread}', 'KiBy', 'MiBy', 'GiBy', 'kBy', 'MBy', 'GBy', 'bit', '{request}/s', 'Cel'],
        ['s', 's', 's', 's', 's', 's', '1', '1', '1', '1', '1', 'By', 'By', 'By', 'By', 'By', 'By', 'By', '1/s', 'K'], unit) AFTER unit,
    ADD COLUMN IF NOT EXISTS unit_factor Float64 DEFAULT transform(unit,
        ['ms', 'us', 'ns', 'min', 'h', 'd', '%', 'KiBy', 'MiBy', 'GiBy', 'kBy', 'MBy', 'GBy', 'bit'],
        [0.001, 0.000001, 0.000000001, 60, 3600, 86400, 0.01, 1024, 1048576, 1073741824, 1000, 1000000, 1000000000, 0.125], 1.) AFTER base_unit,
    ADD COLUMN IF NOT EXISTS unit_offset Float64 DEFAULT if(unit = 'Cel', 273.15, 0) AFTER unit_factor,
    -- ucum: written as OTel asks for; alias: a guess from the table of spellings; unknown: comparable with itself only.
    ADD COLUMN IF NOT EXISTS unit_status Enum8('unknown' = 0, 'ucum' = 1, 'alias' = 2)
        DEFAULT multiIf(unit = '', 'unknown', base_unit != unit OR unit IN ('s', 'By', '1', 'K'), 'ucum', 'unknown') AFTER unit_offset;
