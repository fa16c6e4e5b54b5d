-- One threshold of a KPI, from {valid_from} on.
INSERT INTO metric_targets (id, metric_id, target_type, target_value, description, valid_from)
SELECT
    cityHash64({metric_name:String}, {target_type:String}), cityHash64({metric_name:String}), {target_type:String}, {target_value:Float64},
    {description:String}, {valid_from:DateTime64(3, 'UTC')}
