-- One version of a KPI's definition, from {valid_from} on.
INSERT INTO metric_definitions
(
    id, metric_name, title, category, subcategory, description, owner, unit, direction, target_value, warning_threshold, critical_threshold,
    window_s, refresh_s, calculation_method, data_type, visualisation, runbook, definition, active, valid_from
)
SELECT
    cityHash64({metric_name:String}), {metric_name:String}, {title:String}, {category:String}, {subcategory:String}, {description:String},
    {owner:String}, {unit:String}, {direction:String}, {target:Nullable(Float64)}, {warning:Nullable(Float64)}, {critical:Nullable(Float64)},
    {window_s:UInt32}, {refresh_s:UInt32}, {calculation_method:String}, {data_type:String}, {visualisation:String}, {runbook:String},
    {definition:String}, {active:Bool}, {valid_from:DateTime64(3, 'UTC')}
