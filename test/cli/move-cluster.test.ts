/**
 * Import into a cluster and export from one, through real Distributed tables: what comes from one server is the same on two
 * shards, and comes out of them again. What stands in for the other servers: testkit/cluster-engine.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runExport } from '../../src/cli/export-run.js';
import { runImport } from '../../src/cli/import-run.js';
import { readManifest } from '../../src/cli/move-folder.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { connectClickHouse } from '../../src/store/http-driver.js';
import { MOVED_TABLES } from '../../src/store/moved-tables.js';
import { openCluster } from '../testkit/cluster-engine.js';
import { EVERY_SHAPE, NOW_S } from '../testkit/every-shape.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { makeDataDirectory } from '../testkit/server.js';
import { type SqlServer, startSqlServer } from '../testkit/sql-server.js';
import { openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';
import { fingerprints } from '../testkit/table-fingerprints.js';

const folder = mkdtempSync(join(tmpdir(), 'plumbline-cluster-'));
const data = makeDataDirectory();
const TABLES = MOVED_TABLES.map(({ table }) => table);
let server: SqlServer;
let source: StoredMetrics;
let cluster: ClickHouse;

const LOADED_MACHINE_MS = 120_000;

beforeAll(async () => {
  server = await startSqlServer(data.path);
  source = await openStoredMetrics(NOW_UNIX_MS, () =>
    connectClickHouse({
      url: server.url,
      username: 'default',
      password: '',
      database: 'plumbline',
      requestTimeoutMs: 30_000,
    }),
  );
  await source.send(EVERY_SHAPE);
  await source.sql('SELECT 1');
  cluster = await openCluster({ shards: 2 })({
    directory: join(folder, 'clickhouse'),
    database: 'plumbline',
    temporaryDirectory: join(folder, 'tmp'),
  });
}, LOADED_MACHINE_MS);
afterAll(async () => {
  await cluster?.close();
  await source?.close();
  await server?.stop();
  data.remove();
  rmSync(folder, { recursive: true, force: true });
});

const progressTo = () => new Writable({ write: (_chunk, _encoding, done) => done() });

async function exportFrom(clickhouse: ClickHouse, to: string): Promise<Map<string, number>> {
  await runExport({
    folder: to,
    clickhouse,
    source: to,
    version: 'test',
    range: undefined,
    newId: () => to,
    progressTo: progressTo(),
  });
  const rows = new Map<string, number>();
  for (const piece of (await readManifest(to))!.pieces)
    rows.set(piece.table, (rows.get(piece.table) ?? 0) + piece.rows!);
  return rows;
}

test('everything of one server is the same in a cluster, and comes out of it again', {
  timeout: LOADED_MACHINE_MS,
}, async () => {
  const rows = await exportFrom(source.clickhouse, join(folder, 'from-server'));
  const said = await runImport({
    folder: join(folder, 'from-server'),
    openTarget: async () => ({ clickhouse: cluster, name: 'the cluster', close: async () => undefined }),
    skipExpired: false,
    nowUnixMs: Date.now(),
    progressTo: progressTo(),
  });
  expect(said).toContain('no row is missing');
  expect(await fingerprints(cluster, TABLES)).toEqual(await fingerprints(source.clickhouse, TABLES));
  const shards = await cluster.query<{ rows: string }>(
    'SELECT count() AS rows FROM number_points GROUP BY _shard_num ORDER BY rows',
  );
  expect(shards.length).toBe(2);
  const sql = `SELECT * FROM number_increase(metric = 'orders', start_time = ${NOW_S - 9_000}, end_time = ${NOW_S}, step_s = 3600) ORDER BY ALL`;
  expect(await cluster.query(sql)).toEqual(await source.clickhouse.query(sql));
  expect(await exportFrom(cluster, join(folder, 'from-cluster'))).toEqual(rows);
});
