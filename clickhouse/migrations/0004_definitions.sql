-- The KPI catalogue as the founding document's tables, versioned: a status is judged with what was in force at its time.
CREATE TABLE metric_definitions
(
    id UInt64,
    metric_name LowCardinality(String),
    category LowCardinality(String),
    subcategory LowCardinality(String),
    description String,
    unit LowCardinality(String),
    target_value Nullable(Float64),
    warning_threshold Nullable(Float64),
    critical_threshold Nullable(Float64),
    calculation_method LowCardinality(String),
    data_type LowCardinality(String),
    active Bool DEFAULT true,
    valid_from DateTime64(3, 'UTC') DEFAULT now64(3),
    created_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (metric_name, valid_from);

CREATE TABLE metric_targets
(
    id UInt64,
    metric_id UInt64,
    target_type Enum8('target' = 1, 'warning' = 2, 'critical' = 3),
    target_value Float64,
    description String,
    valid_from DateTime64(3, 'UTC') DEFAULT now64(3),
    created_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (metric_id, target_type, valid_from);
