ALTER TABLE series
    ADD COLUMN IF NOT EXISTS resource_dropped_attributes_count UInt32 AFTER resource_schema_url,
    -- EntityRef messages as an OTLP/JSON array; '' where there are none.
    ADD COLUMN IF NOT EXISTS resource_entity_refs String CODEC(ZSTD(3)) AFTER resource_dropped_attributes_count,
    ADD COLUMN IF NOT EXISTS scope_dropped_attributes_count UInt32 AFTER scope_schema_url;

ALTER TABLE exemplars_local ON CLUSTER `production`
    ADD COLUMN IF NOT EXISTS point_start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) AFTER point_time,
    ADD COLUMN IF NOT EXISTS position UInt32 CODEC(ZSTD(1)) AFTER point_start_time,
    MODIFY ORDER BY (series_id, point_time, time, trace_id, span_id, value_int, value_double, point_start_time, position);

ALTER TABLE exemplars ON CLUSTER `production`
    ADD COLUMN IF NOT EXISTS point_start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) AFTER point_time,
    ADD COLUMN IF NOT EXISTS position UInt32 CODEC(ZSTD(1)) AFTER point_start_time;
