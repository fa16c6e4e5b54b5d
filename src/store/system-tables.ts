/**
 * Tables of the database `system` that differ from what the embedded engine brings. The engine keeps that database in memory, so
 * that this is done each time it opens, and nothing of it is on disk.
 */

/** Logs and gauges that a ClickHouse server has and that tools read: here they are empty. */
const LOGS: Readonly<Record<string, string>> = {
  query_log: `hostname LowCardinality(String),
    type Enum8('QueryStart' = 1, 'QueryFinish' = 2, 'ExceptionBeforeStart' = 3, 'ExceptionWhileProcessing' = 4),
    event_date Date, event_time DateTime, event_time_microseconds DateTime64(6), query_start_time DateTime,
    query_start_time_microseconds DateTime64(6), query_duration_ms UInt64, read_rows UInt64, read_bytes UInt64,
    written_rows UInt64, written_bytes UInt64, result_rows UInt64, result_bytes UInt64, memory_usage UInt64,
    current_database LowCardinality(String), query String, formatted_query String, normalized_query_hash UInt64,
    query_kind LowCardinality(String), databases Array(LowCardinality(String)), tables Array(LowCardinality(String)),
    columns Array(LowCardinality(String)), partitions Array(LowCardinality(String)),
    projections Array(LowCardinality(String)), views Array(LowCardinality(String)), exception_code Int32, exception String,
    stack_trace String, is_initial_query UInt8, user LowCardinality(String), query_id String, address IPv6, port UInt16,
    initial_user LowCardinality(String), initial_query_id String, initial_address IPv6, initial_port UInt16,
    initial_query_start_time DateTime, initial_query_start_time_microseconds DateTime64(6), interface UInt8,
    is_secure UInt8, os_user LowCardinality(String), client_hostname LowCardinality(String),
    client_name LowCardinality(String), client_revision UInt32, client_version_major UInt32, client_version_minor UInt32,
    client_version_patch UInt32, script_query_number UInt32, script_line_number UInt32, http_method UInt8,
    http_user_agent LowCardinality(String), http_referer String, forwarded_for String, quota_key String,
    distributed_depth UInt64, revision UInt32, log_comment String, thread_ids Array(UInt64), peak_threads_usage UInt64,
    ProfileEvents Map(LowCardinality(String), UInt64), Settings Map(LowCardinality(String), LowCardinality(String)),
    used_aggregate_functions Array(LowCardinality(String)),
    used_aggregate_function_combinators Array(LowCardinality(String)),
    used_database_engines Array(LowCardinality(String)), used_data_type_families Array(LowCardinality(String)),
    used_dictionaries Array(LowCardinality(String)), used_formats Array(LowCardinality(String)),
    used_functions Array(LowCardinality(String)), used_storages Array(LowCardinality(String)),
    used_table_functions Array(LowCardinality(String)), used_row_policies Array(LowCardinality(String)),
    used_privileges Array(LowCardinality(String)), missing_privileges Array(LowCardinality(String)),
    transaction_id Tuple(UInt64, UInt64, UUID),
    query_cache_usage Enum8('Unknown' = 0, 'None' = 1, 'Write' = 2, 'Read' = 3),
    asynchronous_read_counters Map(LowCardinality(String), UInt64)`,
  asynchronous_metrics: 'metric String, value Float64, description String',
  asynchronous_metric_log: `hostname LowCardinality(String), event_date Date, event_time DateTime,
    metric LowCardinality(String), value Float64`,
  part_log: `hostname LowCardinality(String), query_id String,
    event_type Enum8('NewPart' = 1, 'MergeParts' = 2, 'DownloadPart' = 3, 'RemovePart' = 4, 'MutatePart' = 5, 'MovePart' = 6,
      'MergePartsStart' = 7, 'MutatePartStart' = 8),
    merge_reason Enum8('NotAMerge' = 1, 'RegularMerge' = 2, 'TTLDeleteMerge' = 3, 'TTLRecompressMerge' = 4, 'TTLDropMerge' = 5),
    merge_algorithm Enum8('Undecided' = 0, 'Vertical' = 1, 'Horizontal' = 2), event_date Date, event_time DateTime,
    event_time_microseconds DateTime64(6), duration_ms UInt64, database String, table String, table_uuid UUID,
    part_name String, partition_id String, partition String, part_type String, disk_name String, path_on_disk String,
    rows UInt64, size_in_bytes UInt64, merged_from Array(String), bytes_uncompressed UInt64, read_rows UInt64,
    read_bytes UInt64, peak_memory_usage UInt64, error UInt16, exception String,
    ProfileEvents Map(LowCardinality(String), UInt64)`,
};

/**
 * Tables that must not be read as the engine brings them: the first starts a process, the second sends signals to every thread, the
 * third always fails, since it asks the database `default` for what that cannot say.
 */
const REPLACED: Readonly<Record<string, string>> = {
  models: 'model_path String, type String, loading_start_time DateTime, loading_duration UInt64',
  stack_trace: 'thread_name String, thread_id UInt64, query_id String, trace Array(UInt64)',
  detached_tables: 'database String, table String, uuid UUID, metadata_path String, is_permanently UInt8',
};

/** Statements for a session that may do everything, once after the engine opened. A table of the engine Null has no rows. */
export const SYSTEM_TABLES: readonly string[] = [
  ...Object.keys(REPLACED).map((name) => `DROP TABLE IF EXISTS system.${name}`),
  ...Object.entries({ ...REPLACED, ...LOGS }).map(
    ([name, columns]) => `CREATE TABLE IF NOT EXISTS system.${name} (${columns}) ENGINE = Null`,
  ),
];
