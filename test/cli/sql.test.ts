/** `plumbline sql` as a program of its own (dist/, so built before), against a real SQL port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSqlFixture, rolesOf, type SqlFixture, type SqlPort } from '../show/sql-fixture.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
let fixture: SqlFixture;
let port: SqlPort;

beforeAll(async () => {
  fixture = await openSqlFixture();
  port = await fixture.openPort();
  await fixture.engine.command('CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a');
  await fixture.engine.command("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
});
afterAll(() => fixture.close());

function start(args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [main, 'sql', ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      PLUMBLINE_SQL_PORT: String(port.port),
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

async function run(args: string[], env: Record<string, string> = {}, input = '') {
  const child = start(args, env);
  child.stdin!.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { stdout, stderr, code };
}

describe('plumbline sql', () => {
  test('prints rows with names where stdout is a pipe', async () => {
    const answer = await run(['SELECT * FROM t ORDER BY a']);
    expect(answer).toEqual({ stdout: 'a\tb\n1\tone\n2\ttwo\n', stderr: '', code: 0 });
  });

  test('takes a query that begins with a comment, as those of the README do', async () => {
    const query = '-- What there is\nSELECT * FROM t ORDER BY a LIMIT 1;';
    expect(await run([query])).toEqual({ stdout: 'a\tb\n1\tone\n', stderr: '', code: 0 });
    expect((await run(['--format', 'JSONEachRow', query])).stdout).toBe('{"a":1,"b":"one"}\n');
    expect((await run(['--What there is\nSELECT 1 AS n', '--format', 'JSONEachRow'])).stdout).toBe(
      '{"n":1}\n',
    );
    // What is no comment is an option as before.
    const wrong = await run(['--formt', 'CSV', 'SELECT 1']);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("unknown option '--formt'")]);
  });

  test('prints any format', async () => {
    expect((await run(['--format', 'JSONEachRow', 'SELECT 1 AS a'])).stdout).toBe('{"a":1}\n');
    expect((await run(['--format', 'PrettyCompact', 'SELECT 1 AS a'])).stdout).toContain('┌─a─┐');
    expect((await run(['SELECT 1 AS a FORMAT CSVWithNames'])).stdout).toBe('"a"\n1\n');
  });

  test('reads the query from stdin or from a file', async () => {
    const wanted = '7\n7\n';
    expect((await run([], {}, 'SELECT 7')).stdout).toBe(wanted);
    expect((await run(['-'], {}, 'SELECT 7')).stdout).toBe(wanted);
    const path = join(fixture.directory, 'query.sql');
    writeFileSync(path, '-- a report\nSELECT 7;\n');
    expect((await run(['--file', path])).stdout).toBe(wanted);
    rmSync(path);
    expect(await run(['--file', path])).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOENT') });
  });

  test('passes parameters by their type, and a database', async () => {
    const params = ['id=18446744073709551615', "name=it's = ☃", "list=['a','b']", 'lines=1\n2'];
    const answer = await run([
      'SELECT {id:UInt64} AS id, {name:String} AS n, {list:Array(String)}[2] AS l, {lines:String} AS s, currentDatabase() AS d',
      ...params.flatMap((param) => ['--param', param]),
      ...['--database', 'system', '--format', 'TSV'],
    ]);
    expect(answer.stdout).toBe("18446744073709551615\tit\\'s = ☃\tb\t1\\n2\tsystem\n");
    const wrong = await run(['SELECT 1', '--param', 'nothing']);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('name=value') });
  });

  test('says what ClickHouse says on stderr, with exit code 1', async () => {
    const answer = await run(['SELECT * FROM nothing_like_it']);
    expect(answer.code).toBe(1);
    expect(answer.stdout).toBe('');
    expect(answer.stderr).toMatch(/^plumbline: Code: 60\. .*nothing_like_it.*\(UNKNOWN_TABLE\)\n$/s);
    expect((await run(['DROP TABLE t'])).stderr).toContain('(READONLY)');
    expect((await run(['SELEC 1'])).stderr).toMatch(/Syntax error.*\(SYNTAX_ERROR\)\n$/s);
    const broken = await run(['SELECT throwIf(number = 3000000) FROM numbers(4000000)']);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain('(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)');
  });

  test('says so where nothing listens, and what to do', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port: freePort } = free.address() as { port: number };
    free.close();
    const answer = await run(['SELECT 1'], { PLUMBLINE_SQL_PORT: String(freePort) });
    expect(answer).toMatchObject({ code: 1, stdout: '' });
    expect(answer.stderr).toBe(
      `plumbline: nothing listens at http://127.0.0.1:${freePort}; start Plumbline with "npx plumbline serve", ` +
        'or name another address with --url\n',
    );
  });

  test('goes where --url or CLICKHOUSE_URL point, with the password of the environment alone', async () => {
    const guarded = await fixture.openPort({ roles: rolesOf('secret-word') });
    const env = { PLUMBLINE_SQL_PORT: '1', CLICKHOUSE_USER: 'me', CLICKHOUSE_PASSWORD: 'secret-word' };
    expect((await run(['SELECT 1 AS a', '--url', guarded.url], env)).stdout).toBe('a\n1\n');
    expect((await run(['SELECT 1 AS a'], { ...env, CLICKHOUSE_URL: guarded.url })).stdout).toBe('a\n1\n');
    const wrong = await run(['SELECT 1'], {
      CLICKHOUSE_URL: guarded.url,
      CLICKHOUSE_PASSWORD: 'secret-wrong',
    });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('(AUTHENTICATION_FAILED)') });
    expect(wrong.stderr).not.toContain('secret');
    const leaky = await run(['SELECT 1', '--url', 'http://me:secret-word@127.0.0.1:1/']);
    expect(leaky).toMatchObject({ code: 1, stderr: expect.stringContaining('CLICKHOUSE_PASSWORD') });
    expect((await run(['--help'])).stdout).not.toContain('--password');
  });

  test('explains itself', async () => {
    const { stdout, code } = await run(['--help']);
    expect(code).toBe(0);
    for (const word of ['Examples:', '--format', '--param', '--url', 'PLUMBLINE_SQL_PORT'])
      expect(stdout).toContain(word);
    expect((await run([], {}, '  \n')).stderr).toContain('the query is empty');
    expect((await run(['SELECT 1', '--file', 'x'])).stderr).toContain('not both');
  });

  test('a reader that has enough ends it quietly, and its query', async () => {
    const child = start(["SELECT number, 'enough' FROM system.numbers"]);
    child.stdin!.end();
    const stderr = text(child.stderr!);
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    const [code] = await once(child, 'exit');
    expect([code, await stderr]).toEqual([0, '']);
    await expect.poll(() => countRunning('enough'), { timeout: 5000 }).toBe(0);
  });

  test('Ctrl-C ends it and its query, with exit code 130', async () => {
    const child = start(["SELECT count() FROM numbers(1e12) WHERE cityHash64(number, 'interrupted') = 1"]);
    child.stdin!.end();
    await expect.poll(() => countRunning('interrupted'), { timeout: 10_000 }).toBe(1);
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
    await expect.poll(() => countRunning('interrupted'), { timeout: 5000 }).toBe(0);
  });

  test('a slow reader holds the answer back instead of filling memory', async () => {
    const child = start(["SELECT number, repeat('x', 100) FROM numbers(9000000)"]);
    child.stdin!.end();
    await once(child.stdout!, 'readable');
    child.stdout!.read(1);
    await sleep(2000);
    // Still running: it waits for its reader. What it holds is far less than the gigabyte that is to come.
    expect(child.exitCode).toBeNull();
    if (process.platform === 'linux') {
      const { readFileSync } = await import('node:fs');
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      expect(Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024).toBeLessThan(300);
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});

async function countRunning(mark: string): Promise<number> {
  const sql = `SELECT count() AS n FROM system.processes
    WHERE position(query, {mark:String}) > 0 AND position(query, 'system.processes') = 0`;
  const [row] = await fixture.engine.query<{ n: string }>(sql, { params: { mark } });
  return Number(row!.n);
}
