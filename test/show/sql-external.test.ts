/** External data: files that come with a statement as a form, and that the statement reads as tables. */
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

let fixture: SqlFixture;
let port: SqlPort;

beforeAll(async () => {
  fixture = await openSqlFixture();
  port = await fixture.openPort({ sqlExternalBytesMax: 20_000_000 });
});
afterAll(() => fixture.close());

interface Part {
  name: string;
  data: string | Buffer;
}

/** Parts with a file name, and everything else in the URL. */
async function send(url: Record<string, string>, ...parts: Part[]) {
  const form = new FormData();
  for (const { name, data } of parts) form.append(name, new Blob([data as string]), `${name}.file`);
  return answerOf(await fetch(`${port.url}?${new URLSearchParams(url)}`, { method: 'POST', body: form }));
}

async function answerOf(response: Response) {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const temporary = () => join(fixture.directory, 'temporary');
const filesLeft = () => readdirSync(temporary());

/** Every test, also one of an error, leaves no file behind. */
beforeEach(() => expect.poll(filesLeft).toEqual([]));

describe('external data', () => {
  const people = { name: 'people', data: '1\tAnna\n2\tBo\n' };
  const structure = { people_structure: 'id UInt8, name String' };

  test('is a table of the statement', async () => {
    const query = 'SELECT name FROM people WHERE id = 2';
    expect((await send({ query, ...structure }, people)).text).toBe('Bo\n');
    const joined =
      'SELECT count() FROM numbers(3) AS n JOIN people AS p ON n.number = p.id FORMAT JSONCompact';
    expect(JSON.parse((await send({ query: joined, ...structure }, people)).text).data).toEqual([[2]]);
  });

  test('may have types alone, a format of its own, and company', async () => {
    const url = {
      query: 'SELECT _1, _2, b FROM a, t ORDER BY _1',
      a_types: 'UInt8,LowCardinality(String)',
      a_format: 'CSV',
      t_structure: "`b` Map(String, Tuple(x Array(Int8), `y z` Nullable(DateTime64(3, 'UTC'))))",
      t_format: 'JSONEachRow',
    };
    const answer = await send(
      url,
      { name: 'a', data: '1,"x, y"\n2,z\n' },
      { name: 't', data: '{"b": {"k": {"x": [-1, 2], "y z": "2026-01-02 03:04:05.678"}}}' },
    );
    const b = "{'k':([-1,2],'2026-01-02 03:04:05.678')}";
    expect(answer.text).toBe(`1\tx, y\t${b}\n2\tz\t${b}\n`);
  });

  test('may have everything in the form, and be packed', async () => {
    const form = new FormData();
    form.append('query', 'SELECT name FROM people WHERE id = {id:UInt8}');
    form.append('param_id', '1');
    form.append('people_structure', structure.people_structure);
    form.append('people', new Blob([people.data]), 'people.tsv');
    expect((await answerOf(await fetch(port.url, { method: 'POST', body: form }))).text).toBe('Anna\n');
    const whole = new Response(form);
    const headers = { 'Content-Type': whole.headers.get('content-type')!, 'Content-Encoding': 'gzip' };
    const body = gzipSync(Buffer.from(await whole.arrayBuffer()));
    expect((await answerOf(await fetch(port.url, { method: 'POST', headers, body }))).text).toBe('Anna\n');
  });

  test('may be binary', async () => {
    const native = await port.ask(
      'SELECT toUInt8(number) AS id, toString(number) AS name FROM numbers(3) FORMAT Native',
    );
    const row = await port.ask('SELECT toUInt8(7), toString(8) FORMAT RowBinary');
    const query = 'SELECT * FROM people ORDER BY id';
    const ask = (format: string, data: Buffer) =>
      send({ query, ...structure, people_format: format }, { name: 'people', data });
    expect((await ask('Native', native.bytes)).text).toBe('0\t0\n1\t1\n2\t2\n');
    expect((await ask('RowBinary', row.bytes)).text).toBe('7\t8\n');
  });

  test('goes through a session, and is gone with its statement', async () => {
    const session = { session_id: 'external', default_format: 'JSONEachRow' };
    await port.ask('SET max_block_size = 7', { url: session });
    const query = "SELECT name, getSetting('max_block_size') AS b FROM people LIMIT 1";
    expect(JSON.parse((await send({ query, ...structure, ...session }, people)).text)).toMatchObject({
      b: 7,
    });
    for (const url of [{}, session]) {
      expect(
        (await port.ask('SELECT * FROM people', { url })).headers.get('x-clickhouse-exception-code'),
      ).toBe('60');
    }
    expect(await fixture.engine.query("SELECT name FROM system.tables WHERE name = 'people'")).toEqual([]);
  });

  test('changes no setting of the statement', async () => {
    const query = "SELECT getSetting('max_memory_usage'), getSetting('async_insert') FROM people LIMIT 1";
    const ofPort = `${2 * 1024 ** 3}\t`;
    expect((await send({ query, ...structure }, people)).text).toBe(`${ofPort}true\n`);
  });

  test('is of as much as a statement reads in one answer', async () => {
    const data = Array.from({ length: 300_000 }, (_, i) => `${i}\tname ${i}\n`).join('');
    const url = { query: 'SELECT * FROM people', people_structure: 'id UInt32, name String' };
    const answer = await send(url, { name: 'people', data });
    expect(answer.text === data).toBe(true);
    expect(JSON.parse(answer.headers.get('x-clickhouse-summary')!)).toMatchObject({ written_rows: '0' });
  });

  test('of a port that may write is a table too', async () => {
    const writing = await fixture.openPort({ readOnly: false });
    const form = new FormData();
    form.append('people', new Blob([people.data]), 'people');
    const url = new URLSearchParams({ query: 'SELECT count() FROM people', ...structure });
    expect(await (await fetch(`${writing.url}?${url}`, { method: 'POST', body: form })).text()).toBe('2\n');
  });
});

describe('external data is refused', () => {
  const data = '1\n';
  const refused = async (url: Record<string, string>, ...parts: Part[]) => {
    const { status, headers, text } = await send({ query: 'SELECT * FROM t', ...url }, ...parts);
    return { status, code: Number(headers.get('x-clickhouse-exception-code')), text };
  };
  const part = { name: 't', data };

  test('without structure and types', async () => {
    expect(await refused({}, part)).toMatchObject({ status: 400, code: 36, text: /t_structure or t_types/ });
  });

  test.each([
    'a UInt8 DEFAULT 1',
    "a UInt8 DEFAULT file('/etc/passwd')",
    "a UInt8) ENGINE = File(TSV, '/tmp/x') --",
    'a UInt8, INDEX i a TYPE minmax',
    'a AggregateFunction(sum, UInt8)',
    'a Dynamic',
    'a SimpleAggregateFunction(any, UInt8)',
    'a Nested(b UInt8)',
    'a',
    'a Array(',
    'a Array(UInt8) b',
    "a Enum8('x' = 1 + 1)",
    "a Enum8('x\\' = 1)",
    'a UInt8 /* */',
    'a UInt8; SELECT 1',
    `a ${'Array('.repeat(1000)}UInt8${')'.repeat(1000)}`,
    `${'a UInt8, '.repeat(10_000)}b UInt8`,
    '`a\\`b` UInt8',
    '',
  ])('with a structure that is more than names and types: %.40s', async (t_structure) => {
    expect(await refused({ t_structure }, part)).toMatchObject({ status: 400, code: 36 });
  });

  test('with a format or a name that is not taken', async () => {
    const t_structure = 'a UInt8';
    for (const t_format of [
      'Parquet',
      'Values',
      'Template',
      "TSV SETTINGS x = 'y'",
      'ORC',
      'Nothing',
      'MsgPack',
    ]) {
      expect(await refused({ t_structure, t_format }, part)).toMatchObject({ status: 404, code: 73 });
    }
    for (const name of ['a b', 'system.one', '', '`', 'é', "x'"]) {
      const url = { [`${name}_structure`]: t_structure };
      expect(await refused(url, { name, data })).toMatchObject({ status: 400, code: 36 });
    }
    expect(await refused({ t_structure }, part, part)).toMatchObject({ code: 57 });
  });

  test('where its data is malformed, with an error that names no file of the server', async () => {
    const bad = await refused({ t_structure: 'a UInt8' }, { name: 't', data: '1\nx\n' });
    expect(bad).toMatchObject({ status: 400, code: 27 });
    expect(bad.text).toContain('external table t');
    expect(bad.text).not.toMatch(/temporary|\/tmp|external-\d/);
  });

  test('beside statements that are not allowed', async () => {
    const url = { t_structure: 'a UInt8' };
    for (const query of [
      "SELECT * FROM file('/etc/passwd')",
      'INSERT INTO t SELECT 1',
      'DROP TABLE t',
      'CREATE TABLE u ENGINE = Log AS SELECT * FROM t',
      'SELECT * FROM t SETTINGS readonly = 0',
    ]) {
      expect((await refused({ ...url, query }, part)).code).toBeGreaterThan(0);
    }
    expect((await refused({ ...url, max_parser_depth: '100000' }, part)).code).toBe(452);
  });

  test('where it is too much: bytes, tables, memory', async () => {
    const t_structure = 'a FixedString(256)';
    const large = { name: 't', data: Buffer.alloc(20_000_001, 'x') };
    expect(await refused({ t_structure }, large)).toMatchObject({ code: 307, text: /sqlExternalBytesMax/ });
    const half = { data: Buffer.alloc(12_000_000, 'x\n') };
    expect((await refused({ t_structure }, { name: 't', ...half }, { name: 'u', ...half })).code).toBe(307);
    expect((await refused({ t_structure }, ...Array.from({ length: 9 }, () => part))).code).toBe(36);
    expect((await refused({ t_structure }, { name: 't', ...half })).code).toBe(241);
  });

  test('where its form is malformed or cut', async () => {
    const post = async (type: string, body: string) =>
      answerOf(await fetch(port.url, { method: 'POST', headers: { 'Content-Type': type }, body }));
    const head = '--b\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n';
    for (const [type, body] of [
      ['multipart/form-data', `${head}1\r\n--b--\r\n`],
      ['multipart/form-data; boundary=b', `${head}1\n`],
      [
        'multipart/form-data; boundary=b',
        '--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT',
      ],
      ['multipart/form-data; boundary=b', head.slice(0, 20)],
      ['multipart/form-data; boundary=b', 'SELECT 1'],
      ['multipart/form-data; boundary=b', ''],
    ] as const) {
      const { status, text } = await post(type, body);
      expect([status, text]).toEqual([400, expect.stringMatching(/\((BAD_ARGUMENTS|SYNTAX_ERROR)\)/)]);
    }
    const fields = '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'.repeat(2001);
    expect((await post('multipart/form-data; boundary=b', `${fields}--b--\r\n`)).text).toContain(
      '2000 fields',
    );
    const long = `--b\r\nContent-Disposition: form-data; name="query"\r\n\r\n${'x'.repeat(2_000_000)}\r\n--b--\r\n`;
    expect((await post('multipart/form-data; boundary=b', long)).status).toBe(413);
  });

  test('where its sender goes away half way', async () => {
    const socket = await sendHalf(port.port, '1\r\n');
    await expect.poll(filesLeft).toHaveLength(1);
    socket.destroy();
    await expect.poll(filesLeft).toEqual([]);
    expect((await port.ask('SELECT 1')).text).toBe('1\n');
  });

  test('while others have all the room, and taken again when they are gone', async () => {
    const small = await fixture.openPort({ sqlExternalBytesMax: 1_000 });
    const sockets = [];
    for (let i = 0; i < 4; i++) sockets.push(await sendHalf(small.port, 'x'.repeat(990)));
    const writtenBytes = () => filesLeft().map((name) => statSync(join(temporary(), name)).size);
    // The parser keeps a little back: what may be the beginning of the end of a part.
    await expect.poll(() => Math.min(...writtenBytes(), writtenBytes().length * 300)).toBeGreaterThan(900);
    const ask = async () => {
      const form = new FormData();
      form.append('t', new Blob(['1\n'.repeat(250)]), 't');
      const url = new URLSearchParams({ query: 'SELECT count() FROM t', t_types: 'UInt8' });
      return (await fetch(`${small.url}?${url}`, { method: 'POST', body: form })).text();
    };
    expect(await ask()).toContain('Code: 202');
    for (const socket of sockets) socket.destroy();
    await expect.poll(filesLeft).toEqual([]);
    for (let i = 0; i < 20; i++) expect(await ask()).toBe('250\n');
  });
});

/** A form whose one file goes on. */
async function sendHalf(to: number, data: string) {
  const socket = connect(to, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    'POST /?query=SELECT+1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n' +
      'Content-Type: multipart/form-data; boundary=b\r\n\r\n' +
      `--b\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n${data}`,
  );
  return socket;
}
