/** How answers are packed and how packed statements are read: ClickHouse's own blocks, and what HTTP names. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as openRequest } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quote } from '../../src/model/sql-literal.js';
import { InflightBytes } from '../../src/receive/inflight-bytes.js';
import { decodeLz4 } from '../../src/receive/lz4-decode.js';
import { createBlockReader, packBlock } from '../../src/show/compressed-blocks.js';
import { chooseEncoding } from '../../src/show/sql-encodings.js';
import { lz4Bomb, lz4Frame } from '../testkit/lz-bodies.js';
import { openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

let fixture: SqlFixture;
let port: SqlPort;

beforeAll(async () => {
  fixture = await openSqlFixture();
  port = await fixture.openPort({ sqlQueryBytesMax: 100_000 });
});
afterAll(() => fixture.close());

interface RawAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
  isComplete: boolean;
}

/** Nothing is unpacked; a body that is cut off is what arrived of it. */
async function send(
  url: Record<string, string>,
  { headers = {}, body = Buffer.alloc(0) }: { headers?: Record<string, string>; body?: Uint8Array } = {},
): Promise<RawAnswer> {
  const path = `/?${new URLSearchParams(url)}`;
  const request = openRequest({
    host: '127.0.0.1',
    port: port.port,
    path,
    method: 'POST',
    headers,
    agent: false,
  });
  request.on('error', () => undefined);
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    // Cut off; isComplete says so.
  }
  const { statusCode, headers: received, complete } = response;
  return { status: statusCode!, headers: received, body: Buffer.concat(chunks), isComplete: complete };
}

const ask = (sql: string, url: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  send(url, { headers, body: Buffer.from(sql) });

function readBlocks(blocks: Uint8Array, bytesMax = 100_000_000): Promise<Buffer> {
  const reader = createBlockReader({ bytesMax, tooLarge: (max) => new Error(`larger than ${max}`) });
  reader.end(blocks);
  return buffer(reader);
}

/**
 * A file of blocks that the engine wrote, with this text in it. The engine writes a string behind its length, which the
 * texts make a character that SQL skips.
 */
async function writtenByEngine(text: string, codec: string): Promise<Buffer> {
  const { engine, directory } = fixture;
  const table = `blocks_${codec.toLowerCase()}`;
  await engine.command(
    `CREATE TABLE ${table} (s String CODEC(${codec})) ENGINE = MergeTree ORDER BY tuple() SETTINGS min_bytes_for_wide_part = 0`,
  );
  await engine.command(`INSERT INTO ${table} SELECT ${quote(text)}`);
  const [part] = await engine.query<{ path: string }>(
    `SELECT path FROM system.parts WHERE table = '${table}' AND active`,
  );
  return readFileSync(join(part!.path.startsWith('/') ? '' : directory, part!.path, 's.bin'));
}

describe('ClickHouse’s own blocks', () => {
  test.each([
    ['LZ4', 0x82],
    ['NONE', 0x02],
    ['ZSTD', 0x90],
  ])('that the engine itself wrote (%s) are read as a statement', async (codec, method) => {
    const text = "SELECT 42, 'aaaaaaaaaaaaaaaaaaa'";
    expect(text).toHaveLength(32);
    const blocks = await writtenByEngine(text, codec);
    expect(blocks[16]).toBe(method);
    const answer = await send({ decompress: '1' }, { body: blocks });
    expect(answer.body.toString()).toBe('42\taaaaaaaaaaaaaaaaaaa\n');
  });

  test('carry an answer of any length', async () => {
    for (const rows of [1, 1_000, 300_000]) {
      const answer = await ask(`SELECT number, 'x' FROM numbers(${rows})`, { compress: '1' });
      expect([answer.status, answer.headers['content-encoding']]).toEqual([200, undefined]);
      expect(answer.body[16]).toBe(0x82);
      const text = (await readBlocks(answer.body)).toString();
      expect(text.split('\n')).toHaveLength(rows + 1);
      expect(text.endsWith(`${rows - 1}\tx\n`)).toBe(true);
    }
  });

  test('carry documents, and shrink what repeats', async () => {
    const answer = await ask("SELECT repeat('x', 1000) AS x FROM numbers(1000) FORMAT JSON", {
      compress: '1',
    });
    expect(answer.body.length).toBeLessThan(20_000);
    expect(JSON.parse((await readBlocks(answer.body)).toString()).rows).toBe(1000);
  });

  test('are not there where the answer is empty', async () => {
    const answer = await ask('SELECT 1 WHERE 0', { compress: '1' });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
  });

  test('leave an error with its status as plain text', async () => {
    const answer = await ask('SELECT nothing', { compress: '1' });
    expect([answer.status, answer.headers['x-clickhouse-exception-code']]).toEqual([404, '47']);
    expect(answer.body.toString()).toMatch(/^Code: 47\. DB::Exception: /);
  });

  test('hold an error that comes after the first byte, and the answer is cut off', async () => {
    const sql = 'SELECT number, throwIf(number = 3000000) FROM numbers(4000000)';
    const answer = await ask(sql, { compress: '1' });
    expect([answer.status, answer.isComplete]).toEqual([200, false]);
    const tag = answer.headers['x-clickhouse-exception-tag'];
    const text = (await readBlocks(answer.body)).toString();
    // Some clients look for it without unpacking anything.
    expect(answer.body.includes(text.slice(text.indexOf('__exception__')))).toBe(true);
    expect(text.slice(-2000)).toMatch(
      new RegExp(`\\r\\n__exception__\\r\\n${tag}\\r\\nCode: 395\\.[^]* ${tag}\\r\\n__exception__\\r\\n$`),
    );
  });

  test('lie inside of what HTTP names where both are asked for', async () => {
    const url = { compress: '1', enable_http_compression: '1' };
    const answer = await ask('SELECT 1', url, { 'Accept-Encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect((await readBlocks(gunzipSync(answer.body))).toString()).toBe('1\n');
  });

  test('may come in several, in pieces of any size', async () => {
    const blocks = Buffer.concat([
      await packBlock(Buffer.from('SELECT ')),
      await packBlock(Buffer.from('43')),
    ]);
    expect((await send({ decompress: '1' }, { body: blocks })).body.toString()).toBe('43\n');
    const reader = createBlockReader({ bytesMax: 100, tooLarge: () => new Error('too large') });
    for (const byte of blocks) reader.write(Buffer.from([byte]));
    reader.end();
    expect((await buffer(reader)).toString()).toBe('SELECT 43');
  });

  test('that are damaged, cut short, too large or of another method are refused', async () => {
    const block = await packBlock(Buffer.from('SELECT 1'));
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(block);
      copy[at] = value;
      return copy;
    };
    const expected: [body: Buffer, status: number, code: string][] = [
      [changed(0, block[0]! ^ 1), 500, '40'],
      [changed(block.length - 1, 0), 500, '40'],
      [changed(17, 3), 500, '271'],
      [changed(20, 0xff), 500, '149'],
      [block.subarray(0, -1), 500, '33'],
      [block.subarray(0, 10), 500, '33'],
      [Buffer.from('SELECT 1'), 500, '33'],
      [await packBlock(Buffer.alloc(100_001, ' ')), 413, '229'],
    ];
    for (const [body, status, code] of expected) {
      const answer = await send({ decompress: '1' }, { body });
      expect([answer.status, answer.headers['x-clickhouse-exception-code']]).toEqual([status, code]);
    }
    expect((await send({ decompress: '1' }, { body: block })).body.toString()).toBe('1\n');
  });

  test('bring the data of an INSERT where writing is allowed', async () => {
    const writing = await fixture.openPort({ readOnly: false });
    await writing.ask('CREATE TABLE packed (a UInt64) ENGINE = MergeTree ORDER BY a');
    const url = new URLSearchParams({ decompress: '1', query: 'INSERT INTO packed FORMAT TSV' });
    const body = await packBlock(Buffer.from('1\n2\n3\n'));
    const response = await fetch(`${writing.url}?${url}`, { method: 'POST', body: new Uint8Array(body) });
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect((await port.ask('SELECT sum(a) FROM packed')).text).toBe('6\n');
  });
});

describe('Content-Encoding', () => {
  const longQuery = `SELECT length('${'x'.repeat(50_000)}')`;

  test('zstd and lz4 are read, whole and in a form that only decompressing shows to be too large', async () => {
    const zstd = await Zstd.load();
    const bodies: [coding: string, pack: (text: string) => Uint8Array][] = [
      ['zstd', (text) => zstd.compress(Buffer.from(text))],
      ['lz4', (text) => lz4Frame(Buffer.from(text))],
    ];
    for (const [coding, pack] of bodies) {
      const headers = { 'Content-Encoding': coding };
      const read = await send({}, { headers, body: pack(longQuery) });
      expect([coding, read.status, read.body.toString()]).toEqual([coding, 200, '50000\n']);
      const large = await send({}, { headers, body: pack(' '.repeat(100_001)) });
      expect([coding, large.status, large.headers['x-clickhouse-exception-code']]).toEqual([
        coding,
        413,
        '229',
      ]);
      const damaged = await send({}, { headers, body: Buffer.from('SELECT 1') });
      expect([coding, damaged.headers['x-clickhouse-exception-code']]).toEqual([coding, '271']);
    }
  });

  test('a small body that becomes a large one is refused before it takes memory', async () => {
    const headers = { 'Content-Encoding': 'lz4' };
    const answer = await send({}, { headers, body: lz4Bomb(16 * 1024 * 1024) });
    expect([answer.status, answer.headers['x-clickhouse-exception-code']]).toEqual([413, '229']);
  });
});

describe('Accept-Encoding', () => {
  test.each([
    ['gzip', 'gzip'],
    ['lz4, zstd, br, deflate, gzip', 'lz4'],
    ['zstd, br;q=0.5, deflate;q=0.8', 'deflate'],
    ['gzip;q=0, br', 'br'],
    ['GZIP ; q=1.0', 'gzip'],
    ['zstd, identity, *', undefined],
    ['gzip;q=0', undefined],
    ['gzip;q=x', undefined],
    ['', undefined],
  ])('%s gives %s', (accepted, chosen) => {
    expect(chooseEncoding(accepted, new Set(['gzip', 'deflate', 'br', 'lz4']))).toBe(chosen);
  });

  test('decides how an answer is packed where enable_http_compression asks for it', async () => {
    const unpack = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync };
    const sql = 'SELECT number FROM numbers(300000)';
    const { text } = await port.ask(sql);
    for (const [name, open] of Object.entries(unpack)) {
      const answer = await ask(sql, { enable_http_compression: '1' }, { 'Accept-Encoding': name });
      expect(answer.headers['content-encoding']).toBe(name);
      expect(answer.body.length).toBeLessThan(text.length / 2);
      expect(open(answer.body).toString() === text).toBe(true);
      const unasked = await ask(sql, {}, { 'Accept-Encoding': name });
      expect([unasked.headers['content-encoding'], unasked.body.length]).toEqual([undefined, text.length]);
    }
  });

  test('lz4 is a frame of the lz4 format, which an error leaves without its end', async () => {
    const url = { enable_http_compression: '1' };
    const headers = { 'Accept-Encoding': 'lz4' };
    const rows = await ask('SELECT number FROM numbers(300000)', url, headers);
    expect([rows.headers['content-encoding'], rows.isComplete]).toEqual(['lz4', true]);
    const { text } = await port.ask('SELECT number FROM numbers(300000)');
    expect((await readLz4Frame(rows.body)) === text).toBe(true);
    const random = await ask('SELECT randomString(100000)', url, headers);
    expect(Buffer.byteLength(await readLz4Frame(random.body, 'latin1'), 'latin1')).toBeGreaterThan(100_000);
    const cut = await ask('SELECT number, throwIf(number = 3000000) FROM numbers(4000000)', url, headers);
    expect(cut.isComplete).toBe(false);
    await expect(readLz4Frame(cut.body)).rejects.toThrow('cut short');
  });
});

async function readLz4Frame(frame: Buffer, encoding: BufferEncoding = 'utf8'): Promise<string> {
  const share = new InflightBytes(1_000_000_000).open();
  return (await decodeLz4(frame, 100_000_000, share)).toString(encoding);
}
