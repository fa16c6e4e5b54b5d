/** Cutting a stream of Native bytes where its blocks end, on what the real engine writes, in chunks of every size. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { type CutBlock, cutNative } from '../../src/store/native-blocks.js';
import { decodeNative } from '../testkit/native-decoder.js';

const directory = mkdtempSync(join(tmpdir(), 'plumbline-native-'));
let clickhouse: ClickHouse;

beforeAll(async () => {
  clickhouse = await openEmbeddedClickHouse({
    directory: join(directory, 'clickhouse'),
    database: 'plumbline',
    temporaryDirectory: join(directory, 'tmp'),
  });
});
afterAll(async () => {
  await clickhouse.close();
  rmSync(directory, { recursive: true, force: true });
});

const EVERY_TYPE = `SELECT
    number AS a, toInt32(number) AS b, toString(number) AS c, repeat('☃', number % 300) AS d, '' AS e,
    CAST(toString(number % 3), 'LowCardinality(String)') AS f,
    CAST(if(number % 2 = 0, NULL, toString(number)), 'LowCardinality(Nullable(String))') AS g,
    if(number % 2 = 0, NULL, toString(number)) AS h,
    toDateTime64(1.5, 9, 'UTC') AS i, toDateTime(number, 'UTC') AS j, number % 2 = 0 AS k, (number % 2 = 0)::Bool AS l,
    arrayMap(n -> toString(n), range(number % 5)) AS m,
    CAST(if(number % 4 = 0, map(), map('k', toString(number))), 'Map(LowCardinality(String), LowCardinality(String))') AS n,
    CAST(map('k', 'string'), 'Map(LowCardinality(String), Enum8(\\'empty\\' = 0, \\'a, (b)\\' = 2, \\'string\\' = 1))') AS o,
    (number, [toString(number)], CAST('x', 'LowCardinality(String)')) AS p,
    CAST((number, 'y'), 'Tuple(first UInt64, \`second one\` String)') AS q,
    toFixedString('abc', 5) AS r, generateUUIDv4() AS s, [[1.5], []] AS t,
    CAST(toDateTime64(number, 9, 'UTC'), 'SimpleAggregateFunction(min, DateTime64(9, \\'UTC\\'))') AS u
FROM numbers({rows:UInt32})`;

async function read(rows: number, settings: Record<string, number> = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of clickhouse.stream(EVERY_TYPE, 'Native', { params: { rows }, settings }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function cut(bytes: Buffer, chunkBytes: number): Promise<CutBlock[]> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const blocks: CutBlock[] = [];
  for await (const block of cutNative(chunks())) blocks.push(block);
  return blocks;
}

test.each([1, 7, 1_000, 65_536, 100_000_000])(
  'blocks come out whole, from chunks of %i bytes',
  async (chunkBytes) => {
    const bytes = await read(chunkBytes === 1 ? 60 : 3_000, { max_block_size: 700, max_threads: 1 });
    const expected = decodeNative(bytes).map(({ rows }) => rows);
    const blocks = await cut(bytes, chunkBytes);
    expect(blocks.map(({ rows }) => rows)).toEqual(expected);
    expect(Buffer.concat(blocks.map((block) => block.bytes)).equals(bytes)).toBe(true);
    expect(blocks.every((block) => decodeNative(block.bytes).length === 1)).toBe(true);
  },
);

test('nothing is no block', async () => {
  expect(await cut(Buffer.alloc(0), 10)).toEqual([]);
});

test('what ends inside of a block is an error, wherever it ends', async () => {
  const bytes = await read(3);
  for (let length = 1; length < bytes.length; length += 13)
    await expect(cut(bytes.subarray(0, length), 64)).rejects.toThrow('ends in the middle of a block');
});

test('a type whose length is not known is named', async () => {
  const bytes = Buffer.from('\x01\x01\x01a\x04JSON', 'latin1');
  await expect(cut(bytes, 64)).rejects.toThrow('no length is known of values of the type JSON');
});
