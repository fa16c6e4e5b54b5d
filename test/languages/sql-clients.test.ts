/**
 * ClickHouse's clients of other languages at the SQL port of a real server, as docs/sql-clients.md says that they connect: with a
 * token, every compression, parameters, errors, cancelling, sessions, and every table that users select from.
 */
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type AskedPlumbline, startAskedPlumbline } from './asked-plumbline.js';
import { go } from './go/toolchain.js';
import { java } from './java/toolchain.js';
import { python } from './python/toolchain.js';
import { buildRowStructs } from './rust/row-structs.js';
import { rust } from './rust/toolchain.js';
import { readOwn, run, type Toolchain } from './toolchain.js';

const PROGRAM_MS_MAX = 90_000;
// Building it comes on top.
vi.setConfig({ testTimeout: PROGRAM_MS_MAX + 600_000 });
const SUM = 44_999_850_000;

/** A value of every type that columns of Plumbline have. */
const VALUES = `
  SELECT toUInt8(200) AS u8, toUInt32(4294967295) AS u32, 18446744073709551615 AS u64, toInt32(-7) AS i32,
    -9223372036854775808 AS i64, 0.1 AS f64, true AS bool, CAST(NULL, 'Nullable(Float64)') AS none, toNullable(2.5) AS some,
    toLowCardinality('it''s') AS word, CAST('☃', 'FixedString(3)') AS fixed, toDateTime('2026-01-02 03:04:05', 'UTC') AS second,
    toDateTime64('2026-01-02 03:04:05.123', 3, 'UTC') AS milli, toDateTime64('2026-01-02 03:04:05.123456789', 9, 'UTC') AS nano,
    CAST('delta', 'Enum8(\\'delta\\' = 1, \\'cumulative\\' = 2)') AS enum, map('a', 'b')::Map(LowCardinality(String), String) AS map,
    map('a', 'int')::Map(LowCardinality(String), Enum8('int' = 3)) AS enums, [1, 2]::Array(UInt64) AS counts, [0.5] AS bounds,
    ['x', 'it''s'] AS texts, toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS uuid,
    CAST((1.5, NULL), 'Tuple(p50 Nullable(Float64), p99 Nullable(Float64))') AS tuple`;

let server: AskedPlumbline;
beforeAll(async () => {
  server = await startAskedPlumbline();
  return () => server.stop();
});

/** Its tests are skipped, and it is said why, where the language is not there. */
function describeClient(client: string, { language, missing }: Toolchain, tests: () => void): void {
  if (missing !== undefined) console.warn(`${client} is skipped: ${language}: ${missing}`);
  describe.skipIf(missing !== undefined)(client, tests);
}

/** What a program prints, line by line: about tables, about values, and the rest. */
async function ask(command: string[], tables = server.tables.map(({ table }) => table)) {
  const { code, output } = await run([...command, ...tables], {
    env: { ...process.env, VALUES },
    timeout: PROGRAM_MS_MAX,
  });
  const lines = output.trim().split('\n');
  if (code !== 0) throw new Error(`the program ended with ${code ?? 'a signal'}\n${output}`);
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  return {
    tables: of('table'),
    reflected: of('reflected'),
    values: Object.fromEntries(of('value').map((line) => [line.split(' ', 1)[0], line.replace(/^\S+ /, '')])),
    done: lines.filter((line) => !/^(?:table|reflected|value) /.test(line)),
  };
}

/** Lines are a table and how many rows of it were read, in one way or several. Rows of a table may be merged by then. */
function expectAllRead(lines: string[]): void {
  const read = lines.map((line) => line.split(' '));
  expect(read.map(([table]) => table)).toEqual(server.tables.map(({ table }) => table));
  const without = read.filter(([, ...counts]) => counts.includes('0')).map(([table]) => table);
  expect(server.tables.filter(({ table, rows }) => rows > 0 && without.includes(table))).toEqual([]);
}

describeClient('clickhouse-jdbc', java, () => {
  let program: string[];
  beforeAll(async () => {
    program = await java.build('jdbc', readOwn('java/AskWithJdbc.java'));
  });

  const values = {
    ...{ u8: 'Short 200', u32: 'Long 4294967295', u64: 'BigInteger 18446744073709551615' },
    ...{ i32: 'Integer -7', i64: 'Long -9223372036854775808', f64: 'Double 0.1', bool: 'Boolean true' },
    ...{ none: 'null null', some: 'Double 2.5', word: "String it's", fixed: 'String ☃' },
    second: 'Timestamp 2026-01-02 03:04:05',
    milli: 'Timestamp 2026-01-02 03:04:05.123',
    nano: 'Timestamp 2026-01-02 03:04:05.123456789',
    ...{ enum: 'String delta', map: 'LinkedHashMap {a=b}', enums: 'LinkedHashMap {a=int}' },
    ...{ counts: 'Array [1, 2]', bounds: 'Array [0.5]', texts: "Array ['x', 'it's']" },
    uuid: 'UUID 61f0c404-5cb3-11e7-907b-a6006ad3dba0',
    tuple: 'Object[] [1.5, null]',
  };

  it.each([
    ['as it comes', ''],
    ['without compression', '?compress=false'],
    ['with compression of HTTP', '?client.use_http_compression=true'],
  ])('%s reads, binds, sees errors and cancels', async (_name, options) => {
    const url = `jdbc:ch://${server.address}/plumbline${options}`;
    const printed = await ask([...program, url, server.token]);
    expect(printed.done).toEqual([
      `rows ${SUM}`,
      "bound 42 it's",
      'error 47',
      'broken off',
      'cancelled 394',
      'rows 3',
    ]);
    expectAllRead(printed.tables);
    expect(printed.values).toEqual(values);
  });
});

describeClient('clickhouse-go', go, () => {
  it('asks by database/sql and by its own interface, with every compression', async () => {
    const program = await go.build('clickhouse', readOwn('go/ask_with_clickhouse_go.go'));
    const printed = await ask([...program, server.address, server.token]);
    const asked = ['none', 'lz4', 'lz4hc', 'zstd', 'gzip', 'deflate', 'br'].flatMap((method) => [
      `compress ${method}`,
      `rows 300000 ${SUM}`,
      ...["bound 42 it's", "bound 42 it's", 'error 47', 'broken off 395'],
    ]);
    expect(printed.done).toEqual([
      ...asked,
      ...['left true', 'ended', 'killed 394', 'session 77', 'wrong password 516'],
    ]);
    expectAllRead(printed.tables);
    expect(printed.values).toEqual({
      ...{ u8: '200', u32: '4294967295', u64: '18446744073709551615', i32: '-7' },
      ...{ i64: '-9223372036854775808', f64: '0.1', bool: 'true', none: 'null', some: '2.5' },
      ...{ word: '"it\'s"', fixed: '"☃"', second: '"2026-01-02T03:04:05Z"' },
      ...{ milli: '"2026-01-02T03:04:05.123Z"', nano: '"2026-01-02T03:04:05.123456789Z"' },
      ...{ enum: '"delta"', map: '{"a":"b"}', enums: '{"a":"int"}', counts: '[1,2]', bounds: '[0.5]' },
      ...{ texts: '["x","it\'s"]', uuid: '"61f0c404-5cb3-11e7-907b-a6006ad3dba0"' },
      tuple: '{"p50":1.5,"p99":null}',
    });
  });
});

describeClient('clickhouse-connect', python, () => {
  it('asks for rows, pandas and Arrow, and as a dialect of SQLAlchemy', async () => {
    const program = await python.build(
      'clickhouse_connect_asks',
      readOwn('python/ask_with_clickhouse_connect.py'),
    );
    const printed = await ask([...program, server.address, server.token]);
    const asked = ['True', 'False', 'lz4', 'zstd', 'gzip'].flatMap((compress) => [
      `compress ${compress}`,
      `rows 300000 ${SUM}`,
      `pandas ${SUM} arrow 300000`,
      'streamed 300000 300000',
      "bound 42 it's ['x', \"it's\"]",
      "bound 42 it's",
      'error 47',
      'broken off 395 395',
      'broken off Code: 395',
    ]);
    expect(printed.done).toEqual([
      ...asked,
      ...['session 77', 'setting 78', 'killed 394', 'inspected []', "sqlalchemy bound 42 it's"],
      ...['sqlalchemy error True', 'wrong password 516'],
    ]);
    expectAllRead(printed.tables);
    expectAllRead(printed.reflected);
    expect(printed.values).toEqual(PYTHON_VALUES);
  });
});

describeClient('aiochclient', python, () => {
  it('asks with and without compression', async () => {
    const program = await python.build('aiochclient_asks', readOwn('python/ask_with_aiochclient.py'));
    const printed = await ask([...program, server.address, server.token]);
    const asked = ['False', 'True'].flatMap((compress) => [
      `compress ${compress}`,
      'alive True',
      `rows 300000 ${SUM}`,
      ...["bound 42 it's", 'error True', 'broken off'],
    ]);
    expect(printed.done).toEqual([
      ...asked,
      ...['session 77', 'killed True', 'left', 'ended', 'wrong password True'],
    ]);
    expectAllRead(printed.tables);
    expect(printed.values).toEqual({ ...PYTHON_VALUES, fixed: "'☃'", tuple: '(1.5, None)' });
  });
});

const PYTHON_VALUES = {
  ...{ u8: '200', u32: '4294967295', u64: '18446744073709551615', i32: '-7', i64: '-9223372036854775808' },
  ...{ f64: '0.1', bool: 'True', none: 'None', some: '2.5', word: '"it\'s"', fixed: "b'\\xe2\\x98\\x83'" },
  second: 'datetime.datetime(2026, 1, 2, 3, 4, 5)',
  milli: 'datetime.datetime(2026, 1, 2, 3, 4, 5, 123000)',
  // Python has no nanoseconds.
  nano: 'datetime.datetime(2026, 1, 2, 3, 4, 5, 123456)',
  ...{ enum: "'delta'", map: "{'a': 'b'}", enums: "{'a': 'int'}", counts: '[1, 2]', bounds: '[0.5]' },
  ...{ texts: "['x', \"it's\"]", uuid: "UUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')" },
  tuple: "{'p50': 1.5, 'p99': None}",
};

describeClient('the crate clickhouse', rust, () => {
  it('asks with LZ4 and without, into structs', async () => {
    const code = readOwn('rust/ask_with_clickhouse.rs').replace('// STRUCTS', buildRowStructs(server.tables));
    const program = await rust.build('clickhouse', code);
    const printed = await ask([...program, server.address, server.token], []);
    const asked = ['Lz4', 'None'].flatMap((compression) => [
      `compress ${compression}`,
      `rows 300000 ${SUM}`,
      ...["bound 42 it's", "bound 42 it's", 'error Code: 47', 'broken off Code: 395'],
    ]);
    expect(printed.done).toEqual([
      ...asked,
      ...['session 77', 'killed Code: 394', 'left true', 'ended', 'wrong password Code: 516'],
    ]);
    expectAllRead(printed.tables);
  });
});

// Other questions of it are in test/show/sql-clients.test.ts.
describe('@clickhouse/client', () => {
  const connect = (options = {}) =>
    createClient({
      url: `http://${server.address}`,
      database: 'plumbline',
      username: 'reader',
      password: server.token,
      log: { level: ClickHouseLogLevel.OFF },
      ...options,
    });

  it.each([false, true])('reads every table, with compression %s', async (response) => {
    const client = connect({ compression: { response } });
    const read: string[] = [];
    for (const { table } of server.tables) {
      const counts = await Promise.all(
        (['JSON', 'JSONEachRow', 'JSONCompactEachRowWithNamesAndTypes'] as const).map(async (format) => {
          const answer = await client.query({ query: `SELECT * FROM ${table} LIMIT 10`, format });
          const rows = await answer.json();
          if ('data' in rows) return rows.data.length;
          // Two lines are names and types.
          return rows.length - (format === 'JSONEachRow' ? 0 : 2);
        }),
      );
      read.push([table, ...counts].join(' '));
    }
    expectAllRead(read);
    await client.close();
  });

  it('cancels, kills, and keeps a session', async () => {
    const client = connect({ session_id: 'of node' });
    await client.command({ query: 'SET max_block_size = 77' });
    const size = await client.query({ query: "SELECT getSetting('max_block_size') AS size" });
    expect((await size.json()).data).toEqual([{ size: 77 }]);
    await client.close();

    const asking = connect();
    const endless = 'SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1';
    const leaving = new AbortController();
    const left = asking.query({ query: endless, query_id: 'left by node', abort_signal: leaving.signal });
    setTimeout(() => leaving.abort(), 500);
    await expect(left).rejects.toThrow(/abort/);
    // An id is free once its query has ended.
    await vi.waitFor(async () => {
      await (await asking.query({ query: 'SELECT 7', query_id: 'left by node' })).json();
    }, 10_000);

    let isOver = false;
    const killed = asking.query({ query: endless, query_id: 'of node' }).catch((error: unknown) => {
      isOver = true;
      return error;
    });
    while (!isOver) {
      await asking.command({ query: "KILL QUERY WHERE query_id = 'of node' SYNC" });
    }
    expect(await killed).toMatchObject({ code: '394' });
    await asking.close();
  });
});
