/** The SQL port as ClickHouse's own client for Node sees it. Grafana's client for Go is in sql-grafana.test.ts. */
import { ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

let fixture: SqlFixture;
let port: SqlPort;
let client: ReturnType<typeof createClient>;

beforeAll(async () => {
  fixture = await openSqlFixture();
  port = await fixture.openPort();
  client = createClient({ url: port.url, database: 'plumbline', log: { level: ClickHouseLogLevel.OFF } });
});
afterAll(async () => {
  await client.close();
  await fixture.close();
});

describe('@clickhouse/client', () => {
  test('pings', async () => {
    expect(await client.ping()).toEqual({ success: true });
    expect(await client.ping({ select: true })).toEqual({ success: true });
  });

  test('queries JSON and JSONEachRow', async () => {
    const query = 'SELECT number AS n, toString(number) AS s FROM numbers(200000)';
    const json = await (await client.query({ query, format: 'JSON' })).json<{ n: number }>();
    expect([json.rows, json.data.length, json.data[199_999]!.n]).toEqual([200_000, 200_000, 199_999]);
    const rows = await (await client.query({ query, format: 'JSONEachRow' })).json();
    expect(rows).toHaveLength(200_000);
  });

  test('streams', async () => {
    const query = 'SELECT number AS n FROM numbers(1000000)';
    const result = await client.query({ query, format: 'JSONEachRow' });
    let count = 0;
    let last = -1;
    for await (const rows of result.stream<{ n: number }>()) {
      count += rows.length;
      last = rows.at(-1)!.json().n;
    }
    expect([count, last]).toEqual([1_000_000, 999_999]);
  });

  test('binds parameters', async () => {
    const result = await client.query({
      query:
        'SELECT {id:UInt64} AS id, {list:Array(String)} AS list, {text:String} AS text, {time:DateTime} AS time',
      query_params: {
        id: 18446744073709551615n,
        list: ["it's", '☃'],
        text: 'a\\\'\t\n"`',
        time: new Date('2026-01-02T03:04:05Z'),
      },
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([
      { id: '18446744073709551615', list: ["it's", '☃'], text: 'a\\\'\t\n"`', time: '2026-01-02 03:04:05' },
    ]);
  });

  test('sends long parameters too', async () => {
    const text = 'long '.repeat(50_000);
    const result = await client.query({
      query: 'SELECT length({text:String}) AS n',
      query_params: { text },
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([{ n: text.length }]);
  });

  test('compresses both ways', async () => {
    const packed = createClient({ url: port.url, compression: { request: true, response: true } });
    const result = await packed.query({
      query: "SELECT repeat('x', 1000) AS x FROM numbers(10)",
      format: 'JSONEachRow',
    });
    expect(result.response_headers['content-encoding']).toBe('gzip');
    expect(await result.json()).toHaveLength(10);
    await packed.close();
  });

  test('executes and streams raw bytes', async () => {
    const { stream } = await client.exec({ query: 'SELECT number FROM numbers(3) FORMAT CSV' });
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('0\n1\n2\n');
  });

  test('reads what the port says about a statement', async () => {
    const query = 'SELECT number FROM numbers(10) FORMAT JSON';
    const { summary } = await client.command({ query, clickhouse_settings: { wait_end_of_query: 1 } });
    expect(summary).toMatchObject({ read_rows: '10', result_rows: '10', written_rows: '0' });
    expect(Number(summary!.elapsed_ns)).toBeGreaterThan(0);
  });

  test('gets errors of its own class', async () => {
    const wrong = client.query({ query: 'SELECT * FROM nothing_like_it', format: 'JSONEachRow' });
    const error = await wrong.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClickHouseError);
    expect(error).toMatchObject({ code: '60', type: 'UNKNOWN_TABLE' });
    await expect(client.command({ query: 'CREATE TABLE x (a UInt8) ENGINE = Memory' })).rejects.toMatchObject(
      { code: '164' },
    );
    await expect(
      client.insert({ table: 'x', values: [{ a: 1 }], format: 'JSONEachRow' }),
    ).rejects.toMatchObject({ code: '164' });
  });

  test('notices an answer that breaks half way', async () => {
    const result = await client.query({
      query: 'SELECT number, throwIf(number = 3000000) AS x FROM numbers(4000000)',
      format: 'JSONEachRow',
    });
    const read = async () => {
      for await (const _ of result.stream());
    };
    await expect(read()).rejects.toThrow(/non-zero|aborted/);
  });

  test('inserts where writing is allowed', async () => {
    const writing = await fixture.openPort({ readOnly: false });
    const writer = createClient({ url: writing.url, database: 'plumbline' });
    await writer.command({ query: 'CREATE TABLE w (a UInt64, b String) ENGINE = MergeTree ORDER BY a' });
    await writer.insert({
      table: 'w',
      values: [{ a: '18446744073709551615', b: "it's" }],
      format: 'JSONEachRow',
    });
    await writer.insert({
      table: 'w',
      values: [[1, 'one']],
      format: 'JSONCompactEachRow',
      columns: ['a', 'b'],
    });
    const rows = await (
      await writer.query({ query: 'SELECT b FROM w ORDER BY a', format: 'JSONEachRow' })
    ).json();
    expect(rows).toEqual([{ b: 'one' }, { b: "it's" }]);
    await writer.close();
  });
});
