/**
 * "Read-only" means harmless: what is not on the lists is refused before the engine plans anything, whichever settings and table
 * functions the engine has; limits are ceilings; a statement that takes too long can be ended.
 */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findSettingRule } from '../../src/store/allowed-settings.js';
import { isPlain } from '../../src/store/plain-sql.js';
import { ALLOWED_TABLE_FUNCTIONS, readPlainSelect } from '../../src/store/statement-check.js';
import { waitUntil } from '../testkit/server.js';
import { openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

let fixture: SqlFixture;
let port: SqlPort;

beforeAll(async () => {
  fixture = await openSqlFixture();
  await fixture.engine.command('CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a');
  await fixture.engine.command('INSERT INTO t SELECT number FROM numbers(10)');
  port = await fixture.openPort();
});
afterAll(() => fixture.close());

/** Every file below the directory of the test. */
function listFiles(): string[] {
  return (readdirSync(fixture.directory, { recursive: true }) as string[])
    .filter((name) => !/(^|\/)(tmp|store)\//.test(name))
    .sort();
}

describe('a statement', () => {
  test.each([
    "SELECT * FROM sqlite('{file}', 't')",
    "DESCRIBE TABLE sqlite('{file}', 't')",
    "EXPLAIN SELECT * FROM sqlite('{file}', 't')",
    "EXPLAIN SYNTAX SELECT * FROM sqlite('{file}', 't')",
    "EXPLAIN QUERY TREE SELECT * FROM `sqlite`('{file}', 't')",
    "SELECT * FROM SQLITE('{file}', 't')",
    "SELECT 1 WHERE 1 IN (SELECT * FROM sqlite('{file}', 't'))",
    "WITH (SELECT count() FROM sqlite('{file}', 't')) AS n SELECT n",
    "SHOW TABLES WHERE name IN (SELECT * FROM sqlite('{file}', 't'))",
    "SELECT * FROM view(SELECT * FROM sqlite('{file}', 't'))",
    "SELECT * FROM sqlite/**/('{file}', 't')",
    "SELECT * FROM sqlite -- (\n('{file}', 't')",
  ])('creates no file: %s', async (sql) => {
    const before = listFiles();
    const answer = await port.ask(sql.replace('{file}', `${fixture.directory}/evil.sql`));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(listFiles()).toEqual(before);
  });

  test.each([
    ['SELECT 1 SETTINGS max_execution_time = 0', {}],
    ['SELECT 1 SETTINGS max_execution_time = 100000', {}],
    ['SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)', {}],
    ['SELECT 1 SETTINGS max_memory_usage = 0', {}],
    ['SELECT 1 SETTINGS max_memory_usage = 100000000000', {}],
    ['SELECT 1 SETTINGS max_execution_time = DEFAULT', {}, 72],
    ['SELECT 1 SETTINGS max_memory_usage = DEFAULT', {}, 72],
    ["SELECT 1 SETTINGS log_comment = 'x'", {}],
    ['SELECT 1 SETTINGS max_parser_depth = 100000', {}],
    ['SELECT 1 SETTINGS max_subquery_depth = 100000', {}],
    ['SELECT 1', { max_parser_depth: '100000' }],
    ['SELECT 1', { max_ast_depth: '100000' }],
    ['SELECT 1', { max_temporary_data_on_disk_size_for_query: '99999999999' }],
  ])('raises no limit: %s %j', async (sql, url, code = 452) => {
    const answer = await port.ask(sql as string, { url: url as Record<string, string> });
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe(String(code));
  });

  test('of a URL that asks for no limit gets the ceiling', async () => {
    const sql = "SELECT getSetting('max_execution_time'), getSetting('max_memory_usage')";
    const [, memory] = (await port.ask(sql)).text.trim().split('\t');
    for (const value of ['0', '99999999999999']) {
      const url = { max_execution_time: value, max_memory_usage: value };
      const [time, own] = (await port.ask(sql, { url })).text.trim().split('\t');
      expect([time, own]).toEqual(['600', memory]);
    }
  });

  test('that nests too deeply is refused, and the engine lives on', async () => {
    for (const depth of [150, 800, 5_000]) {
      const nested = Array.from({ length: depth }).reduce<string>(
        (inner) => `SELECT * FROM (${inner})`,
        'SELECT 1',
      );
      for (const sql of [
        nested,
        `SELECT ${'('.repeat(depth)}1${')'.repeat(depth)}`,
        `SELECT ${'['.repeat(depth)}1${']'.repeat(depth)}`,
      ]) {
        const answer = await port.ask(sql, { url: { max_parser_depth: '1000' } });
        expect(answer.status === 200 || /TOO_DEEP|SYNTAX|depth/i.test(answer.text), answer.text).toBe(true);
      }
    }
    expect((await port.ask('SELECT count() FROM t')).text).toBe('10\n');
  }, 60_000);

  test('of every kind shows no path of the server in its errors', async () => {
    for (const sql of [
      'EXPLAIN AST SELECT 1',
      'EXPLAIN AST SELECT nothing FROM nowhere',
      'SHOW CREATE TABLE nowhere',
      'SELECT 1 FORMAT Nowhere',
      'DESCRIBE nowhere',
    ]) {
      expect((await port.ask(sql)).text).not.toContain(fixture.directory);
    }
    expect((await port.ask('EXPLAIN AST SELECT 1')).text).toContain('SelectWithUnionQuery');
  });

  test('with settings that its text may have runs with them', async () => {
    const sql =
      "SELECT getSetting('max_threads') AS n, getSetting('session_timezone') AS z SETTINGS max_threads = 2, session_timezone = 'Asia/Kolkata'";
    expect((await port.ask(sql)).text).toBe('2\tAsia/Kolkata\n');
    expect((await port.ask("SELECT getSetting('max_threads') = 2")).text).toBe('0\n');
    const filtered = "SELECT count() FROM t SETTINGS additional_table_filters = {'plumbline.t' : 'a < 3'}";
    expect((await port.ask(filtered)).text).toBe('3\n');
    const url = { additional_table_filters: "{'t':'a >= 3 AND a != 5'}" };
    expect((await port.ask('SELECT count() FROM t', { url })).text).toBe('6\n');
  });

  test('ends when its client goes away, whatever it calls itself', async () => {
    const stop = new AbortController();
    const query = 'SELECT sleepEachRow(1) FROM numbers(1000) SETTINGS max_block_size = 1';
    const url = { log_comment: 'mine', query, max_execution_time: '60' };
    const asked = fetch(`${port.url}?${new URLSearchParams(url)}`, { signal: stop.signal }).catch(
      () => undefined,
    );
    const count = async () => {
      const sql =
        "SELECT 1 FROM system.processes WHERE query LIKE '%sleepEachRow(1)%' AND query NOT LIKE '%system%'";
      return (await fixture.engine.query(sql)).length;
    };
    await waitUntil(count, (n) => n === 1, 10_000);
    stop.abort();
    await asked;
    await waitUntil(count, (n) => n === 0, 10_000);
  });
});

describe('every table function and every setting of the engine', () => {
  test('is on the list, or refused without a file or a connection', async () => {
    const names = (await port.ask('SELECT name FROM system.table_functions ORDER BY name')).text
      .trim()
      .split('\n');
    expect(names.length).toBeGreaterThan(50);
    const before = listFiles();
    for (const name of names) {
      const argument = `'${fixture.directory}/evil', 'TSV', 'a String'`;
      for (const sql of [`SELECT * FROM ${name}(${argument})`, `DESCRIBE TABLE \`${name}\`(${argument})`]) {
        const answer = await port.ask(sql);
        const refused = ['497', '164'].includes(answer.headers.get('x-clickhouse-exception-code') ?? '');
        // The first is also a function of texts, and the engine asks for a right; the others are parsed as statements.
        if (['format', 'viewIfPermitted', 'viewExplain'].includes(name))
          expect(answer.status).toBeGreaterThanOrEqual(400);
        else if (!ALLOWED_TABLE_FUNCTIONS.has(name)) expect([name, refused]).toEqual([name, true]);
      }
    }
    expect(listFiles()).toEqual(before);
  }, 60_000);

  test('of settings: few are taken, and none that names a file, holds SQL, or lifts a limit', async () => {
    const rows = (await port.ask('SELECT name, `default` FROM system.settings ORDER BY name')).text
      .trim()
      .split('\n');
    expect(rows.length).toBeGreaterThan(1_000);
    const taken = rows
      .map((row) => row.split('\t')[0]!)
      .filter((name) => findSettingRule(name, {}) !== undefined);
    const others = taken.filter((name) => !/^(output_format|input_format)_/.test(name));
    expect(others.length).toBeLessThan(110);
    const suspicious =
      /path|file|schema|template|dialect|depth|url|script|cluster|parallel_replicas|_filter$|analyzer|experimental|profile|readonly/;
    const harmless = new Set([
      'cancel_http_readonly_queries_on_client_close',
      'compile_sort_description',
      'input_format_json_use_string_type_for_ambiguous_paths_in_named_tuples_inference_from_objects',
      'input_format_parquet_local_file_min_bytes_for_seek',
      'output_format_avro_rows_in_file',
      'output_format_parquet_write_bloom_filter',
    ]);
    expect(taken.filter((name) => suspicious.test(name) && !harmless.has(name))).toEqual([]);
  });

  test('a setting that is refused changes nothing, also beside one that is taken', async () => {
    const answer = await port.ask("SELECT getSetting('max_threads')", {
      url: { max_threads: '3', dialect: 'prql' },
    });
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe('452');
  });
});

describe('a plain SELECT', () => {
  const functions = ['url', 'sqlite', 'numbers', 'file', 's3'];
  test.each([
    'SELECT 1',
    "SELECT count(), max(a) AS m FROM t WHERE b = 'it is' AND c >= -1.5e3 GROUP BY d ORDER BY e LIMIT 10",
    "select toStartOfHour(time, 'UTC') as h from number_increase(metric = 'x', start = 1) where `a b` > 0",
    "WITH 1 AS x SELECT x['key'], arr[1], m.1, a ? 1 : 2, a || b;",
    'SELECT 1\nFORMAT JSON;',
    "SELECT 'url', 'SETTINGS', '--', '/*' FROM numbers(3)",
  ])('is seen as one: %s', (sql) => {
    expect(readPlainSelect(sql, functions)).toBeDefined();
  });
  test.each([
    'SELECT 1; SELECT 2',
    'SELECT 1 SETTINGS max_threads = 1',
    'SELECT 1 -- x',
    'SELECT 1 /* x */',
    'SELECT 1 # x',
    "SELECT 'a\\'', file('x')",
    "SELECT * FROM url('x')",
    "SELECT * FROM `url`('x')",
    "SELECT `u`\n('x')",
    'SELECT "a"',
    'SELECT $$a$$',
    'SELECT {a:Identifier}',
    'SELECT “a”',
    'SELECT a\u00a0b',
    "SELECT arrayMap(file, ['x'])",
    'SELECT 1 INTO OUTFILE x',
    'INSERT INTO t SELECT 1',
    'EXPLAIN SELECT 1',
    'SELECT * APPLY x',
    'SELECT 1 FORMAT JSON SETTINGS max_threads = 1',
    'SELECT 1 FORMAT {a:Identifier}',
    'SELECT format FROM t FORMAT JSON',
  ])('is not taken for one: %s', (sql) => {
    expect(readPlainSelect(sql, functions)).toBeUndefined();
  });
  test('of any length is seen fast', () => {
    expect(isPlain('a'.repeat(60_000), new Set())).toBe(true);
    expect(isPlain(`${'a '.repeat(30_000)}\\`, new Set())).toBe(false);
  });
});
