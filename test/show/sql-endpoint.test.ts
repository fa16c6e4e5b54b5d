/** The SQL port as curl and any HTTP client see it: requests, formats, headers, errors, limits, life. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type IncomingMessage, request as openRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSqlFixture, rolesOf, type SqlFixture, type SqlPort } from './sql-fixture.js';

let fixture: SqlFixture;
let port: SqlPort;

beforeAll(async () => {
  fixture = await openSqlFixture();
  port = await fixture.openPort({ sqlQueryBytesMax: 100_000 });
  await fixture.engine.command('CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a');
  await fixture.engine.command('INSERT INTO t SELECT number, toString(number) FROM numbers(3)');
});
afterAll(() => fixture.close());

/** What runs in the engine with this mark in its text. */
async function countRunning(mark: string): Promise<number> {
  const sql = `SELECT count() AS n FROM system.processes
    WHERE position(query, {mark:String}) > 0 AND position(query, 'system.processes') = 0`;
  const [row] = await fixture.engine.query<{ n: string }>(sql, { params: { mark } });
  return Number(row!.n);
}

/** A raw response: nothing is decompressed, joined or hidden. */
async function askRaw(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer; port?: number } = {},
): Promise<{ response: IncomingMessage; body: Buffer; isComplete: boolean }> {
  const request = openRequest({
    host: '127.0.0.1',
    port: options.port ?? port.port,
    path,
    method: options.method ?? 'GET',
    headers: options.headers,
    agent: false,
  });
  // A server that has refused a long body need not read the rest of it.
  request.on('error', () => undefined);
  request.end(options.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    // An answer that was cut off; isComplete says so.
  }
  return { response, body: Buffer.concat(chunks), isComplete: response.complete };
}

describe('a query', () => {
  test('in the URL, in the body, or begun in the URL and finished in the body', async () => {
    expect((await port.ask('SELECT 1', { method: 'GET' })).text).toBe('1\n');
    expect((await port.ask('SELECT 2')).text).toBe('2\n');
    expect((await port.ask('FROM numbers(3)', { url: { query: 'SELECT max(number)' } })).text).toBe('2\n');
    expect((await port.ask('+ 1', { url: { query: 'SELECT 1 -- a comment ends with its line' } })).text).toBe(
      '2\n',
    );
  });

  test('resolves names in the database of the URL, of the header, or of Plumbline', async () => {
    const sql = 'SELECT currentDatabase()';
    expect((await port.ask(sql)).text).toBe('plumbline\n');
    expect((await port.ask(sql, { url: { database: 'system' } })).text).toBe('system\n');
    expect((await port.ask(sql, { headers: { 'X-ClickHouse-Database': 'system' } })).text).toBe('system\n');
    const unknown = await port.ask(sql, { url: { database: 'no_such' } });
    expect([unknown.status, unknown.headers.get('x-clickhouse-exception-code')]).toEqual([404, '81']);
  });

  test('takes typed parameters, with any character in them', async () => {
    const url = {
      param_id: '18446744073709551615',
      param_list: '[1,2,3]',
      param_names: String.raw`['it\'s','☃']`,
      param_text: "it's ☃ \\\\ {x:String} \\t",
      param_table: 't',
    };
    const sql = `SELECT {id:UInt64}, {list:Array(UInt8)}, {names:Array(String)}, {text:String}, count()
      FROM {table:Identifier} FORMAT JSONCompactEachRow`;
    expect(JSON.parse((await port.ask(sql, { url })).text)).toEqual(
      // 64-bit integers are written as numbers unless a setting asks for quotes; JSON.parse would round this one.
      [expect.any(Number), [1, 2, 3], ["it's", '☃'], "it's ☃ \\ {x:String} \t", 3],
    );
    expect((await port.ask('SELECT {id:UInt64}', { url })).text).toBe('18446744073709551615\n');
    const missing = await port.ask('SELECT {nothing:String}');
    expect([missing.status, missing.headers.get('x-clickhouse-exception-code')]).toEqual([500, '456']);
    const wrong = await port.ask('SELECT {id:UInt64}', { url: { param_id: '1); DROP TABLE t; --' } });
    expect(wrong.headers.get('x-clickhouse-exception-code')).toBe('457');
  });

  test('takes settings from the URL for itself alone', async () => {
    const sql = "SELECT getSetting('max_threads'), getSetting('max_block_size')";
    expect((await port.ask(sql, { url: { max_threads: '3', max_block_size: '77' } })).text).toBe('3\t77\n');
    expect((await port.ask(sql)).text).not.toContain('77');
    const unknown = await port.ask('SELECT 1', { url: { no_such_setting: '1' } });
    expect([unknown.status, unknown.headers.get('x-clickhouse-exception-code')]).toEqual([404, '115']);
  });

  test('runs under limits that it may change: time, memory, threads', async () => {
    const limits = "SELECT getSetting('max_execution_time'), getSetting('max_memory_usage') > 0";
    expect((await port.ask(limits)).text).toBe('60\ttrue\n'.replace('true', '1'));
    const slow = await port.ask('SELECT count() FROM numbers(1e12) WHERE cityHash64(number) = 1', {
      url: { max_execution_time: '1' },
    });
    expect([slow.status, slow.headers.get('x-clickhouse-exception-code')]).toEqual([408, '159']);
    const large = await port.ask('SELECT groupArray(number) FROM numbers(1e8)', {
      url: { max_memory_usage: '50000000' },
    });
    expect(large.headers.get('x-clickhouse-exception-code')).toBe('241');
  });

  test('is refused where it is too long, naming the limit', async () => {
    const answer = await port.ask(`SELECT '${'x'.repeat(100_000)}'`);
    expect(answer.status).toBe(413);
    expect(answer.text).toContain('longer than 100000 bytes (sqlQueryBytesMax)');
    expect((await port.ask(`SELECT length('${'x'.repeat(90_000)}')`)).text).toBe('90000\n');
    const long = await askRaw('/', { method: 'POST', body: Buffer.alloc(20_000_000, 'x') });
    expect([long.response.statusCode, long.response.headers.connection]).toEqual([413, 'close']);
    const bomb = await askRaw('/', {
      method: 'POST',
      headers: { 'Content-Encoding': 'gzip' },
      body: gzipSync(`SELECT 1 -- ${' '.repeat(50_000_000)}`),
    });
    expect(bomb.response.statusCode).toBe(413);
  });

  test('carries its id back, given or made', async () => {
    const given = await port.ask('SELECT 1', { url: { query_id: 'my-query' } });
    expect(given.headers.get('x-clickhouse-query-id')).toBe('my-query');
    expect((await port.ask('SELECT 1')).headers.get('x-clickhouse-query-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('may come as a form, as clients send long parameters', async () => {
    const form = new FormData();
    form.set('query', 'SELECT {x:String}, {y:UInt8}');
    form.set('param_x', 'y'.repeat(20_000));
    const response = await fetch(`${port.url}?param_y=7`, { method: 'POST', body: form });
    expect(await response.text()).toBe(`${'y'.repeat(20_000)}\t7\n`);
  });

  test('that is empty: a word for GET, an error for POST', async () => {
    expect((await askRaw('/')).body.toString()).toBe('Ok.\n');
    const empty = await port.ask('  ');
    expect([empty.status, empty.headers.get('x-clickhouse-exception-code')]).toEqual([400, '62']);
  });
});

describe('a format', () => {
  /** Many small blocks: what each of them looks like alone must not show. */
  const url = { max_block_size: '3', max_threads: '1' };
  const sql = 'SELECT toUInt8(number) AS n, toString(number) AS s FROM numbers(8)';
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
  const lines = (line: (n: number) => string) => numbers.map((n) => `${line(n)}\n`).join('');

  test.each([
    ['TabSeparated', lines((n) => `${n}\t${n}`)],
    ['TSV', lines((n) => `${n}\t${n}`)],
    ['TabSeparatedWithNames', `n\ts\n${lines((n) => `${n}\t${n}`)}`],
    ['TSVWithNamesAndTypes', `n\ts\nUInt8\tString\n${lines((n) => `${n}\t${n}`)}`],
    ['CSV', lines((n) => `${n},"${n}"`)],
    ['CSVWithNames', `"n","s"\n${lines((n) => `${n},"${n}"`)}`],
    ['JSONEachRow', lines((n) => `{"n":${n},"s":"${n}"}`)],
    ['JSONCompactEachRow', lines((n) => `[${n}, "${n}"]`)],
    ['JSONCompactEachRowWithNames', `["n", "s"]\n${lines((n) => `[${n}, "${n}"]`)}`],
    ['Markdown', `| n | s |\n|-:|:-|\n${lines((n) => `| ${n} | ${n} |`)}`],
    ['Values', numbers.map((n) => `(${n},'${n}')`).join(',')],
  ])('%s', async (format, expected) => {
    for (const answer of [
      await port.ask(sql, { url: { ...url, default_format: format } }),
      await port.ask(sql, { url, headers: { 'X-ClickHouse-Format': format } }),
      await port.ask(`${sql} FORMAT ${format}`, { url: { ...url, default_format: 'XML' } }),
    ]) {
      expect(answer.text).toBe(expected);
      expect(answer.headers.get('x-clickhouse-format')).toBe(format);
      expect(answer.status).toBe(200);
    }
  });

  test('JSON is one document with every row', async () => {
    const answer = await port.ask(`${sql} FORMAT JSON`, { url });
    expect(answer.headers.get('content-type')).toBe('application/json; charset=UTF-8');
    const json = JSON.parse(answer.text);
    expect([json.rows, json.data.length, json.meta.length]).toEqual([8, 8, 2]);
    expect(json.data[7]).toEqual({ n: 7, s: '7' });
    const empty = JSON.parse((await port.ask(`SELECT 1 AS a WHERE 0 FORMAT JSON`)).text);
    expect([empty.rows, empty.data]).toEqual([0, []]);
  });

  test('Pretty is one table', async () => {
    const { text } = await port.ask(`${sql} FORMAT PrettyCompact`, { url });
    expect(text.match(/┌/g)).toHaveLength(1);
    expect(text).toContain('8. │ 7 │ 7 │');
  });

  test('RowBinary and Native are bytes', async () => {
    const rows = numbers.map((n) => `${'0'}${n}01${(48 + n).toString(16)}`).join('');
    expect((await port.ask(`${sql} FORMAT RowBinary`, { url })).bytes.toString('hex')).toBe(rows);
    const named = await port.ask(`${sql} FORMAT RowBinaryWithNamesAndTypes`, { url });
    expect(named.bytes.toString('hex')).toBe(`02016e0173${hex('\x05UInt8')}${hex('\x06String')}${rows}`);
    const native = await port.ask('SELECT toUInt8(number) AS n FROM numbers(4) FORMAT Native', { url });
    const head = (count: string) => `01${count}016e${hex('\x05UInt8')}`;
    expect(native.bytes.toString('hex')).toBe(`${head('03')}000102${head('01')}03`);
    expect(native.headers.get('content-type')).toBe('application/octet-stream');
  });

  test('Parquet and Arrow are one file, which ClickHouse itself reads back', async () => {
    for (const [format, mark] of [
      ['Parquet', 'PAR1'],
      ['Arrow', 'ARROW1'],
    ] as const) {
      const { bytes } = await port.ask(`${sql} FORMAT ${format}`, { url });
      expect(bytes.toString('latin1').startsWith(mark)).toBe(true);
      expect(bytes.toString('latin1').endsWith(mark)).toBe(true);
      const writing = await fixture.openPort({ readOnly: false });
      await writing.ask('CREATE OR REPLACE TABLE back (n UInt8, s String) ENGINE = Memory');
      const back = await fetch(`${writing.url}?query=INSERT INTO back FORMAT ${format}`, {
        method: 'POST',
        body: bytes,
      });
      expect(back.status).toBe(200);
      expect((await port.ask('SELECT count(), sum(n), max(s) FROM back')).text).toBe('8\t28\t7\n');
    }
  });

  test('with totals and extremes, which belong to the whole answer', async () => {
    const totals = await port.ask(
      'SELECT number AS n, count() AS c FROM numbers(4) GROUP BY n WITH TOTALS FORMAT TSVWithNames',
      { url },
    );
    expect(totals.text.startsWith('n\tc\n')).toBe(true);
    expect(totals.text.endsWith('\n\n0\t4\n')).toBe(true);
    expect(totals.text.match(/n\tc/g)).toHaveLength(1);
    const extremes = await port.ask('SELECT number AS n FROM numbers(4)', { url: { ...url, extremes: '1' } });
    expect(extremes.text).toBe('0\n1\n2\n3\n\n0\n3\n');
  });

  test('header cells may hold quotes and line breaks', async () => {
    const odd = 'SELECT number AS `a"\nb` FROM numbers(4)';
    expect((await port.ask(`${odd} FORMAT CSVWithNames`, { url })).text).toBe('"a""\nb"\n0\n1\n2\n3\n');
    expect((await port.ask(`${odd} FORMAT TSVWithNames`, { url })).text).toBe('a"\\nb\n0\n1\n2\n3\n');
  });

  test('that does not exist is an error', async () => {
    for (const options of [{ url: { default_format: 'NoSuch' } }, { url: { default_format: "X' --" } }]) {
      const answer = await port.ask('SELECT 1', options);
      expect([answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([404, '73']);
    }
  });

  test('of questions that are no SELECT', async () => {
    expect((await port.ask('SHOW TABLES FORMAT JSONEachRow')).text).toContain('{"name":"t"}\n');
    expect((await port.ask('DESCRIBE t FORMAT TSVRaw')).text).toMatch(/^a\tUInt64/);
    expect((await port.ask('EXISTS t')).text).toBe('1\n');
    expect((await port.ask('SET max_threads = 1')).text).toBe('');
  });
});

function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

describe('an error', () => {
  test.each([
    ['SELEC 1', 400, 62, 'SYNTAX_ERROR'],
    ['SELECT nothing_like_it', 404, 47, 'UNKNOWN_IDENTIFIER'],
    ['SELECT 1 FROM nothing_like_it', 404, 60, 'UNKNOWN_TABLE'],
    ['SELECT no_such_function(1)', 404, 46, 'UNKNOWN_FUNCTION'],
    ["SELECT toUInt8('x')", 400, 6, 'CANNOT_PARSE_TEXT'],
    ["SELECT throwIf(1, 'own words')", 500, 395, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
    ['DROP TABLE t', 500, 164, 'READONLY'],
  ])('%s → %i', async (sql, status, code, name) => {
    const answer = await port.ask(sql);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe(String(code));
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=UTF-8');
    expect(answer.text).toMatch(
      new RegExp(`^Code: ${code}\\. DB::Exception: .+ \\(${name}\\) \\(version [\\d.]+\\)\\n$`, 's'),
    );
    expect(answer.text).not.toMatch(/formatQuerySingleLine|\.outfile|answer-\d/);
  });

  test('in the middle of the answer is told between marks, and the answer is cut off', async () => {
    const query = encodeURIComponent('SELECT number, throwIf(number = 3000000) FROM numbers(4000000)');
    for (const extra of ['', '&enable_http_compression=1']) {
      const { response, body, isComplete } = await askRaw(`/?query=${query}${extra}`, {
        headers: { 'Accept-Encoding': 'gzip' },
      });
      expect(response.statusCode).toBe(200);
      expect(isComplete).toBe(false);
      const tag = response.headers['x-clickhouse-exception-tag'] as string;
      expect(tag).toMatch(/^[0-9a-f]{16}$/);
      const text = (extra === '' ? body : gunzipSync(body)).toString();
      const marked = new RegExp(
        `\\r\\n__exception__\\r\\n${tag}\\r\\n(Code: 395\\..*\\n)(\\d+) ${tag}\\r\\n__exception__\\r\\n$`,
        's',
      );
      const [, message, length] = marked.exec(text.slice(-2000))!;
      expect(Buffer.byteLength(message!)).toBe(Number(length));
    }
  });

  test('of a document comes with its status: nothing of it was sent', async () => {
    const answer = await port.ask(
      'SELECT number, throwIf(number = 3000000) FROM numbers(4000000) FORMAT JSON',
    );
    expect([answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([500, '395']);
  });

  test('of a document that is too large says what to do', async () => {
    const answer = await port.ask('SELECT number FROM numbers(1000) FORMAT JSON', {
      url: { max_result_bytes: '1000' },
    });
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe('396');
    expect(answer.text).toContain('set max_result_bytes');
  });
});

describe('HTTP', () => {
  test('compresses where the client asks for it in both ways', async () => {
    const query = encodeURIComponent("SELECT repeat('x', 1000) FROM numbers(1000)");
    const headers = { 'Accept-Encoding': 'gzip' };
    const packed = await askRaw(`/?query=${query}&enable_http_compression=1`, { headers });
    expect(packed.response.headers['content-encoding']).toBe('gzip');
    expect(packed.body.length).toBeLessThan(20_000);
    expect(gunzipSync(packed.body).length).toBe(1_001_000);
    for (const plain of [
      await askRaw(`/?query=${query}`, { headers }),
      await askRaw(`/?query=${query}&enable_http_compression=1`),
    ]) {
      expect(plain.response.headers['content-encoding']).toBeUndefined();
      expect(plain.body.length).toBe(1_001_000);
    }
  });

  test('takes a compressed body, and refuses what is none', async () => {
    const ask = (encoding: string, body: Buffer) =>
      askRaw('/', { method: 'POST', headers: { 'Content-Encoding': encoding }, body });
    expect((await ask('gzip', gzipSync('SELECT 42'))).body.toString()).toBe('42\n');
    expect((await ask('gzip', Buffer.from('SELECT 42'))).response.statusCode).toBeGreaterThanOrEqual(400);
    expect((await ask('snappy', Buffer.from('SELECT 42'))).body.toString()).toContain('Code: 89.');
  });

  test('/ping, other paths and other methods', async () => {
    const ping = await askRaw('/ping');
    expect([ping.response.statusCode, ping.body.toString()]).toEqual([200, 'Ok.\n']);
    expect((await askRaw('/nothing')).response.statusCode).toBe(404);
    const options = await askRaw('/', { method: 'OPTIONS' });
    expect([options.response.statusCode, options.response.headers.allow]).toEqual([
      204,
      'GET, HEAD, POST, OPTIONS',
    ]);
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      expect((await askRaw('/?query=SELECT%201', { method, body: 'x' })).response.statusCode).toBe(405);
    }
    const head = await askRaw('/?query=SELECT%201', { method: 'HEAD' });
    expect([head.response.statusCode, head.body.length]).toEqual([200, 0]);
    expect(head.response.headers['x-clickhouse-format']).toBe('TabSeparated');
    expect((await askRaw('/ping', { method: 'HEAD' })).response.statusCode).toBe(200);
  });

  test('keeps a connection for the next request, also after an error', async () => {
    const socket = connect(port.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk;
    });
    for (const [i, query] of ['SELECT+11', 'SELECT+no', 'SELECT+33'].entries()) {
      socket.write(`GET /?query=${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await expect.poll(() => received.match(/HTTP\/1\.1/g)?.length ?? 0).toBe(i + 1);
    }
    await expect.poll(() => received).toMatch(/11\n[\s\S]*Code: 47[\s\S]*33\n/);
    socket.destroy();
  });

  test('bytes that are no HTTP end their connection and nothing else', async () => {
    const socket = connect(port.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('\x16\x03\x01 nonsense\r\n\r\n');
    await once(socket.resume(), 'close');
    expect((await port.ask('SELECT 1')).text).toBe('1\n');
  });

  test('a password is asked for and compared, in every way that clients send one', async () => {
    const guarded = await fixture.openPort({ roles: rolesOf('pa:ss☃') });
    expect((await guarded.ask('SELECT 1')).status).toBe(401);
    const basic = (user: string, password: string) => ({
      Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    });
    for (const options of [
      { headers: basic('anyone', 'pa:ss☃') },
      { url: { user: 'anyone', password: 'pa:ss☃' } },
    ]) {
      expect((await guarded.ask('SELECT 1', options)).text).toBe('1\n');
    }
    const ascii = await fixture.openPort({ roles: rolesOf('key') });
    const headers = { 'X-ClickHouse-User': 'anyone', 'X-ClickHouse-Key': 'key' };
    expect((await ascii.ask('SELECT 1', { headers })).text).toBe('1\n');
    const wrong = await guarded.ask('SELECT 1', { headers: basic('anyone', 'guess') });
    expect([wrong.status, wrong.headers.get('x-clickhouse-exception-code')]).toEqual([403, '516']);
    expect(wrong.text).not.toContain('guess');
    expect((await askRaw('/ping', { port: guarded.port })).response.statusCode).toBe(200);
  });
});

describe('under load', () => {
  const endless = (mark: string) =>
    `SELECT count() FROM numbers(1e12) WHERE cityHash64(number, '${mark}') = 1`;

  test('some queries run, some wait, the rest are told so', async () => {
    const small = await fixture.openPort({ sqlConcurrencyMax: 1, sqlWaitingMax: 1 });
    const answers = await Promise.all([1, 2, 3, 4].map((n) => small.ask(`SELECT ${n} + sleep(0.5)`)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 500, 500]);
    const refused = answers.find((answer) => answer.status === 500)!;
    expect(refused.headers.get('x-clickhouse-exception-code')).toBe('202');
    expect(refused.text).toMatch(/sqlConcurrencyMax.*sqlWaitingMax/);
    expect((await small.ask('SELECT 5')).text).toBe('5\n');
  });

  test.each(['TabSeparated', 'JSON'])(
    'a client that goes away takes its query with it (%s)',
    async (format) => {
      const mark = `leaving-${format}`;
      const controller = new AbortController();
      const asked = fetch(`${port.url}?default_format=${format}`, {
        method: 'POST',
        body: endless(mark),
        signal: controller.signal,
      });
      asked.catch(() => undefined);
      await expect.poll(() => countRunning(mark), { timeout: 5000 }).toBe(1);
      controller.abort();
      await expect(asked).rejects.toThrow();
      await expect.poll(() => countRunning(mark), { timeout: 5000 }).toBe(0);
    },
  );

  test('a client that leaves half of an endless answer stops it', async () => {
    const controller = new AbortController();
    const response = await fetch(port.url, {
      method: 'POST',
      body: "SELECT number, 'half-read' FROM system.numbers",
      signal: controller.signal,
    });
    await response.body!.getReader().read();
    expect(await countRunning('half-read')).toBe(1);
    controller.abort();
    await expect.poll(() => countRunning('half-read'), { timeout: 5000 }).toBe(0);
  });

  test('clients that leave at any moment leave nothing behind', async () => {
    for (let i = 0; i < 60; i++) {
      const controller = new AbortController();
      const format = i % 2 === 0 ? 'TabSeparated' : 'JSON';
      const asked = fetch(`${port.url}?default_format=${format}`, {
        method: 'POST',
        body: endless('moment'),
        signal: controller.signal,
      }).catch(() => 'gone');
      await sleep(i % 20);
      controller.abort();
      await asked;
    }
    await expect.poll(() => countRunning('moment'), { timeout: 10_000 }).toBe(0);
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => port.ask(`SELECT ${n}`)));
    expect(answers.map((answer) => answer.text)).toEqual(['1\n', '2\n', '3\n', '4\n', '5\n', '6\n']);
    expect(readdirSync(join(fixture.directory, 'temporary'))).toEqual([]);
  });

  test.each(['', '&compress=1'])(
    'a reader that takes nothing is cut off, query and connection%s',
    async (extra) => {
      const impatient = await fixture.openPort({ sqlStallMaxMs: 300 });
      const request = openRequest({
        port: impatient.port,
        host: '127.0.0.1',
        path: `/?query=${encodeURIComponent("SELECT number, 'stalled' FROM system.numbers")}${extra}`,
      });
      request.on('error', () => undefined);
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.on('error', () => undefined);
      response.pause();
      await expect.poll(() => countRunning('stalled'), { timeout: 10_000 }).toBe(0);
      // Had the connection been kept, the error would come once it is read again.
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
      await new Promise((done) => response.once('close', done));
      expect(Buffer.concat(chunks).includes('__exception__')).toBe(false);
    },
  );

  test('queries that wait are given up when their clients go away', async () => {
    const small = await fixture.openPort({ sqlConcurrencyMax: 1, sqlWaitingMax: 5 });
    const controller = new AbortController();
    const ask = (mark: string) =>
      fetch(small.url, { method: 'POST', body: endless(mark), signal: controller.signal }).catch(
        () => undefined,
      );
    const asked = ['waiting-1', 'waiting-2', 'waiting-3'].map(ask);
    await expect.poll(() => countRunning('waiting-'), { timeout: 5000 }).toBe(1);
    controller.abort();
    await Promise.all(asked);
    await expect.poll(() => countRunning('waiting-'), { timeout: 5000 }).toBe(0);
    expect((await small.ask('SELECT 1')).text).toBe('1\n');
  });
});

describe('shutdown', () => {
  test('lets running queries finish, and takes no new ones', async () => {
    const closing = await fixture.openPort();
    const asked = closing.ask("SELECT sleep(1), 'finishing'");
    await expect.poll(() => countRunning('finishing'), { timeout: 5000 }).toBe(1);
    const done = closing.shutdown(10_000);
    await expect(fetch(closing.url)).rejects.toThrow();
    expect((await asked).text).toBe('0\tfinishing\n');
    await done;
    await closing.shutdown(0);
  });

  test('stops at its deadline what still runs, in the engine too', async () => {
    const closing = await fixture.openPort();
    const sql = "SELECT count() FROM numbers(1e12) WHERE cityHash64(number, 'late') = 1";
    const asked = closing.ask(sql).then(
      (answer) => answer.text,
      () => 'cut off',
    );
    await expect.poll(() => countRunning('late'), { timeout: 5000 }).toBe(1);
    const startMs = performance.now();
    await closing.shutdown(300);
    expect(performance.now() - startMs).toBeLessThan(5000);
    expect(await asked).toBe('cut off');
    await expect.poll(() => countRunning('late'), { timeout: 5000 }).toBe(0);
  });
});
