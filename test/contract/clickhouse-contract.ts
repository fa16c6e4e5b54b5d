/**
 * What every driver of the ClickHouse interface must do, as one suite. A factory goes in; each driver's test file
 * registers the suite with its own. Nothing here knows which driver it tests, except to skip what only one can do.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClickHouse, ClickHouseError } from '../../src/model/clickhouse.js';
import * as native from './native-columns.js';

export interface ContractOptions {
  name: string;
  open(): Promise<ClickHouse>;
  close?(): Promise<void>;
  /** Output of the streaming test, bytes. */
  streamBytes?: number;
}

export function registerClickHouseContract(options: ContractOptions): void {
  describe(`ClickHouse contract: ${options.name}`, () => {
    let clickhouse: ClickHouse;
    beforeAll(async () => {
      clickhouse = await options.open();
      await clickhouse.command(`CREATE DATABASE IF NOT EXISTS ${clickhouse.database}`);
    });
    afterAll(async () => {
      await clickhouse?.close();
      await options.close?.();
    });
    registerQueryTests(() => clickhouse);
    registerParamTests(() => clickhouse);
    registerErrorTests(() => clickhouse);
    registerInsertTests(() => clickhouse);
    registerDeduplicationTests(() => clickhouse);
    registerStreamTests(() => clickhouse, options.streamBytes ?? 1.1e9);
    registerAbortTests(() => clickhouse);
  });
}

async function fail(promise: Promise<unknown>): Promise<ClickHouseError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ClickHouseError);
  return error as ClickHouseError;
}

function registerQueryTests(get: () => ClickHouse): void {
  test('ping answers', async () => {
    await get().ping();
  });
  test('rows are objects; 64-bit integers are strings', async () => {
    const rows = await get().query(
      "SELECT toUInt64(18446744073709551615) AS big, -1 AS small, 'ü\n,x' AS text, 1.5 AS f",
    );
    expect(rows).toEqual([{ big: '18446744073709551615', small: -1, text: 'ü\n,x', f: 1.5 }]);
  });
  test('no rows are an empty list', async () => {
    expect(await get().query('SELECT 1 WHERE 0')).toEqual([]);
  });
  test('unqualified names resolve to the database', async () => {
    const [row] = await get().query<{ name: string }>('SELECT currentDatabase() AS name');
    expect(row!.name).toBe(get().database);
  });
  test('a statement may end in a comment or a semicolon', async () => {
    expect(await get().query('SELECT 1 AS a -- why')).toEqual([{ a: 1 }]);
    expect(await get().query('SELECT 1 AS a /* why */;')).toEqual([{ a: 1 }]);
  });
  test('settings hold for one call only', async () => {
    const sql =
      "SELECT toString(getSetting('max_threads')) AS threads, toString(getSetting('max_block_size')) AS size";
    const before = await get().query(sql);
    const changed = await get().query(sql, { settings: { max_threads: 1, max_block_size: '77' } });
    expect(changed).toEqual([{ threads: '1', size: '77' }]);
    for (let i = 0; i < 5; i++) expect(await get().query(sql)).toEqual(before);
  });
  test('many calls at once', async () => {
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    const rows = await Promise.all(
      numbers.map((n) => get().query<{ n: number }>('SELECT {n:UInt8} AS n', { params: { n } })),
    );
    expect(rows.map(([row]) => row!.n)).toEqual(numbers);
  });
}

function registerParamTests(get: () => ClickHouse): void {
  const hostile = [
    "it's",
    "a\\'; DROP TABLE x; --",
    'tab\tnew\nline\r',
    '{other:String}',
    '☃ ünï 👩‍🚀',
    '\\N',
    '',
    '"`/*',
    'a'.repeat(50_000),
  ];
  test.each(hostile.map((value) => [JSON.stringify(value.slice(0, 30)), value]))(
    'string parameter %s',
    async (_, value) => {
      const [row] = await get().query('SELECT {value:String} AS value', { params: { value } });
      expect(row).toEqual({ value });
    },
  );
  test('typed parameters', async () => {
    const params = {
      big: 18446744073709551615n,
      negative: -5,
      float: 0.1,
      nan: Number.NaN,
      nothing: null,
      flag: true,
      list: ["it's", 'b\\'],
      map: { "k'": 'v\n' },
      time: new Date('2026-01-02T03:04:05.678Z'),
      table: 'one',
    };
    const sql = `SELECT {big:UInt64} AS big, {negative:Int32} AS negative, {float:Float64} AS float,
      isNaN({nan:Float64}) AS nan, {nothing:Nullable(String)} AS nothing, {flag:Bool} AS flag,
      {list:Array(String)} AS list, {map:Map(String, String)} AS map,
      toString({time:DateTime64(3, 'UTC')}) AS time FROM system.{table:Identifier}`;
    expect(await get().query(sql, { params })).toEqual([
      {
        ...{ big: '18446744073709551615', negative: -5, float: 0.1, nan: 1, nothing: null, flag: true },
        ...{ list: params.list, map: params.map, time: '2026-01-02 03:04:05.678' },
      },
    ]);
  });
  test('parameters of one call are not seen by the next', async () => {
    await get().query('SELECT {secret:String} AS s', { params: { secret: 'x' } });
    const error = await fail(get().query('SELECT {never_given:String} AS s'));
    expect(error.code).toBe(456);
  });
}

function registerErrorTests(get: () => ClickHouse): void {
  test.each([
    ['SELECT nothing_like_it', 47, 'UNKNOWN_IDENTIFIER'],
    ['SELECT 1 FROM nothing_like_it', 60, 'UNKNOWN_TABLE'],
    ['SELEC 1', 62, 'SYNTAX_ERROR'],
    ["SELECT throwIf(number = 3, 'hm') FROM numbers(5)", 395, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
  ])('%s fails with its code', async (sql, code, type) => {
    const error = await fail(get().query(sql));
    expect([error.code, error.type]).toEqual([code, type]);
    expect(error.message).not.toMatch(/^Code:|DB::Exception|\([A-Z_]+\)$/);
  });
  test('an unknown setting fails with its code, and nothing sticks', async () => {
    const error = await fail(get().query('SELECT 1', { settings: { no_such_setting: 1 } }));
    expect([error.code, error.type]).toEqual([115, 'UNKNOWN_SETTING']);
    expect(await get().query('SELECT 1 AS a')).toEqual([{ a: 1 }]);
  });
  test('commands fail with their code', async () => {
    const error = await fail(get().command('DROP TABLE nothing_like_it'));
    expect(error.code).toBe(60);
  });
  test('a stream that cannot start fails at its first chunk', async () => {
    const chunks = get().stream('SELECT nothing_like_it', 'JSONEachRow')[Symbol.asyncIterator]();
    expect((await fail(chunks.next())).code).toBe(47);
  });
  test('a stream that breaks half way fails', async () => {
    const sql = 'SELECT throwIf(number = 3000000) FROM numbers(4000000)';
    const drain = async () => {
      for await (const _ of get().stream(sql, 'TabSeparated'));
    };
    expect((await fail(drain())).code).toBe(395);
  });
}

/** Every type the schema uses, two rows, in both directions. */
function registerInsertTests(get: () => ClickHouse): void {
  const trace = Buffer.from('000102030405060708090a0b0c0d0eff', 'hex');
  const columns: native.NativeColumn[] = [
    { name: 'id', type: 'UInt64', data: native.uint64([1n, 18446744073709551615n]) },
    { name: 'count', type: 'Int64', data: native.int64([-9223372036854775808n, 9007199254740993n]) },
    { name: 'time', type: "DateTime64(9, 'UTC')", data: native.int64([1767323045123456789n, 1n]) },
    { name: 'value', type: 'Float64', data: native.float64([Number.NaN, Number.NEGATIVE_INFINITY]) },
    { name: 'min', type: 'Nullable(Float64)', data: native.nullable([true, false], native.float64([0, -0])) },
    { name: 'buckets', type: 'Array(UInt64)', data: native.arrays([3, 0], native.uint64([1n, 2n, 3n])) },
    {
      name: 'attributes',
      type: 'Map(String, String)',
      data: native.arrays([1, 2], native.strings(["k'1", 'a', 'b']), native.strings(['v\n', '', '☃'])),
    },
    { name: 'unit', type: 'String', data: native.strings(['ms', "it's"]) },
    { name: 'trace', type: 'FixedString(16)', data: native.fixed([trace, Buffer.alloc(16)]) },
    { name: 'flags', type: 'UInt8', data: native.uint8([0, 255]) },
  ];
  const block = native.buildBlock(2, columns);

  test('Native blocks with every type of interest', async () => {
    await get().command('DROP TABLE IF EXISTS types');
    await get().command(`CREATE TABLE types (id UInt64, count Int64, time DateTime64(9, 'UTC'), value Float64,
      min Nullable(Float64), buckets Array(UInt64), attributes Map(LowCardinality(String), String),
      unit LowCardinality(String), trace FixedString(16), flags UInt8, extra String DEFAULT 'none')
      ENGINE = MergeTree ORDER BY id`);
    await get().insertNative('types', [block], { deduplicationToken: 'a' });
    const rows = await get().query(`SELECT * EXCEPT (time, value, trace), toUnixTimestamp64Nano(time) AS time,
      toString(value) AS value, hex(trace) AS trace FROM types ORDER BY id`);
    expect(rows).toEqual([
      {
        ...{ id: '1', count: '-9223372036854775808', time: '1767323045123456789', value: 'nan', min: null },
        ...{ buckets: ['1', '2', '3'], attributes: { "k'1": 'v\n' }, unit: 'ms', flags: 0, extra: 'none' },
        trace: trace.toString('hex').toUpperCase(),
      },
      {
        ...{ id: '18446744073709551615', count: '9007199254740993', time: '1', value: '-inf', min: -0 },
        ...{ buckets: [], attributes: { a: '', b: '☃' }, unit: "it's", flags: 255, extra: 'none' },
        trace: '0'.repeat(32),
      },
    ]);
  });
  test('several blocks, also empty ones, go in as one insert', async () => {
    await get().command('DROP TABLE IF EXISTS many');
    await get().command('CREATE TABLE many (id UInt64) ENGINE = MergeTree ORDER BY id');
    const column = (from: number, rows: number) => ({
      name: 'id',
      type: 'UInt64',
      data: native.uint64(Array.from({ length: rows }, (_, i) => BigInt(from + i))),
    });
    const blocks = Array.from({ length: 60 }, (_, i) => native.buildBlock(5000, [column(i * 5000, 5000)]));
    await get().insertNative(`${get().database}.many`, [...blocks, Buffer.alloc(0)], {
      deduplicationToken: 'b',
    });
    await get().insertNative('many', [], { deduplicationToken: 'c' });
    expect(await get().query('SELECT count() AS n, uniqExact(id) AS u, max(id) AS m FROM many')).toEqual([
      { n: '300000', u: '300000', m: '299999' },
    ]);
  });
  test('a large insert goes in as a stream, once', async () => {
    await get().command('DROP TABLE IF EXISTS large');
    await get().command(`CREATE TABLE large (id UInt64, filling String) ENGINE = MergeTree ORDER BY id
      SETTINGS non_replicated_deduplication_window = 100`);
    const [rows, count] = [50_000, 20];
    const filling = native.strings(Array.from({ length: rows }, () => 'x'.repeat(60)));
    const blocks = Array.from({ length: count }, (_, block) => {
      const ids = BigUint64Array.from({ length: rows }, (_, i) => BigInt(block * rows + i));
      return native.buildBlock(rows, [
        { name: 'id', type: 'UInt64', data: Buffer.from(ids.buffer) },
        { name: 'filling', type: 'String', data: filling },
      ]);
    });
    // 69 MB, more than the engine puts into one block of its own.
    for (let i = 0; i < 2; i++) await get().insertNative('large', blocks, { deduplicationToken: 'large' });
    expect(
      await get().query('SELECT count() AS n, uniqExact(id) AS u, max(length(filling)) AS l FROM large'),
    ).toEqual([{ n: '1000000', u: '1000000', l: '60' }]);
  });
  test('a broken block fails and inserts nothing', async () => {
    await get().command('DROP TABLE IF EXISTS broken');
    await get().command('CREATE TABLE broken (id UInt64) ENGINE = MergeTree ORDER BY id');
    const good = native.buildBlock(1, [{ name: 'id', type: 'UInt64', data: native.uint64([1n]) }]);
    const insert = get().insertNative('broken', [good.subarray(0, good.length - 2)], {
      deduplicationToken: 'd',
    });
    expect((await fail(insert)).code).toBeGreaterThan(0);
    expect(await get().query('SELECT count() AS n FROM broken')).toEqual([{ n: '0' }]);
  });
  test('a table that does not exist fails with its code; a name that is none is refused', async () => {
    expect(
      (await fail(get().insertNative('nothing_like_it', [block], { deduplicationToken: 'e' }))).code,
    ).toBe(60);
    const injected = 'types SELECT 1; DROP TABLE types; --';
    expect((await fail(get().insertNative(injected, [block], { deduplicationToken: 'e' }))).code).toBe(36);
  });
}

function registerDeduplicationTests(get: () => ClickHouse): void {
  const block = (value: bigint) =>
    native.buildBlock(2, [
      { name: 'id', type: 'UInt64', data: native.uint64([1n, 2n]) },
      { name: 'version', type: 'UInt64', data: native.uint64([value, value]) },
    ]);

  test('a token counts once, in the table and in what views fill', async () => {
    const settings = 'SETTINGS non_replicated_deduplication_window = 100';
    for (const name of ['dedup_view', 'dedup_sums', 'dedup'])
      await get().command(`DROP TABLE IF EXISTS ${name}`);
    await get().command(
      `CREATE TABLE dedup (id UInt64, version UInt64) ENGINE = ReplacingMergeTree ORDER BY (id, version) ${settings}`,
    );
    await get().command(
      `CREATE TABLE dedup_sums (id UInt64, n UInt64) ENGINE = SummingMergeTree ORDER BY id ${settings}`,
    );
    await get().command(
      'CREATE MATERIALIZED VIEW dedup_view TO dedup_sums AS SELECT id, count() AS n FROM dedup GROUP BY id',
    );
    for (const token of ['s-1', 's-1', 's-2', 's-1', 's-2']) {
      await get().insertNative('dedup', [block(7n)], { deduplicationToken: token });
    }
    await get().insertNative('dedup', [block(8n)], { deduplicationToken: "s-3' OR 1" });
    expect(await get().query('SELECT count() AS n FROM dedup')).toEqual([{ n: '6' }]);
    expect(await get().query('SELECT count() AS n FROM dedup FINAL')).toEqual([{ n: '4' }]);
    expect(await get().query('SELECT sum(n) AS n FROM dedup_sums')).toEqual([{ n: '6' }]);
  });
}

function registerStreamTests(get: () => ClickHouse, streamBytes: number): void {
  test('stream gives the bytes of the format', async () => {
    const read = async (format: string) => {
      const chunks: Uint8Array[] = [];
      const sql = 'SELECT number AS n, {s:String} AS s FROM numbers(2) -- end';
      for await (const chunk of get().stream(sql, format, {
        params: { s: "it's" },
        settings: { max_threads: 1 },
      }))
        chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    expect((await read('TabSeparated')).toString()).toBe("0\tit\\'s\n1\tit\\'s\n");
    expect((await read('CSVWithNames')).toString()).toBe('"n","s"\n0,"it\'s"\n1,"it\'s"\n');
    const columns = [
      { name: 'n', type: 'UInt64', data: native.uint64([0n, 1n]) },
      { name: 's', type: 'String', data: native.strings(["it's", "it's"]) },
    ];
    expect((await read('Native')).equals(native.buildBlock(2, columns))).toBe(true);
  });
  test('a stream of many blocks is one document in every format', async () => {
    const read = async (format: string) => {
      const sql = 'SELECT number AS n FROM numbers(10)';
      const settings = { max_block_size: 3, max_threads: 1 };
      const chunks: Uint8Array[] = [];
      for await (const chunk of get().stream(sql, format, { settings })) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    const numbers = Array.from({ length: 10 }, (_, i) => i);
    expect(await read('TabSeparatedWithNames')).toBe(['n', ...numbers, ''].join('\n'));
    expect(await read('CSVWithNamesAndTypes')).toBe(['"n"', '"UInt64"', ...numbers, ''].join('\n'));
    const json = JSON.parse(await read('JSONCompact')) as { data: unknown[]; rows: number };
    expect([json.data.length, json.rows]).toEqual([10, 10]);
  });
  test('an empty result is an empty stream', async () => {
    for await (const chunk of get().stream('SELECT 1 WHERE 0', 'Native')) expect(chunk.length).toBe(0);
  });
  test(`${streamBytes / 1e6} MB of output with bounded memory`, { timeout: 120_000 }, async () => {
    const rows = Math.ceil(streamBytes / 1000);
    const sql = `SELECT number, randomPrintableASCII(991) AS filling FROM system.numbers LIMIT ${rows}`;
    let bytes = 0;
    let rssMax = 0;
    const rssBefore = process.memoryUsage.rss();
    for await (const chunk of get().stream(sql, 'RowBinary', {
      settings: { max_block_size: 8192, max_threads: 1 },
    })) {
      bytes += chunk.length;
      rssMax = Math.max(rssMax, process.memoryUsage.rss());
    }
    expect(bytes).toBe(rows * (8 + 2 + 991));
    expect(rssMax - rssBefore).toBeLessThan(400e6);
    if (process.env.PLUMBLINE_TEST_FIGURES) {
      console.log(
        `${get().kind}: ${bytes} bytes, RSS ${Math.round(rssBefore / 1e6)} → at most ${Math.round(rssMax / 1e6)} MB`,
      );
    }
  });
  test('a stream may be left half way, any number of times', async () => {
    for (let i = 0; i < 8; i++) {
      for await (const chunk of get().stream('SELECT * FROM system.numbers', 'TabSeparated')) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    }
    expect(await get().query('SELECT 1 AS a')).toEqual([{ a: 1 }]);
  });
}

function registerAbortTests(get: () => ClickHouse): void {
  const endless = 'SELECT count() FROM numbers(1e12) WHERE cityHash64(number) = 1';

  async function expectNothingRuns(): Promise<void> {
    const sql =
      "SELECT count() AS n FROM system.processes WHERE query LIKE '%cityHash64(number) = 1%' AND query NOT LIKE '%processes%'";
    await expect
      .poll(async () => (await get().query<{ n: string }>(sql))[0]!.n, { timeout: 10_000 })
      .toBe('0');
  }
  test('an aborted signal rejects before anything starts', async () => {
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(get().query('SELECT 1', { signal })).rejects.toThrow('never mind');
  });
  test('abort ends a query, here and in ClickHouse', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await expect(get().query(endless, { signal: controller.signal })).rejects.toThrow('enough');
    await expectNothingRuns();
  });
  test('abort ends a stream that has given nothing yet', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 300);
    const chunks = get()
      .stream(endless, 'TabSeparated', { signal: controller.signal })
      [Symbol.asyncIterator]();
    await expect(chunks.next()).rejects.toThrow('enough');
    await expectNothingRuns();
  });
}
