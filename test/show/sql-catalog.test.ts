/**
 * What readers of the SQL port see of the engine's own tables: no parameterised view among the tables, nobody else's statements,
 * no path of the server, and an answer to everything that tools ask when they connect.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { READER_ROWS } from '../../src/store/reader-rows.js';
import { waitUntil } from '../testkit/server.js';
import { openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

let fixture: SqlFixture;
let port: SqlPort;

beforeAll(async () => {
  fixture = await openSqlFixture();
  const { engine } = fixture;
  await engine.command(
    "CREATE TABLE points (a UInt64, b Nullable(String) COMMENT 'text') ENGINE = MergeTree ORDER BY a",
  );
  await engine.command('CREATE VIEW plain AS SELECT a FROM points');
  await engine.command('CREATE VIEW above AS SELECT a FROM points WHERE a > {least:UInt64}');
  await engine.command("INSERT INTO points SELECT number, 'x' FROM numbers(10)");
  port = await fixture.openPort();
});
afterAll(() => fixture.close());

async function names(sql: string): Promise<string[]> {
  const answer = await port.ask(sql);
  expect(answer.status, answer.text).toBe(200);
  return answer.text.split('\n').filter(Boolean).sort();
}

describe('a view with parameters', () => {
  test.each([
    "SELECT name FROM system.tables WHERE database = 'plumbline'",
    "SELECT DISTINCT table FROM system.columns WHERE database = 'plumbline'",
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'plumbline'",
    "SELECT DISTINCT TABLE_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'plumbline'",
    'SHOW TABLES',
    'SHOW TABLES FROM plumbline',
    "SELECT name FROM merge('system', '^tables$') WHERE database = 'plumbline'",
    "SELECT name FROM (SELECT * FROM system.tables WHERE database = 'plumbline')",
    // Read as a stream.
    "SELECT name FROM system.tables WHERE database = 'plumbline' SETTINGS result_overflow_mode = 'throw'",
  ])('is not among the tables: %s', async (sql) => {
    expect(await names(sql)).toEqual(['plain', 'points']);
  });

  test('is not among the views, nor counted', async () => {
    expect(
      await names("SELECT table_name FROM information_schema.views WHERE table_schema = 'plumbline'"),
    ).toEqual(['plain']);
    expect(await names("SELECT count() FROM system.tables WHERE database = 'plumbline'")).toEqual(['2']);
    expect(await names("SELECT count() FROM system.tables WHERE name = 'above'")).toEqual(['0']);
  });

  test('is called by its name, described and shown', async () => {
    expect(await names('SELECT a FROM above(least = 7)')).toEqual(['8', '9']);
    expect(await names('SELECT a FROM plumbline.above(least = {n:UInt64}) SETTINGS param_n = 8')).toEqual([
      '9',
    ]);
    expect(await names('EXISTS TABLE above')).toEqual(['1']);
    expect((await port.ask('SHOW CREATE TABLE above')).text).toContain('{least:UInt64}');
    expect((await port.ask('DESCRIBE TABLE above')).status).toBe(200);
  });

  test('is found by its name as docs/sql-clients.md says', async () => {
    const [, section] = readFileSync('docs/sql-clients.md', 'utf8').split('## Which tables tools see');
    const [list, policy] = [...section!.matchAll(/```sql\n(.*?)```/gs)].map(([, sql]) => sql!);
    expect((await port.ask(list!)).text).toBe('above\n');
    expect((await port.ask(`SELECT formatQuery($$${policy}$$)`)).text).toContain('ROW POLICY');
  });

  test("is seen by Plumbline's own sessions", async () => {
    const rows = await fixture.engine.query(
      "SELECT name FROM system.tables WHERE database = 'plumbline' ORDER BY name",
    );
    expect(rows).toEqual([{ name: 'above' }, { name: 'plain' }, { name: 'points' }]);
  });
});

describe('a reader', () => {
  test('sees its own statement and no other', async () => {
    const sleeping = port.ask('SELECT sleepEachRow(1) FROM numbers(5) SETTINGS max_block_size = 1');
    const own = async () => {
      const rows = await fixture.engine.query(
        "SELECT 1 FROM system.processes WHERE query LIKE '%sleepEachRow%'",
      );
      return rows.length;
    };
    await waitUntil(own, (n) => n === 2, 10_000);
    expect((await port.ask('SELECT query FROM system.processes')).text).toBe(
      'SELECT query FROM system.processes\n',
    );
    expect((await port.ask('SHOW PROCESSLIST')).text).not.toContain('sleepEachRow');
    const url = { log_comment: 'plumbline-call-1' };
    expect((await port.ask('SELECT count() FROM system.processes', { url })).text).toBe('1\n');
    await sleeping;
  });

  test('sees no text of a statement that failed', async () => {
    await port.ask("SELECT toUInt8('somebody''s secret')");
    const rows = await fixture.engine.query(
      "SELECT 1 FROM system.errors WHERE last_error_message LIKE '%secret%'",
    );
    expect(rows.length).toBe(1);
    expect((await port.ask('SELECT * FROM system.errors')).text).toBe('');
  });

  test('gets an answer from every table of the engine, and no path of the server', async () => {
    const tables = await names("SELECT name FROM system.tables WHERE database = 'system'");
    expect(tables.length).toBeGreaterThan(100);
    // As a server without a Keeper, and as one that lets nobody look into its program.
    const refused = new Set(['distributed_ddl_queue', 'symbols']);
    for (const table of tables) {
      const answer = await port.ask(`SELECT * FROM system.\`${table}\` LIMIT 10000`);
      expect([table, answer.status === 200], answer.text.slice(0, 300)).toEqual([table, !refused.has(table)]);
      expect([table, answer.text.includes(fixture.directory)]).toEqual([table, false]);
      if (READER_ROWS[table] === '0') expect([table, answer.text]).toEqual([table, '']);
    }
  }, 60_000);

  test('gets no path in an error, and none from functions', async () => {
    for (const sql of [
      "SELECT getServerSetting('path')",
      "SELECT getServerSetting('config_file')",
      "SELECT * FROM system.tables WHERE throwIf(name = 'points', arrayStringConcat(data_paths))",
      'SELECT _path FROM system.parts',
      'SELECT count() FROM points WHERE _part_starting_offset = throwIf(1)',
    ])
      expect((await port.ask(sql)).text).not.toContain(fixture.directory);
  });
});

/** What each tool asks, in its own form. Each is answered, whatever there is to say. */
const TOOLS: Record<string, string[]> = {
  JDBC: [
    'SELECT currentUser() AS user, timezone() AS timezone, version() AS version, 1 AS readonly FORMAT RowBinaryWithNamesAndTypes',
    `SELECT t.database AS TABLE_SCHEM, t.name AS TABLE_NAME, if(t.is_temporary = 1, concat('Temporary', t.engine), t.engine) AS TABLE_TYPE,
      t.comment AS REMARKS, d.engine AS TYPE_SCHEM FROM system.tables AS t JOIN system.databases AS d ON system.tables.database = system.databases.name
      WHERE t.database LIKE '%' AND t.name LIKE '%' AND (t.engine IN ('View', 'MergeTree') OR t.engine LIKE 'System%')`,
    "SELECT table, name, type, toInt32(numeric_scale), position(upper(type), 'NULLABLE') >= 1 ? 'YES' : 'NO' FROM system.columns WHERE database LIKE '%' ORDER BY 1",
    'SELECT name AS TABLE_SCHEM, null AS TABLE_CATALOG FROM system.databases ORDER BY name',
    "SELECT name, if(is_aggregate, 'AGGREGATE', ''), origin FROM system.functions WHERE name LIKE '%'",
    'SELECT name, case_insensitive, alias_to FROM system.data_type_families',
    "SELECT system.tables.database, trim(arrayJoin(splitByChar(',', primary_key))) FROM system.tables WHERE name LIKE 'points'",
    "SELECT name, value, changed, description, readonly, type FROM system.settings WHERE name = 'max_threads'",
  ],
  DBeaver: [
    'SELECT VERSION()',
    'SHOW DATABASES',
    'SELECT name FROM system.table_engines',
    "SELECT name AS TABLE_NAME, engine AS TABLE_TYPE, database AS TABLE_SCHEM, comment AS REMARKS, * FROM system.tables WHERE database = 'plumbline'",
    "SELECT sum(bytes), sum(rows), max(modification_time), min(min_date), max(max_date), any(engine) FROM system.parts WHERE database = 'plumbline' AND table = 'points' GROUP BY table",
    'SHOW CREATE TABLE `plumbline`.`plain`',
    'SELECT * FROM system.processes',
  ],
  Metabase: [
    "SELECT count(*) > 0 FROM system.databases WHERE name = 'plumbline'",
    'SELECT timezone() AS tz',
    "SELECT value FROM system.settings WHERE name = 'cloud_mode'",
    'SELECT version(), currentDatabase()',
  ],
  'clickhouse-connect and Superset': [
    'SELECT version(), timezone()',
    'SELECT name, value, readonly FROM system.settings LIMIT 10000',
    'SHOW DATABASES',
    "SELECT name FROM system.databases WHERE name = 'plumbline'",
    'SHOW TABLES FROM `plumbline`',
    "SELECT name FROM system.tables WHERE database = 'plumbline' AND engine LIKE '%View'",
    'DESCRIBE TABLE `plumbline`.`points`',
    'EXISTS TABLE `plumbline`.`points`',
    'SELECT name FROM system.functions UNION ALL SELECT name FROM system.table_functions LIMIT 10000',
    "SELECT primary_key, sorting_key, partition_key, engine_full FROM system.tables WHERE database = 'plumbline' AND name = 'points'",
    "SELECT name, expr, type FROM system.data_skipping_indices WHERE database = 'plumbline'",
  ],
  "Grafana's builder and its dashboards of ClickHouse": [
    'SHOW DATABASES',
    'SHOW TABLES FROM "plumbline"',
    'DESC TABLE "plumbline"."points"',
    "SELECT name, type, table FROM system.columns WHERE database IN ('plumbline')",
    'SELECT name, is_aggregate, case_insensitive, alias_to, origin, description, syntax, arguments, returned_value, examples, categories FROM system.functions LIMIT 10000',
    'SELECT uptime() AS uptime',
    'SELECT name, path, formatReadableSize(free_space), 1 - free_space / total_space FROM system.disks',
    "SELECT count() FROM system.query_log WHERE type IN ('QueryFinish') AND initial_user IN ('a') AND query_kind = 'Select' AND event_time >= now() - 60",
    'SELECT any(normalizeQuery(query)), avg(memory_usage), quantile(0.95)(query_duration_ms) FROM system.query_log GROUP BY normalized_query_hash',
    "SELECT toDateTime64(event_time, 3, 'UTC') AS t, avg(value) FROM system.asynchronous_metric_log WHERE metric = 'LoadAverage1' GROUP BY t",
    'SELECT * FROM system.clusters',
    'SELECT * FROM system.replicas',
    'SELECT * FROM system.replication_queue',
    'SELECT * FROM system.merges',
    'SELECT * FROM system.mutations',
    'SELECT table, partition, rows, bytes_on_disk FROM system.parts WHERE active',
  ],
  administrators: [
    ...[
      'users',
      'roles',
      'grants',
      'role_grants',
      'row_policies',
      'quotas',
      'settings_profiles',
      'enabled_roles',
    ].map((table) => `SELECT * FROM system.${table}`),
    ...[
      'metrics',
      'events',
      'asynchronous_metrics',
      'dictionaries',
      'formats',
      'part_log',
      'macros',
      'warnings',
    ].map((table) => `SELECT * FROM system.${table}`),
    ...['ACCESS', 'GRANTS', 'PROCESSLIST', 'USERS', 'ROLES', 'QUOTAS', 'PROFILES', 'POLICIES', 'CREATE USER'],
    ...[
      "SETTINGS LIKE 'max_thr%'",
      "CHANGED SETTINGS ILIKE '%x%'",
      'ENGINES',
      'DICTIONARIES',
      'CLUSTERS',
      'MERGES',
    ],
    ...[
      "FUNCTIONS LIKE 'toStart%'",
      'COLUMNS FROM points',
      'INDEX FROM points',
      'FULL TABLES',
      'CURRENT ROLES',
    ],
    ...['CREATE DATABASE plumbline', 'SETTING max_threads'],
  ].map((sql) => (sql.startsWith('SELECT') ? sql : `SHOW ${sql}`)),
};

describe('what tools ask when they connect is answered', () => {
  test.each(Object.keys(TOOLS))('%s', async (tool) => {
    for (const sql of TOOLS[tool]!) {
      const answer = await port.ask(sql);
      expect([sql, answer.status], answer.text.slice(0, 300)).toEqual([sql, 200]);
    }
  });

  test('also in a session that is set read-only, and with settings that Metabase sends', async () => {
    const url = { session_id: 'dbeaver', select_sequential_consistency: '1' };
    expect((await port.ask('SET readonly=1', { url })).status).toBe(200);
    expect((await port.ask('SELECT 1', { url })).text).toBe('1\n');
    for (const sql of ['SET readonly = 0', 'SET readonly = 3', 'SELECT 1 SETTINGS readonly = 0'])
      expect((await port.ask(sql, { url })).headers.get('x-clickhouse-exception-code')).toBe('164');
  });

  test('the log of queries stays empty', async () => {
    await port.ask('SELECT 12345');
    expect((await port.ask('SELECT count() FROM system.query_log')).text).toBe('0\n');
  });
});
