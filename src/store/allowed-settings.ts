/**
 * The settings that a statement of the SQL port may have, from its URL or in its text. What is not named here is refused,
 * whatever the engine thinks of it: a setting can name files, hold SQL, choose another parser, or lift a limit.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { checkTableFilters } from './table-filters.js';

/** Values that are taken: any, or whole numbers from `min` to `max`. Where 0 means "no limit", `min` is 1. */
export type SettingRule = 'any' | { min: number; max: number };

const UNLIMITED = Number.MAX_SAFE_INTEGER;
/** Where 0 means "no limit" and no limit is harmless, since memory and time have theirs. */
const NARROWER: SettingRule = { min: 0, max: UNLIMITED };

const RULES: ReadonlyMap<string, SettingRule> = new Map<string, SettingRule>([
  // Limits; that of memory has its ceiling from the settings of the port. An export reads a day of a table in one statement.
  ['max_execution_time', { min: 1, max: 600 }],
  ['max_block_size', { min: 1, max: 1_048_576 }],
  ['max_threads', { min: 1, max: 64 }],
  ['max_query_size', { min: 1, max: 4 * 1024 * 1024 }],
  ...[
    ...[
      'max_result_rows',
      'max_result_bytes',
      'max_rows_to_read',
      'max_bytes_to_read',
      'max_rows_to_read_leaf',
    ],
    ...['max_rows_to_group_by', 'max_rows_to_sort', 'max_bytes_to_sort', 'max_rows_in_distinct'],
    ...[
      'max_bytes_in_distinct',
      'max_rows_in_set',
      'max_bytes_in_set',
      'max_rows_in_join',
      'max_bytes_in_join',
    ],
    ...['max_rows_to_transfer', 'max_bytes_to_transfer', 'max_columns_to_read', 'limit', 'offset'],
  ].map((name): [string, SettingRule] => [name, NARROWER]),
  ...[
    ...['result_overflow_mode', 'read_overflow_mode', 'group_by_overflow_mode', 'sort_overflow_mode'],
    ...['distinct_overflow_mode', 'set_overflow_mode', 'join_overflow_mode', 'timeout_overflow_mode'],
    // What a question means.
    ...['session_timezone', 'extremes', 'totals_mode', 'final', 'join_use_nulls', 'join_default_strictness'],
    ...['join_any_take_last_row', 'any_join_distinct_right_table_keys', 'joined_subquery_requires_alias'],
    ...['group_by_use_nulls', 'prefer_column_name_to_alias', 'transform_null_in', 'cast_keep_nullable'],
    ...[
      'union_default_mode',
      'intersect_default_mode',
      'except_default_mode',
      'empty_result_for_aggregation_by_empty_set',
    ],
    ...['aggregate_functions_null_for_empty', 'asterisk_include_alias_columns', 'use_client_time_zone'],
    ...['asterisk_include_materialized_columns', 'data_type_default_nullable', 'decimal_check_overflow'],
    ...[
      'show_table_uuid_in_table_create_query_if_not_nil',
      'describe_compact_output',
      'describe_include_subcolumns',
    ],
    ...[
      'optimize_read_in_order',
      'optimize_aggregation_in_order',
      'optimize_move_to_prewhere',
      'optimize_and_compare_chain',
      'optimize_group_by_function_keys',
      'optimize_aggregators_of_group_by_keys',
      'compile_expressions',
      'compile_aggregate_expressions',
      'compile_sort_description',
      'do_not_merge_across_partitions_select_final',
      'join_algorithm',
    ],
    ...['additional_table_filters', 'low_cardinality_allow_in_native_format'],
    // How an answer looks.
    ...[
      'date_time_input_format',
      'date_time_output_format',
      'bool_true_representation',
      'bool_false_representation',
    ],
    ...['format_csv_delimiter', 'format_csv_allow_double_quotes', 'format_csv_allow_single_quotes'],
    ...[
      'format_csv_null_representation',
      'format_tsv_null_representation',
      'format_display_secrets_in_show_and_select',
    ],
    ...['format_binary_max_string_size', 'format_binary_max_array_size'],
    // How HTTP clients talk; those that the port does nothing about are taken all the same.
    ...['enable_http_compression', 'http_zlib_compression_level', 'http_write_exception_in_output_format'],
    ...['send_progress_in_http_headers', 'http_headers_progress_interval_ms', 'network_compression_method'],
    ...['cancel_http_readonly_queries_on_client_close', 'http_receive_timeout', 'http_send_timeout'],
    ...['http_connection_timeout', 'connect_timeout', 'receive_timeout', 'send_timeout', 'log_queries'],
    ...[
      'async_insert',
      'wait_for_async_insert',
      'insert_deduplicate',
      'use_query_cache',
      'stop_refreshable_materialized_views_on_startup',
    ],
  ].map((name): [string, SettingRule] => [name, 'any']),
]);

/** Names that only say how an answer is written, or how data in a statement is read. */
const FORMATTING = /^(output_format|input_format)_/;
/** Of these, what names a file or another machine. */
const NOT_FORMATTING = /schema|_file_path$|template|depth/;

export interface SettingLimits {
  /** Limits that no statement raises. */
  ceilings: Readonly<Record<string, string | number>>;
  /** Database whose tables additional filters may name. */
  database: string;
  /** What the engine has where nobody says anything, of every setting: one that changes nothing is always taken. */
  defaults: ReadonlyMap<string, string>;
}

/** What is to be done with a setting of this name; undefined where it is not taken. */
export function findSettingRule(
  name: string,
  ceilings: Readonly<Record<string, string | number>>,
): SettingRule | undefined {
  const ceiling = ceilings[name];
  if (ceiling !== undefined && !RULES.has(name)) return { min: 1, max: Number(ceiling) };
  if (FORMATTING.test(name) && !NOT_FORMATTING.test(name)) return 'any';
  return RULES.get(name);
}

/** Settings that clients send with every question, and that mean nothing here: not handed to the engine. */
const SWALLOWED = new Set([
  'readonly',
  'log_comment',
  'log_queries',
  'use_query_cache',
  'network_compression_method',
  'select_sequential_consistency',
  // Which pages may read answers is set where Plumbline is started, not by a request.
  'add_http_cors_header',
]);

/**
 * The settings of a URL, as the engine is to get them. Limits above their ceiling become the ceiling: clients send their own
 * time limits with every question.
 * @throws ClickHouseError 452 for a setting that is not taken, 115 for one that does not exist.
 */
export function allowUrlSettings(
  settings: Readonly<Record<string, string | number>>,
  { ceilings, database, defaults }: SettingLimits,
): Record<string, string> {
  const allowed: Record<string, string> = {};
  for (const [name, given] of Object.entries(settings)) {
    const value = String(given);
    if (name === 'readonly' && Number(value) === 0) throw readOnly();
    if (name === 'additional_table_filters') checkTableFilters(value, database);
    if (SWALLOWED.has(name) || (name === 'profile' && value === 'default')) continue;
    const rule = findSettingRule(name, ceilings);
    if (rule === undefined && defaults.get(name) === value) continue;
    if (rule === undefined) throw defaults.has(name) ? notTaken(name) : unknown(name);
    allowed[name] = rule === 'any' ? value : clamp(name, value, rule);
  }
  return allowed;
}

function clamp(name: string, value: string, { min, max }: Exclude<SettingRule, 'any'>): string {
  const number = readNumber(name, value);
  if (number < min) return String(max);
  return String(Math.min(number, max));
}

/** `SET name = DEFAULT`: what a session kept is given up. @throws ClickHouseError 452 or 115 where it is not taken at all. */
export function checkResetSetting(name: string, { ceilings, defaults }: SettingLimits): void {
  if (/^param_\w+$/.test(name) || findSettingRule(name, ceilings) !== undefined) return;
  throw defaults.has(name) ? notTaken(name) : unknown(name);
}

/** A setting in the text of a statement. @throws ClickHouseError 452 where it is not taken, or lifts a limit. */
export function checkStatementSetting(
  name: string,
  value: string,
  { ceilings, database, defaults }: SettingLimits,
): void {
  // Values of parameters, as in a URL.
  if (/^param_\w+$/.test(name)) return;
  const rule = findSettingRule(name, ceilings);
  if (rule === undefined && !defaults.has(name)) throw unknown(name);
  if (rule === undefined) throw notTaken(name);
  if (name === 'additional_table_filters' && value !== 'DEFAULT') checkTableFilters(value, database);
  if (rule === 'any') return;
  const number = readNumber(name, value.replace(/^'(.*)'$/s, '$1'));
  if (number >= rule.min && number <= rule.max) return;
  throw new ClickHouseError(
    452,
    'SETTING_CONSTRAINT_VIOLATION',
    `Setting ${name} must be from ${rule.min} to ${rule.max} on this port`,
  );
}

function readNumber(name: string, value: string): number {
  // Times may have fractions: 0.5 is less than the least, and not without limit.
  const number = /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : Number.NaN;
  if (Number.isNaN(number)) {
    throw new ClickHouseError(
      72,
      'CANNOT_PARSE_NUMBER',
      `Setting ${name} must be a number on this port, not '${value}'`,
    );
  }
  return number > 0 && number < 1 ? 1 : Math.floor(number);
}

function readOnly(): ClickHouseError {
  return new ClickHouseError(164, 'READONLY', "Cannot modify 'readonly' setting in readonly mode");
}

function notTaken(name: string): ClickHouseError {
  return new ClickHouseError(
    452,
    'SETTING_CONSTRAINT_VIOLATION',
    `Setting ${name} should not be changed: it is not among those that this port takes`,
  );
}

function unknown(name: string): ClickHouseError {
  return new ClickHouseError(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`);
}
