ALTER TABLE metric_definitions
    ADD COLUMN IF NOT EXISTS title String AFTER metric_name,
    ADD COLUMN IF NOT EXISTS owner LowCardinality(String) AFTER description,
    ADD COLUMN IF NOT EXISTS direction LowCardinality(String) AFTER unit,
    ADD COLUMN IF NOT EXISTS window_s UInt32 AFTER critical_threshold,
    ADD COLUMN IF NOT EXISTS refresh_s UInt32 AFTER window_s,
    ADD COLUMN IF NOT EXISTS visualisation LowCardinality(String) AFTER data_type,
    ADD COLUMN IF NOT EXISTS runbook String AFTER visualisation,
    ADD COLUMN IF NOT EXISTS definition String AFTER runbook;
