/**
 * The drain removes a segment of the spool once its inserts are answered, so that an answered insert has to be on disk, and
 * whatever a merge puts in its place too: in the embedded engine and on a server.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { KNOWN_TABLES } from '../../src/store/cluster-tables.js';
import { connectClickHouse } from '../../src/store/http-driver.js';
import { applyMigrations } from '../../src/store/migrations.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { makeDataDirectory } from '../testkit/server.js';
import { startSqlServer } from '../testkit/sql-server.js';

const SETTINGS = {
  fsync_after_insert: '1',
  fsync_part_directory: '1',
  min_compressed_bytes_to_fsync_after_fetch: '1',
  min_rows_to_fsync_after_merge: '1',
};
const NAMES = Object.keys(SETTINGS);

/** What each MergeTree table says of these settings itself. */
async function readTables(clickhouse: ClickHouse): Promise<Map<string, Record<string, string>>> {
  const rows = await clickhouse.query<{ name: string; engine_full: string }>(
    `SELECT name, engine_full FROM system.tables
     WHERE database = {database:String} AND engine LIKE '%MergeTree' ORDER BY name`,
    { params: { database: clickhouse.database } },
  );
  const own = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/(\w+) = (\d+)/g)]
        .map(([, name, value]) => [name!, value!] as const)
        .filter(([name]) => NAMES.includes(name)),
    );
  return new Map(rows.map(({ name, engine_full }) => [name, own(engine_full)]));
}

describe('the embedded engine', () => {
  let scratch: ScratchEngine;
  let clickhouse: ClickHouse;
  beforeAll(async () => {
    scratch = await openScratchEngine();
    clickhouse = scratch.clickhouse;
  }, 60_000);
  afterAll(() => scratch.close());

  it('fsyncs inserts and merges by default, and no table says otherwise', async () => {
    const rows = await clickhouse.query<{ name: string; value: string }>(
      'SELECT name, value FROM system.merge_tree_settings WHERE name IN ({names:Array(String)})',
      { params: { names: NAMES } },
    );
    expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual(SETTINGS);
    const tables = await readTables(clickhouse);
    expect([...tables.keys()]).toEqual([...KNOWN_TABLES].sort());
    for (const [table, own] of tables) expect({ ...SETTINGS, ...own }, table).toEqual(SETTINGS);
  });

  it('has fsynced the files of a part when an insert into any table is answered, and of a merged part too', async () => {
    const countSyncs = async () => {
      const [row] = await clickhouse.query<{ files: string; directories: string }>(
        `SELECT sumIf(value, event = 'FileSync') AS files, sumIf(value, event = 'DirectorySync') AS directories
         FROM system.events`,
      );
      return { files: Number(row!.files), directories: Number(row!.directories) };
    };
    // Nothing but these statements works on the tables.
    await clickhouse.command('SYSTEM STOP MERGES');
    for (const table of KNOWN_TABLES) {
      const before = await countSyncs();
      for (let i = 0; i < 2; i++) {
        await clickhouse.command(
          `INSERT INTO ${table} SELECT * FROM generateRandom((SELECT structure FROM
             (SELECT arrayStringConcat(groupArray(name || ' ' || type), ', ') AS structure FROM
              (SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '${table}'
               AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY position)))) LIMIT 1`,
          { settings: { max_partitions_per_insert_block: 0 } },
        );
      }
      const after = await countSyncs();
      // Data, marks, primary key, checksums and the like of two parts at least.
      expect(after.files - before.files, table).toBeGreaterThanOrEqual(10);
      expect(after.directories - before.directories, table).toBeGreaterThanOrEqual(2);
    }
    await clickhouse.command('SYSTEM START MERGES');
    const before = await countSyncs();
    await clickhouse.command('OPTIMIZE TABLE schema_migrations FINAL');
    expect((await countSyncs()).files - before.files).toBeGreaterThanOrEqual(5);
  });
});

describe('a server', () => {
  it('gets the settings with every table, and keeps what else a table has', async () => {
    const data = makeDataDirectory();
    const server = await startSqlServer(data.path);
    const clickhouse = await connectClickHouse({
      url: server.url,
      username: 'default',
      password: '',
      database: 'plumbline',
      requestTimeoutMs: 60_000,
    });
    try {
      await applyMigrations(clickhouse);
      const tables = await readTables(clickhouse);
      expect([...tables.keys()]).toEqual([...KNOWN_TABLES].sort());
      for (const [table, own] of tables) expect(own, table).toEqual(SETTINGS);
      await clickhouse.command('ALTER TABLE exemplars RESET SETTING fsync_after_insert');
      await applyMigrations(clickhouse);
      expect((await readTables(clickhouse)).get('exemplars')).toEqual(SETTINGS);
    } finally {
      await clickhouse.close();
      await server.stop();
      data.remove();
    }
  }, 60_000);
});
