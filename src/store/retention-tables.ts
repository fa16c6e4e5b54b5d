/**
 * The statements of retention, one table at a time. Enters: a table and what to do; leaves: what it holds and what its TTL
 * says, or a change that is done when the promise resolves. Decides nothing.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { KeepRules, RowsOfCategory, StoredTable } from '../model/retention.js';
import { buildTtl, findTtl, parseTtl, RETAINED_TABLES, type RetainedTable } from './retention-ttl.js';
import { readQuery } from './sql-files.js';

export type ReadTable = RetainedTable & StoredTable;

/** Rows that are too old at a moment; `expired` is made by retention-ttl.ts. */
export interface Expired {
  expired: string;
  nowUnixMs: number;
}

const POLL_MS = 50;
const POLL_MAX_MS = 1_000;

/** Every table with its TTL as ClickHouse has it now. */
export async function readTables(clickhouse: ClickHouse): Promise<ReadTable[]> {
  const rows = await clickhouse.query<{ name: string; statement: string }>(
    `SELECT name, create_table_query AS statement FROM system.tables
     WHERE database = currentDatabase() AND name IN {tables:Array(String)}`,
    { params: { tables: RETAINED_TABLES.map(({ table }) => table) } },
  );
  const statements = new Map(rows.map(({ name, statement }) => [name, statement]));
  return RETAINED_TABLES.map((table) => {
    const ttl = findTtl(statements.get(table.table) ?? '');
    return { ...table, ttl, rules: parseTtl(table, ttl, clickhouse.database) };
  });
}

/** Rows in all of them. */
export async function countStoredRows(clickhouse: ClickHouse): Promise<number> {
  const [row] = await clickhouse.query<{ rows: string }>(
    `SELECT sum(rows) AS rows FROM system.parts
     WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)}`,
    { params: { tables: RETAINED_TABLES.map(({ table }) => table) } },
  );
  return Number(row!.rows);
}

/** What a table holds, by category; with `which`, only what is too old, each row once however often it was sent. */
export async function countRows(
  clickhouse: ClickHouse,
  { table, resolution, time }: RetainedTable,
  which?: Expired,
): Promise<RowsOfCategory[]> {
  const sql =
    which === undefined
      ? readQuery('retention_rows')
      : readQuery('retention_rows')
          .replace('/*final*/', 'FINAL')
          .replace('/*too old*/', `AND (${which.expired})`);
  const rows = await clickhouse.query<
    Record<'category' | 'rows' | 'bytes' | 'oldest_ms' | 'newest_ms', string>
  >(sql, {
    params: { table, name: table, time, ...nowParam(which) },
    // A row lives in the partition of its time: none has to be merged across partitions.
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

/** Deletes what is too old; resolves when it is gone. */
export async function deleteRows(
  clickhouse: ClickHouse,
  table: RetainedTable,
  which: Expired,
): Promise<void> {
  await clickhouse.command(`ALTER TABLE {table:Identifier} DELETE WHERE ${which.expired}`, {
    params: { table: table.table, ...nowParam(which) },
    settings: { allow_nondeterministic_mutations: 1 },
  });
  await waitForMutations(clickhouse, table);
}

/**
 * Sets the TTL. Where there are rows ClickHouse then works out for every part when it grows too old, which reads two columns
 * and rewrites no data; `waitForMutations` waits until it has.
 */
export async function modifyTtl(
  clickhouse: ClickHouse,
  table: RetainedTable,
  rules: KeepRules,
  { isEmpty }: { isEmpty: boolean },
): Promise<void> {
  const params = { table: table.table };
  const ttl = buildTtl(table, rules, clickhouse.database);
  if (ttl === '') {
    await clickhouse.command('ALTER TABLE {table:Identifier} REMOVE TTL', { params });
    return;
  }
  if (!isEmpty) {
    const setting = 'MODIFY SETTING materialize_ttl_recalculate_only = 1';
    await clickhouse.command(`ALTER TABLE {table:Identifier} ${setting}`, { params });
  }
  const settings = { materialize_ttl_after_modify: isEmpty ? 0 : 1 };
  await clickhouse.command(`ALTER TABLE {table:Identifier} MODIFY TTL ${ttl}`, { params, settings });
}

export async function waitForMutations(clickhouse: ClickHouse, { table }: RetainedTable): Promise<void> {
  for (let pauseMs = POLL_MS; ; pauseMs = Math.min(2 * pauseMs, POLL_MAX_MS)) {
    const [row] = await clickhouse.query<{ waiting: string; reason: string }>(
      `SELECT count() AS waiting, any(latest_fail_reason) AS reason FROM system.mutations
       WHERE NOT is_done AND database = currentDatabase() AND table = {table:String}`,
      { params: { table } },
    );
    if (Number(row!.waiting) === 0) return;
    if (row!.reason !== '') throw new Error(`ClickHouse cannot change ${table}: ${row!.reason}`);
    await new Promise((done) => setTimeout(done, pauseMs));
  }
}

function nowParam(which: Expired | undefined): { now?: string } {
  if (which === undefined) return {};
  return { now: new Date(which.nowUnixMs).toISOString().slice(0, 19).replace('T', ' ') };
}
