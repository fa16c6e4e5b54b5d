/**
 * What the read-only SQL port must refuse: everything that writes, lifts its limits, reads files, or talks to other
 * machines. Each attack is refused with its code, changes nothing, and leaves the port serving.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AskOptions, openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

const SECRET = 'only the server may read this';
/** `{secret}` a file to steal, `{out}` a file to write, `{dir}` their directory, `{net}` host:port of a server. */
const ATTACKS: Record<string, string[]> = {
  // READONLY
  164: [
    'INSERT INTO t VALUES (9)',
    'INSERT INTO t SELECT 9',
    'INSERT INTO t FORMAT TSV 9',
    'WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x',
    "INSERT INTO FUNCTION file('{out}', 'TSV', 'a UInt8') SELECT 1",
    "INSERT INTO FUNCTION url('http://{net}/', 'TSV', 'a UInt8') SELECT 1",
    "INSERT INTO t FROM INFILE '{secret}' FORMAT TSV",
    'CREATE TABLE u (a UInt8) ENGINE = Memory',
    'CREATE TEMPORARY TABLE u (a UInt8)',
    'CREATE OR REPLACE TABLE t (a UInt8) ENGINE = Memory',
    'CREATE TABLE u (a UInt8) ENGINE = Memory PARALLEL WITH DROP TABLE t',
    'CREATE VIEW v AS SELECT 1',
    'CREATE MATERIALIZED VIEW v TO t AS SELECT a FROM t',
    'CREATE DATABASE d',
    "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(FILE(path '{secret}' format 'TSV')) LAYOUT(FLAT()) LIFETIME(0)",
    'CREATE FUNCTION f AS x -> x + 1',
    'CREATE USER u',
    'CREATE ROLE r',
    'CREATE QUOTA q',
    'CREATE ROW POLICY p ON t FOR SELECT USING 1',
    'CREATE SETTINGS PROFILE p',
    'CREATE NAMED COLLECTION c AS a = 1',
    'DROP TABLE t',
    '/* SELECT */ DROP TABLE t',
    '-- SELECT 1\nDROP TABLE t',
    'DROP DATABASE plumbline',
    'DROP USER default',
    'DROP FUNCTION f',
    'UNDROP TABLE t',
    'TRUNCATE TABLE t',
    'TRUNCATE DATABASE plumbline',
    'ALTER TABLE t ADD COLUMN b UInt8',
    'ALTER TABLE t UPDATE b = 1 WHERE 1',
    'ALTER TABLE t DELETE WHERE 1',
    'ALTER TABLE t DROP PARTITION tuple()',
    'ALTER TABLE t FREEZE',
    'ALTER TABLE t MODIFY SETTING merge_with_ttl_timeout = 1',
    "ALTER USER default IDENTIFIED BY 'x'",
    'DELETE FROM t WHERE 1',
    'UPDATE t SET b = 1 WHERE 1',
    'RENAME TABLE t TO u',
    'EXCHANGE TABLES t AND u',
    'OPTIMIZE TABLE t FINAL',
    "ATTACH TABLE u (a UInt8) ENGINE = File(TSV, '{secret}')",
    'DETACH TABLE t',
    'DETACH DATABASE plumbline',
    "BACKUP TABLE t TO File('{out}')",
    "RESTORE TABLE t FROM File('{out}')",
    'SYSTEM STOP MERGES',
    'SYSTEM FLUSH LOGS',
    'SYSTEM SHUTDOWN',
    'SYSTEM KILL',
    'SYSTEM RELOAD CONFIG',
    'KILL QUERY WHERE 1',
    'KILL MUTATION WHERE 1',
    'CHECK TABLE t',
    'WATCH t',
    'GRANT everything TO default',
    'GRANT ALL ON *.* TO default',
    'REVOKE SELECT ON *.* FROM default',
    'SET ROLE everything',
    'SET ROLE DEFAULT',
    'SET ROLE ALL',
    'SET DEFAULT ROLE everything TO default',
    'USE system',
    'BEGIN TRANSACTION',
    'EXECUTE AS default SELECT 1',
    'SET readonly = 0',
    "SET profile = 'default', readonly = 0",
    'SELECT 1 SETTINGS readonly = 0',
    'SELECT (SELECT 1 SETTINGS readonly = 0)',
    'SELECT (SELECT * FROM numbers(1) SETTINGS readonly = 0)',
    // The engine asks for no right where the scalar function file() is called, under whatever disguise.
    "SELECT file('{secret}')",
    "SELECT `file`('{secret}')",
    'SELECT "file"(\'{secret}\')',
    "SELECT `f\\x69le`('{secret}')",
    "SELECT file /* why */ ('{secret}')",
    "SELECT (SELECT file('{secret}'))",
    "SELECT 1 WHERE file('{secret}') LIKE 'o%'",
    "SELECT * APPLY(file) FROM (SELECT '{secret}')",
    "SELECT * APPLY file FROM (SELECT '{secret}')",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT '{secret}')",
    "SELECT arrayMap(file, ['{secret}'])",
    "SELECT arrayMap(`f\\x69le`, ['{secret}'])",
    "SELECT * FROM t LIMIT length(file('{secret}'))",
    "DESCRIBE (SELECT file('{secret}'))",
    "EXPLAIN QUERY TREE SELECT file('{secret}')",
    "SHOW TABLES WHERE file('{secret}') != ''",
    "SELECT * FROM file('{secret}', 'LineAsString')",
    "SELECT 1 WHERE 'a' IN file('{secret}', 'LineAsString')",
    "WITH x AS (SELECT * FROM file('{secret}', 'LineAsString')) SELECT * FROM x",
    "SELECT * FROM view(SELECT * FROM file('{secret}', 'LineAsString'))",
    "DESCRIBE TABLE file('{secret}')",
  ],
  // SYNTAX_ERROR: exactly one statement
  62: [
    'SELECT 1; DROP TABLE t',
    'SELECT 1;; DROP TABLE t',
    'SELECT 1 FORMAT TSV; DROP TABLE t',
    'SET readonly = 0; INSERT INTO t VALUES (9)',
    'SET ROLE everything; DROP TABLE t',
    '(DROP TABLE t)',
    "COPY t FROM '{secret}'",
  ],
  // INTO_OUTFILE_NOT_ALLOWED
  358: [
    "SELECT 1 INTO OUTFILE '{out}'",
    "SELECT 1 UNION ALL SELECT 2 INTO OUTFILE '{out}' TRUNCATE FORMAT TSV",
    "EXPLAIN SELECT 1 INTO OUTFILE '{out}'",
    "SHOW TABLES INTO OUTFILE '{out}'",
  ],
  // ACCESS_DENIED: table functions that are not allowed, wherever they hide, before the engine plans anything
  497: [
    "SELECT * FROM filesystem('{dir}')",
    "SELECT * FROM sqlite('{secret}', 't')",
    "SELECT * FROM deltaLakeLocal('{dir}')",
    "SELECT * FROM icebergLocal('{dir}')",
    "SELECT * FROM executable('cat {secret}', 'LineAsString', 'a String')",
    "SELECT * FROM url('http://{net}/', 'LineAsString', 'a String')",
    "SELECT * FROM url('http://{net}/x.csv')",
    "SELECT (SELECT * FROM url('http://{net}/', 'LineAsString', 'a String'))",
    "SELECT 1 WHERE 'a' IN (SELECT * FROM url('http://{net}/', 'LineAsString', 'a String'))",
    "SELECT * FROM view(SELECT * FROM url('http://{net}/', 'LineAsString', 'a String'))",
    "SELECT * FROM numbers(1) AS n JOIN url('http://{net}/', 'LineAsString', 'a String') AS f ON 1",
    "SELECT * FROM (SELECT * FROM url('http://{net}/', 'LineAsString') SETTINGS readonly = 0)",
    "DESCRIBE TABLE url('http://{net}/x.csv')",
    "SELECT * FROM s3('http://{net}/bucket/x.csv', 'LineAsString', 'a String')",
    "SELECT * FROM azureBlobStorage('http://{net}/', 'c', 'b', 'LineAsString')",
    "SELECT * FROM hdfs('hdfs://{net}/x', 'TSV', 'a String')",
    "SELECT * FROM remote('{net}', system.one)",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM remoteSecure('{net}', system.one)",
    "SELECT * FROM mysql('{net}', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('{net}', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('{net}', 'd', 't', 'u', 'p', 'a String')",
    "SELECT * FROM redis('{net}', 'k', 'k String, v String')",
    "SELECT * FROM odbc('DSN=x', 'd', 't')",
    "SELECT * FROM jdbc('jdbc:x', 'd', 't')",
    "SELECT * FROM format(Values, 'a String', '(1)')",
    "SELECT * FROM dictionary('d')",
    "SELECT * FROM eval('SELECT file(''{secret}'')') SETTINGS allow_experimental_eval_table_function = 1",
    "SELECT * FROM (SELECT * FROM eval('SELECT file(''{secret}'')') SETTINGS allow_experimental_eval_table_function = 1)",
    "WITH x AS (SELECT * FROM eval('SELECT 1') SETTINGS allow_experimental_eval_table_function = 1) SELECT * FROM x",
    "SELECT * FROM eval('SELECT 1') SETTINGS allow_experimental_eval_table_function = 1 UNION ALL SELECT 2",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM fileCluster('default', '{secret}', 'TSV')",
  ],
  // SETTING_CONSTRAINT_VIOLATION: settings that hold SQL, files or addresses, also in subqueries
  452: [
    "SELECT 1 SETTINGS additional_result_filter = 'throwIf(1, file(''{secret}''))'",
    "SELECT * FROM t SETTINGS additional_table_filters = {'plumbline.t': 'throwIf(1, file(''{secret}''))'}",
    "SELECT * FROM (SELECT * FROM t SETTINGS additional_table_filters = {'plumbline.t': 'throwIf(1, file(''{secret}''))'})",
    "SELECT 1 SETTINGS dialect = 'prql'",
    "SELECT 1 AS a FORMAT Protobuf SETTINGS format_schema = '{secret}:M'",
    "SELECT 1 AS a FORMAT Protobuf SETTINGS output_format_schema = '{out}'",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '{secret}'",
    "SELECT 1 AS a FORMAT AvroConfluent SETTINGS format_avro_schema_registry_url = 'http://{net}'",
    'SELECT * FROM t SETTINGS enable_parallel_replicas = 1',
  ],
  // No such thing here
  46: ["SELECT * FROM python('x')"],
};

const URL_ATTACKS: [name: string, code: number, sql: string, url: Record<string, string>][] = [
  ['readonly=0', 164, 'SELECT 1', { readonly: '0' }],
  ['readonly=0 and a write', 164, 'DROP TABLE t', { readonly: '0' }],
  ['another profile', 115, 'DROP TABLE t', { profile: 'no_such_profile' }],
  ['the default profile and a write', 164, 'DROP TABLE t', { profile: 'default' }],
  ['a role', 512, 'DROP TABLE t', { role: 'everything' }],
  ['the statement in the URL, harmless text in the body', 62, '; SELECT 1', { query: 'DROP TABLE t' }],
  ['an INSERT in the URL with its data in the body', 164, '9', { query: 'INSERT INTO t FORMAT TSV' }],
  [
    'a function named by a parameter',
    164,
    "SELECT arrayMap({f:Identifier}, ['{secret}'])",
    { param_f: 'file' },
  ],
  ['… written with an escape', 164, "SELECT arrayMap({f:Identifier}, ['{secret}'])", { param_f: 'fi\\x6ce' }],
  [
    'SQL in a setting',
    452,
    'SELECT * FROM t',
    { additional_table_filters: "{'plumbline.t': 'a IN (SELECT 1)'}" },
  ],
  ['a file in a setting', 452, 'SELECT * FROM t', { additional_table_filters: "{'plumbline.t': 'file(a)'}" }],
  ['a filter of another table', 452, 'SELECT 1', { additional_table_filters: "{'system.one': '0'}" }],
  ['another language', 452, 'DROP TABLE t', { dialect: 'prql' }],
  ['a setting name that is SQL', 115, 'SELECT 1', { 'max_threads = 1, readonly': '0' }],
  ['a parameter name that is SQL', 36, 'SELECT 1', { "param_x = '', readonly": '0' }],
  ['a setting value that is SQL', 164, 'DROP TABLE t', { log_comment: "x'; SET ROLE everything; --" }],
  ['a database name that is SQL', 81, 'SELECT 1', { database: 'x`; DROP TABLE t; --' }],
];

let fixture: SqlFixture;
let port: SqlPort;
let listener: Server;
let connections = 0;
let before: unknown;

beforeAll(async () => {
  fixture = await openSqlFixture();
  writeFileSync(join(fixture.directory, 'secret.txt'), `${SECRET}\n`);
  listener = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await fixture.engine.command('CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a');
  await fixture.engine.command('INSERT INTO t SELECT number FROM numbers(3)');
  port = await fixture.openPort();
  before = await readState();
});
afterAll(async () => {
  await fixture.close();
  listener.close();
});

/** Everything an attack could have changed. */
function readState(): Promise<unknown> {
  const names = (kind: string, column = 'name') =>
    `(SELECT groupArray(${column}) FROM (SELECT ${column} FROM system.${kind} ORDER BY ${column}))`;
  return fixture.engine.query(`SELECT (SELECT groupArray(a) FROM t) AS rows,
    ${names('tables')} AS tables, ${names('databases')} AS databases, ${names('users')} AS users,
    ${names('roles')} AS roles, ${names('dictionaries')} AS dictionaries, ${names('named_collections')} AS collections,
    (SELECT count() FROM system.functions WHERE origin != 'System') AS functions,
    (SELECT groupArray(create_table_query) FROM system.tables WHERE database = 'plumbline') AS definitions,
    (SELECT groupArray((name, engine)) FROM system.tables WHERE database = 'plumbline') AS engines`);
}

async function attack(sql: string, code: number, options: AskOptions = {}): Promise<void> {
  const { port: listenerPort } = listener.address() as { port: number };
  const filled = sql
    .replaceAll('{secret}', join(fixture.directory, 'secret.txt'))
    .replaceAll('{out}', join(fixture.directory, 'out'))
    .replaceAll('{dir}', fixture.directory)
    .replaceAll('{net}', `127.0.0.1:${listenerPort}`);
  const answer = await port.ask(filled, options);
  expect(answer.text).toContain(`Code: ${code}.`);
  expect(answer.headers.get('x-clickhouse-exception-code')).toBe(String(code));
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.text).not.toContain(SECRET);
  expect(connections).toBe(0);
  expect(existsSync(join(fixture.directory, 'out'))).toBe(false);
  expect(await readState()).toEqual(before);
  expect((await port.ask('SELECT count() FROM t')).text).toBe('3\n');
}

describe('the read-only SQL port refuses', () => {
  const rows = Object.entries(ATTACKS).flatMap(([code, list]) =>
    list.map((sql) => [sql, Number(code)] as const),
  );
  test.each(rows)('%s', (sql, code) => attack(sql, code));
  test.each(URL_ATTACKS)('in the URL: %s', (_, code, sql, url) => attack(sql, code, { url }));
  test('the same over GET', { timeout: 60_000 }, async () => {
    for (const [sql, code] of rows) await attack(sql, code, { method: 'GET' });
  });
  test('a session of the port that was refused leaves nothing behind for the next one', async () => {
    for (let i = 0; i < 10; i++) await attack('SET ROLE everything', 164);
    const answer = await port.ask("SELECT currentRoles(), getSetting('readonly')");
    expect(answer.text).toBe('[]\t1\n');
  });
  test('what it must still answer', async () => {
    for (const sql of [
      'SHOW TABLES',
      'DESCRIBE t',
      'EXPLAIN SELECT 1',
      'EXISTS t',
      'SHOW CREATE TABLE t',
      'WITH 1 AS x SELECT x',
    ])
      expect((await port.ask(sql)).status, sql).toBe(200);
    const url = { param_t: 't', param_s: 'a file \\\\ path' };
    expect((await port.ask('SELECT count(), {s:String} FROM {t:Identifier}', { url })).status).toBe(200);
    expect((await port.ask("SELECT 'file', 'dialect', 'INTO OUTFILE', 'DROP TABLE t'")).status).toBe(200);
    expect((await port.ask("SELECT * FROM generateRandom('a UInt8', 1) LIMIT 1")).status).toBe(200);
    expect(readdirSync(join(fixture.directory, 'temporary'))).toEqual([]);
  });
});

describe('a port that may write', () => {
  test('writes over POST, never over GET, and takes data from the body', async () => {
    const writing = await fixture.openPort({ readOnly: false });
    expect((await writing.ask('CREATE TABLE w (a UInt8, b String) ENGINE = Memory')).status).toBe(200);
    expect((await writing.ask('DROP TABLE w', { method: 'GET' })).text).toContain('Code: 164.');
    const insert = await writing.ask('1\tone\n2\ttwo\n', { url: { query: 'INSERT INTO w FORMAT TSV' } });
    expect([insert.status, insert.text]).toEqual([200, '']);
    expect((await writing.ask("INSERT INTO w VALUES (3, 'three')")).status).toBe(200);
    expect((await writing.ask('SELECT * FROM w ORDER BY a')).text).toBe('1\tone\n2\ttwo\n3\tthree\n');
    expect((await writing.ask('SELECT 1; DROP TABLE w')).text).toContain('Code: 62.');
    expect((await writing.ask('DROP TABLE w')).status).toBe(200);
  });
});
