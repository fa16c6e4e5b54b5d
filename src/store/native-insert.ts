/**
 * The INSERT of Native blocks, the same for both drivers: one statement, deduplicated by its token, also in the tables
 * that materialised views fill.
 */
import type { InsertOptions } from '../model/clickhouse.js';
import { quoteTable, type Settings } from './session-settings.js';

/**
 * `optimize_on_insert = 0`: sorting out duplicates during the insert takes five times the CPU and merges do it anyway.
 * One insert thread, so that a retry cuts the same blocks and finds its tokens. Partitions (days) of one insert are bounded
 * by PLUMBLINE_POINT_AGE_MAX_MS: what was acknowledged must go in. By default ClickHouse leaves out columns that the table
 * lacks, without an error.
 */
const INSERT_SETTINGS: Settings = {
  async_insert: 0,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  input_format_skip_unknown_fields: 0,
  max_insert_threads: 1,
  max_partitions_per_insert_block: 0,
  optimize_on_insert: 0,
};

/** `source` is where the data comes from, as a clause of the statement; empty for data that follows it. */
export function buildNativeInsert(
  table: string,
  options: InsertOptions,
  source: string,
): { sql: string; settings: Settings } {
  return {
    sql: `INSERT INTO ${quoteTable(table)} ${source} FORMAT Native`,
    settings: {
      ...INSERT_SETTINGS,
      ...options.settings,
      insert_deduplication_token: options.deduplicationToken,
    },
  };
}
