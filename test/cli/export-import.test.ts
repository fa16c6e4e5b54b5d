/**
 * Export from an embedded Plumbline, import into a ClickHouse server and into a data directory, on real engines: the server is
 * another process of the embedded engine behind its SQL port, reached through the HTTP driver as any ClickHouse. Both sides
 * have to answer the same.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createExportCommand } from '../../src/cli/export.js';
import { runExport } from '../../src/cli/export-run.js';
import { createImportCommand } from '../../src/cli/import.js';
import { runImport } from '../../src/cli/import-run.js';
import { readManifest } from '../../src/cli/move-folder.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { createSqlEndpoint } from '../../src/show/sql-endpoint.js';
import { connectClickHouse } from '../../src/store/http-driver.js';
import { findSchemaVersion, MOVED_TABLES, TABLES_THAT_STAY } from '../../src/store/moved-tables.js';
import { modifyTtl, readTables } from '../../src/store/retention-tables.js';
import { Rollups } from '../../src/store/rollups.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { type CutProxy, openCutProxy } from '../contract/cut-proxy.js';
import { EVERY_SHAPE, NOW_S } from '../testkit/every-shape.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { makeDataDirectory, querySql, startServer, waitUntil } from '../testkit/server.js';
import { type SqlServer, startSqlServer } from '../testkit/sql-server.js';
import { kpisOf, ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';
import { fingerprints } from '../testkit/table-fingerprints.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
const HOUR_MS = 3_600_000;
/** Imports are dozens of inserts. */
const LOADED_MACHINE_MS = 90_000;
vi.setConfig({ testTimeout: LOADED_MACHINE_MS, hookTimeout: LOADED_MACHINE_MS });

const KPIS = (target: number) =>
  kpisOf(`
- { name: response_time, unit: s, target: ${target}, critical: 4, completeness_min: 0, window: 1h, stale_after: 1d,
    group_by: [service], sources: [{ name: recorder, average: response_time }] }
- { name: order_count, unit: '{order}', direction: higher_is_better, target: 10, completeness_min: 0, window: 1d,
    stale_after: 1d, sources: [{ name: recorder, sum: { of: orders } }] }
`);

const folder = mkdtempSync(join(tmpdir(), 'plumbline-export-'));
const backup = join(folder, 'backup');
const targetData = makeDataDirectory();
let source: StoredMetrics;
let endpoint: ReturnType<typeof createSqlEndpoint>;
let proxy: CutProxy;
/** The source as another process sees it. */
let served: ClickHouse;
let server: SqlServer;
let target: ClickHouse;

const quiet = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const connect = (port: number) =>
  connectClickHouse({
    url: `http://127.0.0.1:${port}`,
    username: 'default',
    password: '',
    database: 'plumbline',
    requestTimeoutMs: 30_000,
  });

const publish = (clickhouse: ClickHouse, value: number, nowUnixMs: number) =>
  publishCatalogue(
    { kpis: KPIS(value), folders: [], warnings: [] },
    { clickhouse, facts: FACTS, readQuery, nowUnixMs },
  );

beforeAll(async () => {
  source = await openStoredMetrics(NOW_UNIX_MS);
  await source.send(EVERY_SHAPE);
  await source.sql('SELECT 1');
  await publish(source.clickhouse, 2, NOW_UNIX_MS - 48 * HOUR_MS);
  await publish(source.clickhouse, 1, NOW_UNIX_MS - HOUR_MS);
  await addWhatOnlyServersWrite();
  // Stored, and not rolled up yet when the export is made.
  await source.send(unrolled());
  endpoint = createSqlEndpoint({ host: '127.0.0.1', port: 0, clickhouse: source.clickhouse, readOnly: true });
  await endpoint.start();
  await endpoint.open();
  proxy = await openCutProxy(endpoint.address().port);
  served = await connect(proxy.port);
  server = await startSqlServer(targetData.path);
  target = await connect(server.port);
});
afterAll(async () => {
  await target?.close();
  await served?.close();
  await server?.stop();
  await proxy?.goAway();
  await endpoint?.shutdown(0);
  await source?.close();
  targetData.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Folded series, flagged points, and what was checked. */
async function addWhatOnlyServersWrite(): Promise<void> {
  const { clickhouse } = source;
  await clickhouse.command(
    "INSERT INTO folded_series SELECT 77, series_id FROM series WHERE metric_name = 'orders' LIMIT 1",
  );
  await clickhouse.command(
    `INSERT INTO number_points (series_id, time, start_time, kind, value_type, value_int, received_at)
     SELECT 77, toDateTime64({at:UInt32}, 9, 'UTC'), toDateTime64({at:UInt32} - 60, 9, 'UTC'), 'delta_counter', 'int', 5, toDateTime({at:UInt32})`,
    { params: { at: NOW_S - 7_300 } },
  );
  await clickhouse.command(
    `INSERT INTO rollup_marks SELECT 'number', 60, toStartOfMinute(toDateTime({at:UInt32}, 'UTC')), 'migration', 1, true, []`,
    { params: { at: NOW_S - 7_300 } },
  );
  await clickhouse.command(
    `INSERT INTO flagged_points (series_id, time, start_time, kpi, reason, value, checked_at)
     SELECT series_id, toDateTime64({at:UInt32}, 9, 'UTC'), toDateTime64(0, 9, 'UTC'), 'response_time', 'range', -1.5, now64(3)
     FROM series WHERE metric_name = 'queue_depth'`,
    { params: { at: NOW_S - 600 } },
  );
  await clickhouse.command(
    `INSERT INTO checked_minutes SELECT 'number', toDateTime({at:UInt32}, 'UTC'), 'receiver-a', 1, 10, 2`,
    { params: { at: NOW_S - (NOW_S % 60) } },
  );
}

/** Enough points for a piece that does not come through a connection that is cut after 100 kB. */
function unrolled() {
  const dataPoints = Array.from({ length: 6_000 }, (_, i) => ({
    timeUnixNano: BigInt(NOW_UNIX_MS - i * 1_000) * 1_000_000n,
    asDouble: Math.sin(i) * 1e6,
  }));
  return ofService('shop', { name: 'temperature', unit: 'Cel', gauge: { dataPoints } });
}

/** The source, which receives points while it is read: after its rollups were, before its points are. */
function receiving(clickhouse: ClickHouse): ClickHouse {
  let hasSent = false;
  return {
    ...clickhouse,
    async *stream(sql, format, call) {
      if (!hasSent && String(call?.params?.table).endsWith('_points')) {
        hasSent = true;
        await source.send(
          ofService('late', {
            name: 'late',
            gauge: { dataPoints: [{ timeUnixNano: 1_699_990_000_000_000_000n, asInt: 1n }] },
          }),
        );
      }
      yield* clickhouse.stream(sql, format, call);
    },
  };
}

const exportTo = (
  to: string,
  clickhouse: ClickHouse = served,
  range?: { fromS: number; toS: number },
  progressTo = quiet(),
) =>
  runExport({
    folder: to,
    clickhouse,
    source: 'the source',
    version: '1.2.3',
    range,
    newId: () => 'export-1',
    progressTo,
    retryMs: 1,
  });

const importFrom = (from: string, options: { skipExpired?: boolean } = {}) =>
  runImport({
    folder: from,
    openTarget: async () => ({ clickhouse: target, name: 'the target', close: async () => undefined }),
    skipExpired: options.skipExpired ?? false,
    nowUnixMs: Date.now(),
    progressTo: quiet(),
    retryMs: 1,
  });

/** As a receiver that starts: it takes over what waits, and works it off. */
async function startAndSettle(clickhouse: ClickHouse): Promise<void> {
  const rollups = new Rollups({
    clickhouse,
    receiver: 'receiver-b',
    delayMs: 0,
    nowUnixMs: Date.now,
    onError: (error) => {
      throw error;
    },
  });
  await rollups.start();
  await rollups.settle();
  await rollups.shutdown(0);
}

const TABLES = MOVED_TABLES.map(({ table }) => table);

const QUESTIONS = [
  `SELECT * FROM kpi_response_time_status(at_time = ${NOW_S}) ORDER BY \`group\``,
  `SELECT * FROM kpi_order_count_status(at_time = ${NOW_S}) ORDER BY \`group\``,
  `SELECT * FROM kpi_response_time(start_time = ${NOW_S - 7_200}, end_time = ${NOW_S}, step_s = 600) ORDER BY time, \`group\``,
  `SELECT * FROM number_increase(metric = 'orders', start_time = ${NOW_S - 9_000}, end_time = ${NOW_S}, step_s = 3600) ORDER BY ALL`,
  `SELECT * FROM number_values(metric = 'temperature', start_time = ${NOW_S - 7_200}, end_time = ${NOW_S}, step_s = 60) ORDER BY ALL`,
  `SELECT value, trace_id FROM metric_exemplars(metric = 'response_time', start_time = ${NOW_S - 7_200}, end_time = ${NOW_S}) ORDER BY ALL`,
  `SELECT * FROM number_values(metric = 'late', start_time = ${NOW_S - 12_000}, end_time = ${NOW_S}, step_s = 3600) ORDER BY ALL`,
  'SELECT category, metric_name, metric_value, timestamp, source_system, metadata FROM performance_metrics ORDER BY ALL',
  'SELECT metric_name, target_value, valid_from, active FROM metric_definitions FINAL ORDER BY ALL',
  'SELECT target_type, target_value, valid_from FROM metric_targets FINAL ORDER BY ALL',
];

describe('what moves', () => {
  test('is every table of the schema, but for those that are named', async () => {
    const rows = await source.clickhouse.query<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree%'",
    );
    expect([...TABLES, ...TABLES_THAT_STAY].sort()).toEqual(rows.map(({ name }) => name).sort());
  });
});

describe('export', () => {
  test('breaks off with the network and goes on where it was', async () => {
    proxy.cutAfter(100_000);
    await expect(exportTo(backup)).rejects.toMatchObject({ type: 'NETWORK' });
    proxy.cutAfter(Number.POSITIVE_INFINITY);
    const begun = (await readManifest(backup))!;
    const done = readFileSync(join(backup, 'pieces.jsonl'), 'utf8')
      .trim()
      .split(/\n+/)
      .map((line) => JSON.parse(line).file as string);
    expect(done.length).toBeGreaterThan(3);
    expect(done.length).toBeLessThan(begun.pieces.length);
    // As if the process had been killed in the middle of a line.
    writeFileSync(join(backup, 'pieces.jsonl'), `\n{"file":"series/00`, { flag: 'a' });
    // A plan is made before anything is read: it says about how many rows there are.
    const pieces = begun.pieces.map((piece) => ({ ...piece, plannedRows: piece.plannedRows + 7 }));
    writeFileSync(join(backup, 'manifest.json'), JSON.stringify({ ...begun, pieces }));
    const writtenAt = () => done.map((file) => statSync(join(backup, file)).mtimeMs);
    const before = writtenAt();
    const progress = new PassThrough();
    const said = await exportTo(backup, receiving(served), undefined, progress);
    expect(writtenAt()).toEqual(before);
    const [, rows] = /^Exported ([\d,]+) rows of \d+ tables/.exec(said)!;
    const shown = progress.read().toString().trim().split('\n');
    expect(shown.at(-1)).toBe(`Export: 100% (${rows} rows)`);
    expect(shown.filter((line: string) => line.includes('100%'))).toHaveLength(1);
    expect(said).toMatch(/stored before \d{4}-\d{2}-\d{2}T[\d:]+Z is in it/);
  });

  test('says of each piece its time, its rows and its sum', async () => {
    const manifest = (await readManifest(backup))!;
    expect(manifest).toMatchObject({
      isComplete: true,
      schemaVersion: await findSchemaVersion(),
      version: '1.2.3',
      id: 'export-1',
    });
    for (const piece of manifest.pieces) expect(piece.sha256).toMatch(/^[0-9a-f]{64}$/);
    const day = Date.UTC(2023, 10, 14) / 1000;
    expect(manifest.pieces.find(({ table }) => table === 'summary_points')).toMatchObject({
      file: 'summary_points/2023-11-14.native.gz',
      fromS: day,
      toS: day + 86_400,
      rows: 2,
    });
    const rows = new Map<string, number>();
    for (const piece of manifest.pieces) rows.set(piece.table, (rows.get(piece.table) ?? 0) + piece.rows!);
    const stored = await fingerprints(source.clickhouse, TABLES);
    // Of what came while it ran: the point, and its series.
    expect(await served.query("SELECT count() AS n FROM series WHERE metric_name = 'late'")).toEqual([
      { n: '1' },
    ]);
    for (const table of TABLES)
      expect([table, rows.get(table) ?? 0]).toEqual([
        table,
        Number((stored[table] as { rows: string }).rows),
      ]);
  });

  test('refuses a folder that has another one', async () => {
    await expect(exportTo(backup)).rejects.toThrow('has a complete export already');
  });

  test('refuses a folder with files of others, and leaves them alone', async () => {
    const others = mkdtempSync(join(folder, 'others-'));
    writeFileSync(join(others, 'thesis.txt'), 'mine');
    await expect(exportTo(others)).rejects.toThrow(
      /has files in it that are of no export \(thesis\.txt\); choose an empty folder/,
    );
    expect(readdirSync(others)).toEqual(['thesis.txt']);
  });

  test.skipIf(!existsSync('/proc/self'))('says at once that its folder cannot be made', async () => {
    await expect(exportTo('/proc/nope/backup')).rejects.toThrow(
      '/proc/nope/backup cannot be written (ENOENT)',
    );
  });

  test('of some days has the rows of those days alone, and every series', async () => {
    const to = join(folder, 'days');
    const day = Date.UTC(2023, 10, 13) / 1000;
    await exportTo(to, served, { fromS: day, toS: day + 86_400 });
    const { pieces, since, until } = (await readManifest(to))!;
    expect([since, until]).toEqual(['2023-11-13', '2023-11-14']);
    expect(
      [...new Set(pieces.map(({ table }) => table))].filter((table) => table.endsWith('_points')),
    ).toEqual([]);
    expect(pieces.map(({ table }) => table)).toContain('series');
  });
});

describe('import into a server', () => {
  test('refuses what it cannot read, with the way to mend it, and touches nothing', async () => {
    const broken = join(folder, 'broken');
    const change = (edit: (manifest: Record<string, unknown>) => void) => {
      cpSync(backup, broken, { recursive: true });
      const path = join(broken, 'manifest.json');
      const manifest = JSON.parse(readFileSync(path, 'utf8'));
      edit(manifest);
      writeFileSync(path, JSON.stringify(manifest));
    };
    const known = await findSchemaVersion();
    change((manifest) => Object.assign(manifest, { schemaVersion: known + 1 }));
    await expect(importFrom(broken)).rejects.toThrow(
      `has schema version ${known + 1}, this Plumbline knows ${known}: import with Plumbline 1.2.3 or newer`,
    );
    change((manifest) => Object.assign(manifest, { schemaVersion: known - 1 }));
    await expect(importFrom(broken)).rejects.toThrow('start a server of this version on the source once');
    change((manifest) => Object.assign(manifest, { isComplete: false }));
    await expect(importFrom(broken)).rejects.toThrow('is not complete: run "plumbline export');
    change((manifest) =>
      Object.assign((manifest.pieces as { file: string }[])[0]!, { file: '../../etc/passwd' }),
    );
    await expect(importFrom(broken)).rejects.toThrow('no manifest that this Plumbline reads');
    await expect(importFrom(folder)).rejects.toThrow('it is not the folder of an export');
    await expect(target.query('SELECT 1')).rejects.toThrow('Database plumbline does not exist');
  });

  test('stops at a file that was changed, and goes on behind what is done', async () => {
    const damaged = join(backup, 'number_points', '2023-11-14.native.gz');
    const bytes = readFileSync(damaged);
    writeFileSync(damaged, bytes.subarray(0, -1));
    await expect(importFrom(backup)).rejects.toThrow('is not the file that was exported');
    writeFileSync(damaged, bytes);
    const said = await importFrom(backup);
    expect(said).toContain('Counted there: no row is missing.');
    expect(said).toMatch(/To be rolled up: [\d,]+ minutes/);
    const files = readFileSync(join(backup, 'imported.jsonl'), 'utf8')
      .trim()
      .split(/\n+/)
      .map((line) => JSON.parse(line).file);
    expect(new Set(files).size).toBe(files.length);
    expect(files.length).toBe((await readManifest(backup))!.pieces.length);
  });

  test('both sides have the same rows, each stored once', async () => {
    expect(await fingerprints(target, TABLES)).toEqual(await fingerprints(source.clickhouse, TABLES));
    const [stored] = await target.query(
      'SELECT (SELECT count() FROM number_points) AS a, (SELECT count() FROM number_points FINAL) AS b',
    );
    expect(Object.values(stored!)).toEqual([expect.any(String), Object.values(stored!)[0]]);
  });

  test('the catalogue is known there: nothing is defined anew', async () => {
    expect(await publish(target, 1, Date.now())).toEqual({ added: [], changed: [], removed: [] });
  });

  test.each(QUESTIONS)('both sides answer the same: %s', async (sql) => {
    const answers = await source.clickhouse.query(sql);
    expect(answers.length).toBeGreaterThan(0);
    expect(await target.query(sql)).toEqual(answers);
  });

  test('a server that starts rolls up what was not, and both sides end in the same rollups', async () => {
    await source.rollups.settle();
    for (const clickhouse of [source.clickhouse, target]) await startAndSettle(clickhouse);
    const tables = TABLES.filter((table) => /_1[mhd]$|_activity$/.test(table));
    expect(await fingerprints(target, tables)).toEqual(await fingerprints(source.clickhouse, tables));
    expect(await target.query('SELECT count() AS n FROM rollup_marks FINAL WHERE waits')).toEqual([
      { n: '0' },
    ]);
  });

  test('rows that went missing there are noticed, and come back; others do not change by coming twice', async () => {
    const before = await fingerprints(target, TABLES);
    await target.command('TRUNCATE TABLE summary_points');
    await expect(importFrom(backup)).rejects.toThrow(
      /2 of 2 rows of summary_points.* were imported before and deleted since; remove .*imported\.jsonl/,
    );
    rmSync(join(backup, 'imported.jsonl'));
    const said = await importFrom(backup);
    expect(said).toContain('no row is missing');
    expect(said).not.toContain('To be rolled up');
    expect(await fingerprints(target, TABLES)).toEqual(before);
  });

  test('what the target would delete at once is refused, or left out', async () => {
    const tables = await readTables(target);
    const rules = { default: 30, categories: {} };
    await modifyTtl(target, tables.find(({ table }) => table === 'number_points')!, rules);
    await expect(importFrom(backup)).rejects.toThrow(
      /number_points: 1 pieces before 2023-11-15 \(kept there: 30d\)/,
    );
    expect(await importFrom(backup, { skipExpired: true })).toContain('Left out: 1 pieces');
  });
});

async function runProgram(args: string[]) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { stdout, stderr, code };
}

describe('the commands', () => {
  test('export reads the Plumbline on this machine', async () => {
    vi.stubEnv('PLUMBLINE_SQL_PORT', String(endpoint.address().port));
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const progress = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      await createExportCommand().parseAsync([join(folder, 'by-command'), '--since', '2023-11-15'], {
        from: 'user',
      });
      const [, rows] = /^Exported ([\d,]+) rows of 6 tables/.exec(written.mock.calls.join('')) ?? [];
      expect(String(progress.mock.calls.at(-1)![0])).toBe(`Export: 100% (${rows} rows)\n`);
    } finally {
      written.mockRestore();
      progress.mockRestore();
      vi.unstubAllEnvs();
    }
  });

  test('import fills a data directory, which a server then serves and export reads', {
    timeout: 60_000,
  }, async () => {
    const data = makeDataDirectory();
    const imported = await runProgram(['import', backup, '--data-dir', data.path]);
    expect([imported.code, imported.stderr]).toEqual([0, expect.stringContaining('Import: 100%')]);
    expect(imported.stdout).toContain('no row is missing');
    const again = await runProgram([
      'export',
      join(folder, 'again'),
      '--data-dir',
      data.path,
      '--since',
      '2023-11-14',
    ]);
    expect([again.code, again.stdout], again.stderr).toEqual([
      0,
      expect.stringMatching(/^Exported [\d,]+ rows/),
    ]);

    const running = await startServer(data.path);
    const inUse = await runProgram(['import', backup, '--data-dir', data.path]);
    expect([inUse.code, inUse.stderr]).toEqual([1, expect.stringContaining('in use by another Plumbline')]);
    const sql = `SELECT metric_name, toString(count()) AS points, max(metric_value) AS largest FROM performance_metrics
      GROUP BY metric_name ORDER BY metric_name`;
    expect(await querySql(running, sql)).toEqual(await source.clickhouse.query(sql));
    await waitUntil(
      () => querySql<{ n: string }>(running, 'SELECT count() AS n FROM rollup_marks FINAL WHERE waits'),
      ([row]) => Number(row!.n) === 0,
      20_000,
    );
    await running.stop();
    data.remove();
  });

  test.each([
    [createExportCommand, ['x', '--data-dir', '/nowhere/at/all'], 'is no data directory of Plumbline'],
    [createExportCommand, ['x', '--url', 'http://127.0.0.1:1'], 'nothing listens at http://127.0.0.1:1'],
    [
      createExportCommand,
      ['x', '--since', '2026-01-02', '--until', '2026-01-01'],
      'there is no day between them',
    ],
    [createImportCommand, ['/nowhere/at/all'], 'has no manifest.json'],
    [createImportCommand, ['x', '--url', 'http://127.0.0.1:1', '--data-dir', 'y'], 'not both'],
  ])('%o %j says what is wrong', async (create, args, message) => {
    await expect(create().parseAsync(args, { from: 'user' })).rejects.toThrow(message);
  });
});
