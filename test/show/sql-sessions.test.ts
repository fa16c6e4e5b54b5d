/** What outlives one statement on the SQL port: query ids, KILL QUERY, sessions; and answers that are kept back until they are whole. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type IncomingMessage, request as openRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bufferAnswer } from '../../src/show/sql-buffer.js';
import { readKill } from '../../src/show/sql-kill.js';
import { readSet, readUse } from '../../src/show/sql-session-statements.js';
import { createSqlSessions, SESSIONS_MAX } from '../../src/show/sql-sessions.js';
import { readTokens, replaceCalls } from '../../src/show/sql-tokens.js';
import { openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

let fixture: SqlFixture;
let port: SqlPort;

beforeAll(async () => {
  fixture = await openSqlFixture();
  port = await fixture.openPort();
});
afterAll(() => fixture.close());

/** Status and code of an error. */
const told = async (answer: Promise<{ status: number; headers: Headers }>) => {
  const { status, headers } = await answer;
  return [status, headers.get('x-clickhouse-exception-code')];
};

/** As a document, so that other answers can be streamed beside it however few threads Node has. */
const ENDLESS = 'SELECT count() FROM numbers(1e12) WHERE cityHash64(number) = 1 FORMAT JSON';

async function untilRunning(id: string, headers: Record<string, string> = {}): Promise<void> {
  // TEST ends nothing and tells whether it runs. As a document, which takes no place from answers that are streamed.
  const sql = `KILL QUERY WHERE query_id = '${id}' TEST FORMAT JSON`;
  while (JSON.parse((await port.ask(sql, { headers })).text).rows === 0);
}

/** Sends it and returns when the port knows it; resolves with its answer. */
async function sendEndless(id: string, headers: Record<string, string> = {}) {
  const answer = port.ask(ENDLESS, { url: { query_id: id }, headers });
  await untilRunning(id, headers);
  return { answer };
}

describe('a query id', () => {
  test('is that of the client, in the header and in queryID()', async () => {
    const sql = "SELECT queryID(), query_id( ), initialQueryID(), 'queryID()' /* queryID() */ -- queryID()";
    const answer = await port.ask(sql, { url: { query_id: "it's-1" } });
    expect(answer.headers.get('x-clickhouse-query-id')).toBe("it's-1");
    expect(answer.text).toBe(`${["it\\'s-1", "it\\'s-1", "it\\'s-1", 'queryID()'].join('\t')}\n`);
    const named = 'SELECT queryID(), initial_query_id() AS i WHERE queryID() = queryID() FORMAT TSVWithNames';
    expect((await port.ask(named, { url: { query_id: 'x' } })).text).toBe('queryID()\ti\nx\tx\n');
    const made = await port.ask('SELECT queryID()');
    expect(made.text).toBe(`${made.headers.get('x-clickhouse-query-id')}\n`);
  });

  test('belongs to one statement at a time, and to the next as soon as the answer is there', async () => {
    const { answer } = await sendEndless('twice');
    expect(await told(port.ask('SELECT 1', { url: { query_id: 'twice' } }))).toEqual([500, '216']);
    await port.ask("KILL QUERY WHERE query_id = 'twice'");
    await answer;
    for (let i = 0; i < 20; i++) {
      expect((await port.ask('SELECT 1', { url: { query_id: 'again' } })).text).toBe('1\n');
    }
  });
});

describe('KILL QUERY', () => {
  test('ends a statement of the same credential, and answers as ClickHouse does', async () => {
    const { answer } = await sendEndless('mine');
    const killed = await port.ask("KILL QUERY WHERE query_id = 'mine' SYNC FORMAT JSONEachRow");
    expect(JSON.parse(killed.text)).toEqual({
      ...{ kill_status: 'finished', query_id: 'mine', user: 'default' },
      query: ENDLESS,
    });
    expect(killed.headers.get('x-clickhouse-format')).toBe('JSONEachRow');
    const ended = await answer;
    expect([ended.status, ended.headers.get('x-clickhouse-exception-code')]).toEqual([500, '394']);
    expect(ended.text).toContain('QUERY_WAS_CANCELLED');
  });

  test('ends several, and one half way through its answer, whose client is told', async () => {
    const first = await sendEndless('a');
    const query = encodeURIComponent(
      "SELECT number, repeat('x', 1000), sleepEachRow(0.0001) FROM numbers(1e9)",
    );
    const path = `/?query_id=b&max_block_size=1000&query=${query}`;
    const request = openRequest({ host: '127.0.0.1', port: port.port, path, agent: false }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
    const closed = new Promise((done) => response.once('close', done));
    const killed = await port.ask("KILL QUERY WHERE query_id IN ('a', 'b', 'none')", {
      url: { default_format: 'JSONCompact' },
    });
    const rows: string[][] = JSON.parse(killed.text).data;
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ['waiting', 'a'],
      ['waiting', 'b'],
    ]);
    await closed;
    expect(response.complete).toBe(false);
    expect(Buffer.concat(chunks).toString().slice(-500)).toMatch(/__exception__.*Code: 394\./s);
    expect((await first.answer).status).toBe(500);
  });

  test('finds nothing of another credential, and nothing that does not run', async () => {
    const { answer } = await sendEndless('theirs', { 'X-ClickHouse-User': 'anna' });
    const sql = "KILL QUERY WHERE query_id = 'theirs'";
    expect((await port.ask(`${sql} SYNC`)).text).toBe('');
    const bearer = { 'X-ClickHouse-User': 'anna', Authorization: 'Bearer other' };
    expect((await port.ask(`${sql} SYNC`, { headers: bearer })).text).toBe('');
    expect((await port.ask(sql, { headers: { 'X-ClickHouse-User': 'anna' } })).text).toMatch(
      /^waiting\ttheirs\tanna\t/,
    );
    expect((await answer).headers.get('x-clickhouse-exception-code')).toBe('394');
    expect((await port.ask(`${sql} FORMAT JSON`)).text).toContain('"kill_status"');
  });

  test('is answered while statements hold every place, also where it finds none', async () => {
    const ids = ['one', 'two', 'three'];
    const endless = await Promise.all(ids.map((id) => sendEndless(id)));
    expect((await port.ask("KILL QUERY WHERE query_id = 'not yet there'")).status).toBe(200);
    await port.ask(`KILL QUERY WHERE query_id IN (${ids.map((id) => `'${id}'`)})`);
    for (const { answer } of endless) expect((await answer).text).toContain('QUERY_WAS_CANCELLED');
  });

  test('in any other form stays refused, as does that of a GET', async () => {
    for (const sql of [
      'KILL QUERY WHERE 1',
      "KILL QUERY WHERE user = 'default'",
      "KILL QUERY WHERE query_id != 'a'",
      "KILL QUERY WHERE query_id = 'a' OR 1",
      "KILL QUERY WHERE query_id = 'a'; SELECT 1",
      "KILL QUERY WHERE query_id IN ('a', (SELECT 'b'))",
      'KILL QUERY WHERE query_id = query_id',
      "KILL MUTATION WHERE query_id = 'a'",
    ]) {
      expect([sql, readKill(sql)]).toEqual([sql, undefined]);
      expect((await port.ask(sql)).status).toBeGreaterThanOrEqual(400);
    }
    expect(await told(port.ask("KILL QUERY WHERE query_id = 'a'", { method: 'GET' }))).toEqual([500, '164']);
  });

  test('is read in any spelling', () => {
    expect(readKill("/* x */ kill Query -- y\n where `query_id`='a\\'b' sync;")).toEqual({
      ...{ ids: ["a'b"], mode: 'SYNC', format: undefined },
    });
    expect(readKill("KILL QUERY WHERE query_id IN('a','b') FORMAT TSV")).toEqual({
      ...{ ids: ['a', 'b'], mode: 'ASYNC', format: 'TSV' },
    });
  });
});

describe('a session', () => {
  const url = { session_id: 's1' };

  test('keeps what SET and USE say, for the same credential alone', async () => {
    const sql = "SELECT getSetting('max_threads'), getSetting('max_block_size'), currentDatabase()";
    expect(await told(port.ask("SET max_threads = 3, max_block_size = '77'", { url }))).toEqual([200, null]);
    expect(await told(port.ask('USE system', { url }))).toEqual([200, null]);
    expect((await port.ask(sql, { url })).text).toBe('3\t77\tsystem\n');
    expect((await port.ask(sql, { url: { ...url, max_threads: '2' } })).text).toBe('2\t77\tsystem\n');
    expect((await port.ask(sql)).text).toMatch(/^(?!3\t77\t).*plumbline\n$/);
    const other = await port.ask(sql, { url, headers: { 'X-ClickHouse-User': 'anna' } });
    expect(other.text).toMatch(/plumbline\n$/);
    await port.ask('SET max_block_size = DEFAULT', { url });
    expect((await port.ask(sql, { url })).text).not.toContain('77');
  });

  test('keeps parameters', async () => {
    await port.ask("SET param_name = 'it\\'s'", { url });
    expect((await port.ask('SELECT {name:String}', { url })).text).toBe("it\\'s\n");
  });

  test('keeps filters of tables, the one setting that is a map', async () => {
    const filtered = { session_id: 'filtered' };
    await fixture.engine.command(
      'CREATE TABLE filtered ENGINE = MergeTree ORDER BY a AS SELECT number AS a FROM numbers(9)',
    );
    const count = async () => (await port.ask('SELECT count() FROM filtered', { url: filtered })).text;
    const set =
      "SET additional_table_filters = {'plumbline.filtered': 'a != 1 AND a < 5', 'x' : 'b = \\'}\\''}, max_threads = 2";
    expect(await told(port.ask(set, { url: filtered }))).toEqual([200, null]);
    expect(await count()).toBe('4\n');
    const refused = "SET additional_table_filters = {'plumbline.filtered': 'a IN (SELECT 1)'}";
    expect(await told(port.ask(refused, { url: filtered }))).toEqual([500, '452']);
    const elsewhere = "SET additional_table_filters = {'system.one': 'dummy = 1'}";
    expect(await told(port.ask(elsewhere, { url: filtered }))).toEqual([500, '452']);
    expect(await count()).toBe('4\n');
    await port.ask('SET additional_table_filters = {}', { url: filtered });
    expect(await count()).toBe('9\n');
    await port.ask("SET additional_table_filters = {'filtered': 'a = 7'}", { url: filtered });
    expect(await count()).toBe('1\n');
    await port.ask('SET additional_table_filters = DEFAULT', { url: filtered });
    expect(await count()).toBe('9\n');
  });

  test('keeps nothing that the engine refuses', async () => {
    expect(await told(port.ask('SET no_such_setting = 1', { url }))).toEqual([404, '115']);
    expect(await told(port.ask('USE no_such_database', { url }))).toEqual([404, '81']);
    expect((await port.ask('SELECT currentDatabase()', { url })).text).toBe('system\n');
  });

  test('must exist where session_check asks for it, and ends with close_session', async () => {
    const check = { ...url, session_check: '1' };
    expect(await told(port.ask('SELECT 1', { url: { session_id: 'none', session_check: '1' } }))).toEqual([
      500,
      '372',
    ]);
    expect((await port.ask('SELECT 1', { url: { ...check, close_session: '1' } })).text).toBe('1\n');
    expect(await told(port.ask('SELECT 1', { url: check }))).toEqual([500, '372']);
  });

  test('runs one statement at a time', async () => {
    const busy = { session_id: 'busy' };
    const slow = port.ask(ENDLESS, { url: { ...busy, query_id: 'in-session' } });
    await untilRunning('in-session');
    expect(await told(port.ask('SELECT 1', { url: busy }))).toEqual([500, '373']);
    await port.ask("KILL QUERY WHERE query_id = 'in-session'");
    await slow;
    for (let i = 0; i < 20; i++) expect((await port.ask('SELECT 1', { url: busy })).text).toBe('1\n');
  });

  test('refuses temporary tables and other values with a clear word', async () => {
    const table = await port.ask('CREATE TEMPORARY TABLE x (a UInt8)', { url });
    expect([table.status, table.text]).toEqual([
      501,
      expect.stringContaining('Temporary tables are not supported'),
    ]);
    expect(await told(port.ask("SET join_algorithm = {'a': 'b'}", { url }))).toEqual([501, '48']);
    expect(await told(port.ask("SET join_algorithm = ['hash']", { url }))).toEqual([501, '48']);
    expect(await told(port.ask('SELECT 1', { url: { ...url, session_timeout: '3601' } }))).toEqual([
      500,
      '374',
    ]);
    expect(await told(port.ask('SELECT 1', { url: { ...url, session_timeout: 'x' } }))).toEqual([500, '374']);
  });

  test('ends when it was not used for its timeout, and there is a limit to their number', () => {
    let nowMs = 0;
    const sessions = createSqlSessions(() => nowMs);
    const request = { credential: 'c', timeout: '5', mustExist: false, closes: false };
    for (let i = 0; i < SESSIONS_MAX; i++) sessions.enter({ ...request, id: String(i) }).leave();
    expect(() => sessions.enter({ ...request, id: 'more' })).toThrow(/SESSIONS_MAX/);
    nowMs = 4_999;
    sessions.enter({ ...request, id: '1', mustExist: true }).leave();
    nowMs = 5_000;
    expect(() => sessions.enter({ ...request, id: '2', mustExist: true })).toThrow('Session 2 not found');
    sessions.enter({ ...request, id: '1', mustExist: true }).leave();
    sessions.enter({ ...request, id: 'more' }).leave();
  });
});

describe('an answer that is kept back', () => {
  const FAILS = 'SELECT throwIf(number = 3000000) FROM numbers(4000000)';

  test('whole (wait_end_of_query) has the status of its error', async () => {
    expect(await told(port.ask(FAILS, { url: { wait_end_of_query: '1' } }))).toEqual([500, '395']);
    expect(await told(port.ask(FAILS, { url: { wait_end_of_query: '1', compress: '1' } }))).toEqual([
      500,
      '395',
    ]);
  });

  test('may be asked for by settings too, of which the engine hears nothing', async () => {
    expect(await told(port.ask(FAILS, { url: { http_wait_end_of_query: '1' } }))).toEqual([500, '395']);
    const url = { http_response_buffer_size: '10000000', network_zstd_compression_level: '3' };
    expect(await told(port.ask(FAILS, { url }))).toEqual([500, '395']);
    const settings =
      "SELECT name FROM system.settings WHERE changed AND name LIKE 'http_%' OR changed AND name LIKE 'net%'";
    expect((await port.ask(settings, { url })).text).toBe((await port.ask(settings)).text);
  });

  test('in memory (buffer_size) too, as far as it reaches', async () => {
    expect(await told(port.ask(FAILS, { url: { buffer_size: '10000000' } }))).toEqual([500, '395']);
  });

  test('whole has its length, every byte, and leaves no file behind', async () => {
    const answer = await port.ask('SELECT number FROM numbers(300000)', { url: { wait_end_of_query: '1' } });
    expect(answer.headers.get('content-length')).toBe(String(answer.bytes.length));
    const numbers = Array.from({ length: 300_000 }, (_, i) => `${i}\n`).join('');
    expect(answer.text === numbers).toBe(true);
    expect(readdirSync(join(fixture.directory, 'temporary'))).toEqual([]);
  });

  test('is refused where it is larger than the limit', async () => {
    const options = { memoryBytes: 0, isWhole: true, bytesMax: 1_000_000, directory: fixture.directory };
    const endless = { next: async () => Buffer.alloc(300_000) };
    await expect(bufferAnswer(endless, options)).rejects.toThrow('longer than 1000000 bytes');
  });
});

describe('tokens', () => {
  test('leave out space and comments, and keep strings whole', () => {
    expect(readTokens("SET a='it''s' -- x\n, `b c` = -1.5e-3 /* y */;", 100)).toEqual([
      ...['SET', 'a', '=', "'it''s'", ',', '`b c`', '=', '-', '1.5e-3'],
    ]);
  });

  test('of SET and USE', () => {
    expect(readSet("SET a = 'it''s\\n', `b` = -1.5e-3, c = DEFAULT, d = true, e = 'DEFAULT'")).toEqual([
      ...[
        ['a', "it's\n"],
        ['b', '-1.5e-3'],
        ['c', undefined],
        ['d', 'true'],
        ['e', 'DEFAULT'],
      ],
    ]);
    for (const sql of ['SET ROLE NONE', 'SELECT 1', 'SET', "SELECT 'SET a = 1'"])
      expect(readSet(sql)).toBeUndefined();
    for (const sql of ['SET a = 1 b', 'SET a = [1]', 'SET a = -', 'SET a = 1, b'])
      expect(() => readSet(sql)).toThrow();
    expect(['USE a', 'use database `b c`;', 'USE "d"'].map(readUse)).toEqual(['a', 'b c', 'd']);
    for (const sql of ['USE', 'USE a.b', 'USE a b', 'SELECT 1', "USE 'a'"])
      expect(readUse(sql)).toBeUndefined();
  });

  test('take no longer than their text is long, whatever is in it', () => {
    const calls = new Map([['queryid', "'x'"]]);
    for (const piece of [
      ' ',
      '/*',
      "'",
      '"',
      '`',
      '$a$',
      '--',
      '‘',
      '\\',
      'queryID ',
      'KILL QUERY WHERE ',
      "''",
    ]) {
      const sql = piece.repeat(200_000 / piece.length);
      const startMs = performance.now();
      readTokens(sql, Number.POSITIVE_INFINITY);
      expect(replaceCalls(sql, calls)).toBe(sql);
      expect(performance.now() - startMs).toBeLessThan(2_000);
    }
  });
});
