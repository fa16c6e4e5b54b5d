/**
 * The statements of retention, one table at a time. Enters: a table and what to do; leaves: what it holds and what its TTL
 * says, or a change that is done when the promise resolves. Decides nothing.
 */
import { setTimeout } from 'node:timers/promises';
import type { ClickHouse } from '../model/clickhouse.js';
import type { KeepRules, RowsOfCategory, StoredTable } from '../model/retention.js';
import { storedNameOf, systemTable } from './cluster-tables.js';
import { buildTtl, findTtl, parseTtl, RETAINED_TABLES, type RetainedTable } from './retention-ttl.js';
import { readQuery } from './sql-files.js';

export type ReadTable = RetainedTable & StoredTable & { isEmpty: boolean };

/** Rows that are too old at a moment; `expired` is made by retention-ttl.ts. */
export interface Expired {
  expired: string;
  nowUnixMs: number;
}

const POLL_MS = 50;
const POLL_MAX_MS = 1_000;

/** Every table with its TTL as ClickHouse has it now. */
export async function readTables(clickhouse: ClickHouse): Promise<ReadTable[]> {
  const stored = (table: string) => storedNameOf(clickhouse, table);
  const params = {
    database: clickhouse.database,
    tables: RETAINED_TABLES.map(({ table }) => stored(table)),
  };
  const rows = await clickhouse.query<{ name: string; statement: string; rows: string }>(
    `SELECT name, any(create_table_query) AS statement, toString(sum(total_rows)) AS rows
     FROM ${systemTable(clickhouse, 'tables')}
     WHERE database = {database:String} AND name IN {tables:Array(String)}
     GROUP BY name`,
    { params },
  );
  const found = new Map(rows.map((row) => [row.name, row]));
  return RETAINED_TABLES.map((table) => {
    const row = found.get(stored(table.table));
    const ttl = findTtl(row?.statement ?? '');
    return { ...table, ttl, rules: parseTtl(table, ttl, clickhouse.database), isEmpty: row?.rows === '0' };
  });
}

/** What a table holds, by category; with `which`, only what is too old, each row once however often it was sent. */
export async function countRows(
  clickhouse: ClickHouse,
  { table, resolution, time, isEmpty }: ReadTable,
  which?: Expired,
): Promise<RowsOfCategory[]> {
  if (isEmpty) return [];
  const query = readQuery('retention_rows').replace('system.parts', systemTable(clickhouse, 'parts'));
  const sql =
    which === undefined
      ? query
      : query.replace('/*final*/', 'FINAL').replace('/*too old*/', `AND (${which.expired})`);
  const rows = await clickhouse.query<
    Record<'category' | 'rows' | 'bytes' | 'oldest_ms' | 'newest_ms', string>
  >(sql, {
    params: {
      table,
      database: clickhouse.database,
      name: storedNameOf(clickhouse, table),
      time,
      ...nowParam(which),
    },
    // Rows with the same key are in the same partition: none has to be merged across partitions.
    settings: { do_not_merge_across_partitions_select_final: 1 },
  });
  return rows.map((row) => ({
    table,
    resolution,
    category: row.category,
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    oldest: new Date(Number(row.oldest_ms)).toISOString(),
    newest: new Date(Number(row.newest_ms)).toISOString(),
  }));
}

/** Begins to delete what is too old; `waitForMutations` waits until it is gone. */
export async function deleteRows(
  clickhouse: ClickHouse,
  table: RetainedTable,
  which: Expired,
): Promise<void> {
  await clickhouse.command(`ALTER TABLE {table:Identifier} DELETE WHERE ${which.expired}`, {
    params: { table: table.table, ...nowParam(which) },
    settings: { allow_nondeterministic_mutations: 1 },
  });
}

/**
 * Sets the TTL. Where there are rows ClickHouse then works out for every part when it grows too old, which reads two columns
 * and rewrites no data; `waitForMutations` waits until it has.
 */
export async function modifyTtl(clickhouse: ClickHouse, table: ReadTable, rules: KeepRules): Promise<void> {
  const params = { table: table.table };
  const ttl = buildTtl(table, rules, clickhouse.database);
  if (ttl === '') {
    await clickhouse.command('ALTER TABLE {table:Identifier} REMOVE TTL', { params });
    return;
  }
  if (!table.isEmpty) {
    const setting = 'MODIFY SETTING materialize_ttl_recalculate_only = 1';
    await clickhouse.command(`ALTER TABLE {table:Identifier} ${setting}`, { params });
  }
  const settings = { materialize_ttl_after_modify: table.isEmpty ? 0 : 1 };
  await clickhouse.command(`ALTER TABLE {table:Identifier} MODIFY TTL ${ttl}`, { params, settings });
}

/** ClickHouse finishes what it has begun, also where nobody waits any more. */
export async function waitForMutations(
  clickhouse: ClickHouse,
  { table }: RetainedTable,
  signal: AbortSignal,
): Promise<void> {
  for (let pauseMs = POLL_MS; ; pauseMs = Math.min(2 * pauseMs, POLL_MAX_MS)) {
    const [row] = await clickhouse.query<{ waiting: string; reason: string }>(
      `SELECT count() AS waiting, any(latest_fail_reason) AS reason FROM ${systemTable(clickhouse, 'mutations')}
       WHERE NOT is_done AND database = {database:String} AND table = {table:String}`,
      { params: { database: clickhouse.database, table: storedNameOf(clickhouse, table) } },
    );
    if (Number(row!.waiting) === 0) return;
    if (row!.reason !== '') throw new Error(`ClickHouse cannot change ${table}: ${row!.reason}`);
    await setTimeout(pauseMs, undefined, { signal });
  }
}

function nowParam(which: Expired | undefined): { now?: string } {
  if (which === undefined) return {};
  return { now: new Date(which.nowUnixMs).toISOString().slice(0, 19).replace('T', ' ') };
}
