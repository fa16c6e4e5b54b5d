/**
 * With CLICKHOUSE_URL the same server stores in another process over HTTP. When that one is away, points are taken
 * until the spool is full, then refused with a time to come back; when it returns, everything lands, once.
 */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { buildTsbsRequest } from '../testkit/otlp-workload.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';
import { type SqlServer, startSqlServer } from '../testkit/sql-server.js';

const POINTS = 1_000;

const directories: { remove: () => void }[] = [];
let sqlServer: SqlServer | undefined;
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop('SIGKILL');
  await sqlServer?.stop('SIGKILL');
  for (const directory of directories.splice(0)) directory.remove();
});

function newDirectory(): string {
  const directory = makeDataDirectory();
  directories.push(directory);
  return directory.path;
}

const settings = { PLUMBLINE_DRAIN_INTERVAL_MS: '50', PLUMBLINE_ROLLUP_DELAY_MS: '0' };

function send(target: RunningServer, second: number): Promise<Response> {
  return fetch(`http://${target.http}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: buildTsbsRequest({
      timeUnixNano: BigInt(second) * 1_000_000_000n,
      startUnixNano: 0n,
      host: 0,
      points: POINTS,
      random: () => (second % 89) / 89,
    }),
  });
}

async function countRows(table = 'number_points', what = 'count()'): Promise<number> {
  const sql = `SELECT ${what} AS n FROM ${table} FINAL`;
  const [row] = await querySql<{ n: string }>({ sql: `127.0.0.1:${sqlServer!.port}` }, sql);
  return Number(row!.n);
}

describe('with CLICKHOUSE_URL', () => {
  it('stores over HTTP, does not load the embedded engine, and serves no SQL port of its own', async () => {
    sqlServer = await startSqlServer(newDirectory());
    server = await startServer(newDirectory(), { ...settings, CLICKHOUSE_URL: sqlServer.url });
    expect(server.sql).toContain(String(sqlServer.port));
    expect(readFileSync(`/proc/${server.pid}/maps`, 'utf8')).not.toContain('chdb');
    const day = Math.floor(Date.now() / 86_400_000) * 86_400 - 86_400;
    for (let i = 0; i < 5; i++) expect((await send(server, day + i)).status).toBe(200);
    await waitUntil(countRows, (n) => n === 5 * POINTS, 10_000);
    for (const table of ['number_1m', 'number_1h', 'number_1d']) {
      await waitUntil(
        () => countRows(table, 'sum(points)'),
        (n) => n === 5 * POINTS,
        20_000,
      );
    }
    expect(await server.stop()).toBe(0);
  });

  it('takes points while ClickHouse is away, refuses when the spool is full, and lands everything once', async () => {
    const sqlDirectory = newDirectory();
    sqlServer = await startSqlServer(sqlDirectory);
    const { port, url } = sqlServer;
    server = await startServer(newDirectory(), {
      ...settings,
      CLICKHOUSE_URL: url,
      PLUMBLINE_SPOOL_BYTES_MAX: String(1024 * 1024),
      PLUMBLINE_SPOOL_SEGMENT_BYTES_MAX: '65536',
    });
    const firstS = Math.floor(Date.now() / 86_400_000) * 86_400 - 86_400;
    let nextS = firstS;
    const acknowledged: number[] = [];
    const sendNext = async () => {
      const second = nextS++;
      const response = await send(server!, second);
      if (response.status === 200) acknowledged.push(second);
      return response;
    };
    for (let i = 0; i < 10; i++) await sendNext();
    // In the middle of work, without a word.
    await sqlServer.stop('SIGKILL');
    const away = await fetch(`http://${server.web}/readyz`);
    expect(away.status).toBe(503);
    expect(await away.text()).toContain('did not answer');
    const ingest = await fetch(`http://${server.web}/readyz?for=ingest`);
    expect([ingest.status, await ingest.text()]).toEqual([200, 'ready\n']);

    let refused: Response | undefined;
    for (let i = 0; i < 500 && refused === undefined; i++) {
      const response = await sendNext();
      if (response.status !== 200) refused = response;
    }
    expect(refused?.status).toBe(503);
    expect(Number(refused!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await refused!.text()).toContain('PLUMBLINE_SPOOL_BYTES_MAX');
    expect(acknowledged.length).toBeGreaterThan(15);
    const notReady = await fetch(`http://${server.web}/readyz`);
    expect(notReady.status).toBe(503);
    expect(await notReady.text()).toContain('PLUMBLINE_SPOOL_BYTES_MAX');

    sqlServer = await startSqlServer(sqlDirectory, port);
    const expected = acknowledged.length * POINTS;
    await waitUntil(countRows, (n) => n >= expected, 30_000);
    expect(await countRows()).toBe(expected);
    await waitUntil(
      async () => (await sendNext()).status,
      (status) => status === 200,
      10_000,
    );
    const all = acknowledged.length * POINTS;
    for (const table of ['number_1m', 'number_1h', 'number_1d']) {
      await waitUntil(
        () => countRows(table, 'sum(points)'),
        (n) => n === all,
        30_000,
      );
    }
    expect(await countRows('number_points', 'uniqExact(time)')).toBe(acknowledged.length);
  }, 120_000);

  it('starts while ClickHouse is away, takes points, and stores them when it comes', async () => {
    const sqlDirectory = newDirectory();
    const first = await startSqlServer(sqlDirectory);
    const { port, url } = first;
    await first.stop();
    server = await startServer(newDirectory(), { ...settings, CLICKHOUSE_URL: url });
    const second = Math.floor(Date.now() / 1000) - 100;
    expect((await send(server, second)).status).toBe(200);
    sqlServer = await startSqlServer(sqlDirectory, port);
    const rows = () => countRows().catch(() => 0);
    await waitUntil(rows, (n) => n === POINTS, 30_000);
  });
});
