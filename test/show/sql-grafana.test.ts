/**
 * The SQL port as Grafana's ClickHouse datasource talks to it: the session of its Go client over one real connection, read
 * with a Native decoder of the tests' own. The requests follow the client's documented behaviour; no Grafana runs here.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request as openRequest } from 'node:http';
import type { Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import { createSqlEndpoint } from '../../src/show/sql-endpoint.js';
import { buildHello, isHello } from '../../src/show/sql-hello.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { EVERY_SHAPE, NOW_S, SLOW_REQUESTS } from '../testkit/every-shape.js';
import { decodeNative, decodeRows } from '../testkit/native-decoder.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { kpisOf, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';
import { rolesOf } from './sql-fixture.js';

const HELLO = 'SELECT displayName(), version(), revision(), timezone()';
/** What the client announces, and in whose layout it reads the answer to its hello. */
const PROTOCOL_VERSION = 54_460;

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  /** As they came over the wire. */
  bytes: Buffer;
  isComplete: boolean;
}

let metrics: StoredMetrics;
let endpoint: ReturnType<typeof createSqlEndpoint>;
const sockets = new Set<Socket>();
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  metrics = await openStoredMetrics(NOW_UNIX_MS);
  await metrics.send(EVERY_SHAPE);
  await metrics.sql('SELECT 1');
  const kpis = kpisOf(`
- { name: response_time, unit: s, target: 0.2, warning: 0.5, critical: 2, completeness_min: 0, window: 1h, stale_after: 1h,
    group_by: [service, { route: [http.route] }], sources: [{ name: recorder, average: response_time }] }
- { name: never_sent, unit: s, target: 1, sources: [{ name: recorder, average: nobody.sends.this }] }
`);
  await publishCatalogue(
    { kpis, folders: [], warnings: [] },
    { clickhouse: metrics.clickhouse, facts: FACTS, readQuery, nowUnixMs: NOW_UNIX_MS - 7 * 86_400_000 },
  );
  endpoint = createSqlEndpoint({
    host: '127.0.0.1',
    port: 0,
    clickhouse: metrics.clickhouse,
    readOnly: true,
    roles: rolesOf('pa:ss☃'),
  });
  await endpoint.start();
  await endpoint.open();
});
afterAll(async () => {
  agent.destroy();
  await endpoint?.shutdown(0);
  await metrics?.close();
});

const BASIC = { authorization: `Basic ${Buffer.from('grafana_ro:pa:ss☃').toString('base64')}` };

/** A POST as the client makes it. */
async function ask(
  sql: string,
  {
    settings = {},
    headers = BASIC,
  }: { settings?: Record<string, string>; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const url = new URLSearchParams({
    client_protocol_version: String(PROTOCOL_VERSION),
    database: 'plumbline',
    default_format: 'Native',
    max_execution_time: '14',
    ...settings,
  });
  const request = openRequest({
    host: '127.0.0.1',
    port: endpoint.address().port,
    path: `/?${url}`,
    method: 'POST',
    headers: {
      'user-agent': 'grafana/12.3.0 clickhouse-datasource/4.20.0 clickhouse-go/2.47.0 (lv:go/1.25; os:linux)',
      'accept-encoding': 'gzip',
      ...headers,
    },
    agent,
  });
  request.on('socket', (socket) => sockets.add(socket));
  // As bytes: of a text Node would write the headers in its encoding too.
  request.end(Buffer.from(sql));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    // An answer that was cut off; isComplete says so.
  }
  const { statusCode, headers: answered, complete } = response;
  return { status: statusCode!, headers: answered, bytes: Buffer.concat(chunks), isComplete: complete };
}

async function askRows<Row = Record<string, unknown>>(sql: string): Promise<Row[]> {
  const answer = await ask(sql);
  if (answer.status !== 200) throw new Error(answer.bytes.toString());
  return decodeRows<Row>(answer.bytes);
}

describe('the hello', () => {
  test('is, byte for byte, the block that the client reads', () => {
    const golden = readFileSync(new URL('../golden/sql-hello.hex', import.meta.url), 'utf8').trim();
    const bytes = buildHello({ displayName: 'chdb', version: '26.7.2.1', timezone: 'Etc/UTC' });
    expect(bytes.toString('hex')).toBe(golden);
    expect(decodeRows(bytes, PROTOCOL_VERSION)).toEqual([
      { 'displayName()': 'chdb', 'version()': '26.7.2.1', 'revision()': 0, 'timezone()': 'Etc/UTC' },
    ]);
  });

  test('is known by its columns and the protocol version, however it is spaced', () => {
    expect(isHello(` SELECT displayName(),  version(),\n revision(), timezone() `, '54460')).toBe(true);
    for (const version of [undefined, '', '0', '54453']) expect(isHello(HELLO, version)).toBe(false);
    expect(isHello('SELECT 1', '54460')).toBe(false);
  });

  test('without a protocol version is a question like any other', async () => {
    const { bytes } = await ask(HELLO, { settings: { client_protocol_version: '0' } });
    expect(Object.keys(decodeRows(bytes)[0]!)).toContain('revision()');
  });
});

test('a session: hello, ping, version, queries, an error, and on, all over one connection', async () => {
  sockets.clear();
  const hello = await ask(HELLO);
  expect([hello.status, hello.headers['content-length']]).toEqual([200, String(hello.bytes.length)]);
  const [server] = decodeRows<Record<string, unknown>>(hello.bytes, PROTOCOL_VERSION);
  const revision = server!['revision()'] as number;
  expect(revision).toBe(0);
  // The client looks the time zone up by its name.
  expect(() => new Intl.DateTimeFormat('en', { timeZone: server!['timezone()'] as string })).not.toThrow();

  const ping = decodeNative((await ask('SELECT 1')).bytes, revision);
  expect(ping).toEqual([{ rows: 1, columns: [{ name: '1', type: 'UInt8', values: [1] }] }]);
  expect(await askRows('SELECT version()')).toEqual([{ 'version()': server!['version()'] }]);
  expect((await ask('SELECT nothing_like_it')).status).toBe(404);
  expect(await askRows('SELECT 2 AS n -- what panels end with\n;')).toEqual([{ n: 2 }]);
  expect(sockets.size).toBe(1);
});

describe('what KPI views answer', () => {
  const grid = `start_time = ${NOW_S - 3_600}, end_time = ${NOW_S}, step_s = 1800`;

  test('a time series: time, value, and labels, in the order that is asked for', async () => {
    const { bytes } = await ask(
      `SELECT time, arrayStringConcat(\`group\`, ' ') AS route, value FROM kpi_response_time(${grid})
       WHERE value IS NOT NULL ORDER BY time, route`,
    );
    const [block] = decodeNative(bytes);
    expect(block!.columns.map(({ name, type }) => [name, type])).toEqual([
      ['time', 'DateTime'],
      ['route', 'String'],
      ['value', 'Nullable(Float64)'],
    ]);
    const rows = decodeRows<{ route: string; value: number }>(bytes);
    expect(rows.map(({ route, value }) => [route, value])).toEqual([
      ['', SLOW_REQUESTS.mean],
      ['shop /orders', SLOW_REQUESTS.mean],
    ]);
  });

  test('every column of a status', async () => {
    const [known, ...groups] = await askRows(
      `SELECT * FROM kpi_response_time_status(at_time = ${NOW_S}) ORDER BY \`group\``,
    );
    expect(known).toMatchObject({
      group: [],
      value: SLOW_REQUESTS.mean,
      status: 'critical',
      samples: SLOW_REQUESTS.count,
      target: 0.2,
      warning: 0.5,
      critical: 2,
    });
    expect(groups.map(({ group }) => group)).toEqual([['shop', '/orders']]);
  });

  test('times as the datasource writes them into a query', async () => {
    const sql = `SELECT max(time) AS last FROM kpi_response_time(start_time = toDateTime(${NOW_S - 3_600}),
      end_time = toDateTime(${NOW_S}), step_s = 1800)`;
    expect(await askRows(sql)).toHaveLength(1);
  });
});

describe('what tables answer', () => {
  /** As the engine writes it in text. */
  async function askText(sql: string): Promise<unknown[]> {
    const quoted = { output_format_json_quote_64bit_integers: '1', output_format_json_quote_denormals: '1' };
    const { bytes } = await ask(sql, { settings: { default_format: 'JSONCompactEachRow', ...quoted } });
    return bytes
      .toString()
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  }

  /** A decoded value in the notation of JSON. */
  function write(value: unknown): unknown {
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'number' && !Number.isFinite(value))
      return String(value)
        .replace(/^(-?)Infinity$/, '$1inf')
        .toLowerCase();
    if (Buffer.isBuffer(value)) return value.toString('utf8');
    if (Array.isArray(value)) return value.map(write);
    if (value instanceof Map)
      return Object.fromEntries([...value].map(([key, item]) => [String(write(key)), write(item)]));
    return value;
  }

  async function compare(sql: string): Promise<number> {
    const { bytes, status } = await ask(sql);
    if (status !== 200) throw new Error(bytes.toString());
    const rows = decodeNative(bytes).flatMap(({ rows, columns }) =>
      Array.from({ length: rows }, (_, i) => columns.map(({ values }) => write(values[i]))),
    );
    expect(rows).toEqual(await askText(sql));
    return rows.length;
  }

  test('every table and view reads the same in Native as in text', async () => {
    const tables = await askRows<{ name: string; total_rows: bigint | null }>(
      `SELECT name, total_rows FROM system.tables WHERE database = 'plumbline' AND NOT match(create_table_query, '\\{\\\\w+:')`,
    );
    const names = tables.map(({ name }) => name);
    for (const name of [
      'series',
      'exemplars',
      'histogram_1m',
      'performance_metrics',
      'metric_definitions',
      'rollup_marks',
    ])
      expect(names).toContain(name);
    for (const { name, total_rows } of tables) {
      const rows = await compare(`SELECT * FROM ${name} LIMIT 100`);
      if (total_rows !== null && total_rows > 0n) expect(rows, name).toBeGreaterThan(0);
    }
  });

  test.each([
    [
      'integers',
      'toInt8(-5), toUInt16(65535), toInt16(-7), toUInt32(4294967295), toInt32(-9), toUInt64(18446744073709551615), toInt64(-9223372036854775808)',
    ],
    ['floats', 'toFloat64(number) / 3, toFloat32(1.5), nan, inf, -inf'],
    [
      'times',
      "toDateTime(1700000000 + number, 'UTC') AS a, toDateTime64(1700000000.123456789, 9, 'UTC') AS b, toDateTime64(-1.5, 3, 'UTC') AS c, toDate('2026-02-28') AS d",
    ],
    ['NULL', "if(number % 2 = 0, NULL, number), NULL, CAST(NULL, 'Nullable(String)'), toNullable(1.5)"],
    [
      'dictionaries',
      "CAST(concat('k', toString(number % 3)), 'LowCardinality(String)'), CAST(if(number % 2 = 0, NULL, 'x'), 'LowCardinality(Nullable(String))')",
    ],
    ['many different words in a dictionary', "CAST(toString(number), 'LowCardinality(String)')", 70_000],
    [
      'dictionaries inside of others',
      "CAST([toString(number), ''], 'Array(LowCardinality(String))'), CAST(map('a', toString(number)), 'Map(LowCardinality(String), LowCardinality(String))'), CAST(('t', [toString(number)]), 'Tuple(LowCardinality(String), Array(LowCardinality(Nullable(String))))')",
    ],
    [
      'empty lists',
      "CAST([], 'Array(LowCardinality(String))'), CAST(map(), 'Map(LowCardinality(String), String)'), CAST([[], [1]], 'Array(Array(UInt8))')",
    ],
    [
      'lists and maps',
      "arrayMap(n -> toString(n), range(number)), map('a', number, 'b', 7), range(number) AS r",
    ],
    [
      'tuples',
      "(number, 'x', [1.5]), CAST((1, 'y'), 'Tuple(a Int32, b String)')",
      3,
      'output_format_json_named_tuples_as_objects = 0',
    ],
    [
      'enums',
      "CAST(if(number % 2 = 0, 'it\\'s', 'b, c'), 'Enum8(\\'it\\\\\\'s\\' = -1, \\'b, c\\' = 2)'), CAST('z', 'Enum16(\\'z\\' = -30000)')",
    ],
    ['truth', 'number % 2 = 0, (number % 2 = 0)::Bool'],
    ['texts', "concat('☃', repeat('x', 300)), '', toFixedString('abc', 3), 'a\\nb\\tc'"],
    ['ids', "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')"],
    ['aggregates that are values', "CAST(number, 'SimpleAggregateFunction(max, UInt64)')"],
  ])('%s', async (_, columns, rows = 5, settings = '') => {
    const sql = `SELECT ${columns} FROM numbers(${rows})${settings === '' ? '' : ` SETTINGS ${settings}`}`;
    expect(await compare(sql)).toBe(rows);
  });

  test('an answer of many blocks', async () => {
    const sql =
      "SELECT number, CAST(toString(number % 100), 'LowCardinality(String)') AS word FROM numbers(300000)";
    const blocks = decodeNative((await ask(sql)).bytes);
    expect(blocks.length).toBeGreaterThan(1);
    const words = blocks.flatMap(({ columns }) => columns[1]!.values);
    expect(words.length).toBe(300_000);
    expect(words.every((word, i) => word === String(i % 100))).toBe(true);
  });
});

describe('over HTTP', () => {
  test('gzip where a setting of the datasource asks for it, and nothing of it in an empty answer or an error', async () => {
    const settings = { enable_http_compression: '1' };
    const packed = await ask("SELECT repeat('x', 1000) AS x FROM numbers(100)", { settings });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(decodeRows(gunzipSync(packed.bytes))).toHaveLength(100);
    for (const sql of ['SELECT 1 WHERE 0', 'SELECT nothing_like_it']) {
      const plain = await ask(sql, { settings });
      expect([sql, plain.headers['content-encoding']]).toEqual([sql, undefined]);
    }
    const unasked = await ask("SELECT repeat('x', 1000) AS x FROM numbers(100)");
    expect(unasked.headers['content-encoding']).toBeUndefined();
  });

  test('an empty answer has the length 0', async () => {
    for (const sql of ['SELECT 1 WHERE 0', `SELECT * FROM kpi_never_sent_status(at_time = ${NOW_S})`]) {
      const empty = await ask(sql);
      expect([empty.bytes.toString(), empty.status, empty.headers['content-length']]).toEqual(['', 200, '0']);
    }
  });

  test.each([
    ['SELECT nothing_like_it', 404, '47', 'UNKNOWN_IDENTIFIER'],
    ['SELECT 1 FROM nothing_like_it', 404, '60', 'UNKNOWN_TABLE'],
    ['SELEC 1', 400, '62', 'SYNTAX_ERROR'],
    ['INSERT INTO series (series_id) VALUES (1)', 500, '164', 'READONLY'],
  ])('%s → %i', async (sql, status, code, name) => {
    const answer = await ask(sql);
    expect([answer.status, answer.headers['x-clickhouse-exception-code']]).toEqual([status, code]);
    expect(answer.bytes.toString()).toMatch(
      new RegExp(`^Code: ${code}\\. DB::Exception: .+ \\(${name}\\)`, 's'),
    );
  });

  test('an error in the middle of an answer comes between marks behind whole blocks', async () => {
    const sql = 'SELECT number, throwIf(number = 3000000) AS x FROM numbers(4000000)';
    const { headers, bytes, isComplete } = await ask(sql);
    expect(isComplete).toBe(false);
    const mark = `\r\n__exception__\r\n${headers['x-clickhouse-exception-tag']}\r\n`;
    const from = bytes.indexOf(mark);
    const rows = decodeNative(bytes.subarray(0, from)).reduce((sum, block) => sum + block.rows, 0);
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThanOrEqual(3_000_000);
    expect(bytes.subarray(from + mark.length).toString()).toMatch(/^Code: 395\. DB::Exception: /);
  });

  test.each([
    ['Basic, as without TLS', BASIC, 200, undefined],
    [
      'headers of ClickHouse, as with TLS',
      {
        'x-clickhouse-user': 'grafana_ro',
        'x-clickhouse-key': Buffer.from('pa:ss☃').toString('latin1'),
        'x-clickhouse-ssl-certificate-auth': 'off',
      },
      200,
      undefined,
    ],
    [
      'a wrong password',
      { authorization: `Basic ${Buffer.from('grafana_ro:no').toString('base64')}` },
      403,
      '516',
    ],
    [
      'a user without password',
      { authorization: `Basic ${Buffer.from('grafana_ro:').toString('base64')}` },
      401,
      '194',
    ],
    ['nothing', {}, 401, '194'],
  ])('signed in with %s', async (_, headers, status, code) => {
    for (const sql of [HELLO, 'SELECT 1']) {
      const answer = await ask(sql, { headers });
      expect([sql, answer.status, answer.headers['x-clickhouse-exception-code']]).toEqual([
        sql,
        status,
        code,
      ]);
    }
  });

  test('settings: those of the client and of the datasource count, unknown ones are refused by name', async () => {
    const settings = {
      max_execution_time: '65',
      limit: '3',
      quota_key: 'q',
      query_id: 'panel-7',
      session_id: 's',
    };
    const answer = await ask("SELECT getSetting('max_execution_time') AS s FROM numbers(10)", { settings });
    expect(decodeRows(answer.bytes).map(({ s }) => Number(s))).toEqual([65, 65, 65]);
    expect(answer.headers['x-clickhouse-query-id']).toBe('panel-7');
    const unknown = await ask('SELECT 1', { settings: { no_such_setting: '1' } });
    expect([unknown.status, unknown.headers['x-clickhouse-exception-code']]).toEqual([404, '115']);
    expect(unknown.bytes.toString()).toContain('no_such_setting');
  });

  test('a query that takes longer than max_execution_time ends with its error', async () => {
    const slow = await ask('SELECT count() FROM numbers(1e12) WHERE cityHash64(number) = 1', {
      settings: { max_execution_time: '1' },
    });
    expect([slow.status, slow.headers['x-clickhouse-exception-code']]).toEqual([408, '159']);
  });
});
