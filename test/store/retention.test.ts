/**
 * Retention on the real engine: TTLs say what the file says, a plan deletes what it showed and nothing else, one category
 * outlives another, longer times apply themselves and shorter ones never do, answers from rollups stay what they were.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import type { RetentionPolicy, RowsOfCategory } from '../../src/model/retention.js';
import { openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { applyMigrations } from '../../src/store/migrations.js';
import { createRetention, type Retention } from '../../src/store/retention.js';
import { parseRetention } from '../../src/store/retention-file.js';
import { RETAINED_TABLES } from '../../src/store/retention-ttl.js';
import { insertCounter, insertSeries } from '../testkit/aged-points.js';
import { createRollups } from '../testkit/stored-batches.js';

const DAY_MS = 86_400_000;
/** Start of the day that the engine's clock shows. */
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
/** What the longest stretch of points is long. */
const MINUTES = 240;
const daysAgo = (days: number) => new Date(today - days * DAY_MS);

/** One with a title that has everything a title may have. */
const CATEGORIES = [
  { id: 'system_performance', title: 'System Performance' },
  { id: 'business_impact', title: "Sales (it's all, \\o/) WHERE" },
];
const [PERFORMANCE, IMPACT] = CATEGORIES.map(({ title }) => title) as [string, string];

const SHOP = { id: 1, metric: 'requests', category: PERFORMANCE };
const SALES = { id: 2, metric: 'sales', category: IMPACT };
const ODD = { id: 3, metric: 'odd', category: 'unclassified' };
/** Folded into an overflow series of SALES' category. */
const FOLDED_ID = 4;
const UNKNOWN_ID = 5;
const EVERYONE = [1, 2, 3, FOLDED_ID, UNKNOWN_ID];

const FILE = `
default: { raw: 30d, exemplars: 30d, 1m: 90d, 1h: 13mo, 1d: 5y }
categories:
  business_impact: { raw: 60d, 1m: 13mo, 1d: forever }
  unclassified: { raw: 10d }
`;
const LONGER = FILE.replace('raw: 60d', 'raw: 80d').replace('raw: 10d', 'raw: 45d');
const SHORTER = FILE.replace('raw: 60d', 'raw: 40d');

const directory = mkdtempSync(join(tmpdir(), 'plumbline-retention-'));
let clickhouse: ClickHouse;
let file = FILE;
let logged: string[] = [];
let nowUnixMs = Date.now;

function createFromFile(): Retention {
  const log = (level: string) => (message: string) => void logged.push(`${level}: ${message}`);
  return createRetention({
    clickhouse,
    readPolicy: async () => parse(file),
    nowUnixMs: () => nowUnixMs(),
    log: { info: log('info'), warn: log('warn'), error: log('error') },
  });
}

/** As a server that starts with this file; what it logged. */
async function startWith(text: string): Promise<{ retention: Retention; log: string[] }> {
  file = text;
  logged = [];
  const retention = createFromFile();
  await retention.start();
  return { retention, log: logged };
}

const parse = (text: string): RetentionPolicy =>
  parseRetention([{ file: 'retention.yaml', text }], CATEGORIES);

async function openEngine(): Promise<void> {
  clickhouse = await openEmbeddedClickHouse({
    directory: join(directory, 'clickhouse'),
    database: 'plumbline',
    temporaryDirectory: join(directory, 'tmp'),
  });
}

beforeAll(async () => {
  mkdirSync(join(directory, 'tmp'));
  await openEngine();
  await applyMigrations(clickhouse);
});

afterAll(async () => {
  await clickhouse?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Points that readers see, by series. */
async function countPoints(table = 'number_points'): Promise<Record<string, number>> {
  const rows = await clickhouse.query<{ series_id: string; rows: string }>(
    'SELECT series_id, count() AS rows FROM {table:Identifier} FINAL GROUP BY series_id ORDER BY series_id',
    { params: { table } },
  );
  return Object.fromEntries(rows.map((row) => [row.series_id, Number(row.rows)]));
}

async function readTtls(): Promise<string[]> {
  const rows = await clickhouse.query<{ sql: string }>(
    `SELECT create_table_query AS sql FROM system.tables WHERE database = 'plumbline' AND engine LIKE '%MergeTree' ORDER BY name`,
  );
  return rows.map(({ sql }) => sql);
}

async function rollUp(): Promise<void> {
  const rollups = rollupsOf();
  await rollups.start();
  await rollups.settle();
  await rollups.shutdown(1_000);
}

const rollupsOf = (keptDays = Number.POSITIVE_INFINITY) =>
  createRollups(clickhouse, { receiver: 'aged', nowUnixMs: Date.now, keptDays: () => keptDays });

const rowsOf = (deletions: readonly RowsOfCategory[], table: string) =>
  Object.fromEntries(
    deletions.filter((d) => d.table === table).map(({ category, rows }) => [category, rows]),
  );

async function readIncrease(metric: string): Promise<number[]> {
  const rows = await clickhouse.query<{ increase: number }>(
    `SELECT increase FROM number_increase(metric = {metric:String}, start_time = {from:String}, end_time = {to:String}, step_s = 3600)
     ORDER BY time`,
    {
      params: {
        metric,
        from: sqlTime(daysAgo(70)),
        to: sqlTime(new Date(daysAgo(70).getTime() + MINUTES * 60_000)),
      },
    },
  );
  return rows.map(({ increase }) => Number(increase));
}

const sqlTime = (date: Date) => date.toISOString().slice(0, 19).replace('T', ' ');

describe('retention', () => {
  test('a new database gets what the file says, and says so when it is asked', async () => {
    const { retention, log } = await startWith(FILE);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^info: retention applied: .*raw of default forever → 30d/);
    const { tables, changes } = await retention.report();
    const policy = parse(FILE);
    expect(tables.map(({ table }) => table)).toEqual(RETAINED_TABLES.map(({ table }) => table));
    for (const { table, resolution, rules } of tables) expect(rules, table).toEqual(policy[resolution]);
    expect(changes).toEqual([]);
    expect(retention.shortestDays('raw')).toBe(10);
    const [sql] = (await readTtls()).filter((text) => text.includes('.number_points '));
    expect(sql).toContain(
      "TTL greatest(toStartOfDay(time, 'UTC') + (61 * 86400), received_at + (2 * 86400))",
    );
    expect((await startWith(FILE)).log).toEqual([]);
  });

  test('points of one category are deleted while those of another stay, and late ones stay until they are rolled up', async () => {
    await insertSeries(clickhouse, [SHOP, SALES, ODD]);
    await clickhouse.command(
      `INSERT INTO folded_series (series_id, overflow_series_id) VALUES (${FOLDED_ID}, ${SALES.id})`,
    );
    await insertCounter(clickhouse, { ids: EVERYONE, from: daysAgo(35), minutes: 10 });
    await insertCounter(clickhouse, { ids: EVERYONE, from: daysAgo(5), minutes: 3 });
    await insertCounter(clickhouse, {
      ids: [SHOP.id],
      from: daysAgo(300),
      minutes: 7,
      receivedAt: new Date(),
    });
    await clickhouse.command('OPTIMIZE TABLE number_points FINAL');
    await expect
      .poll(() => countPoints(), { timeout: 10_000 })
      .toEqual({
        1: 3 + 7,
        2: 13,
        3: 3,
        [FOLDED_ID]: 13,
        [UNKNOWN_ID]: 13,
      });
  });

  test('longer times are applied at the start, and nothing is deleted', async () => {
    const before = await countPoints();
    const { retention, log } = await startWith(LONGER);
    expect(log).toEqual([
      `info: retention applied: raw of ${IMPACT} 60d → 80d, raw of unclassified 10d → 45d`,
    ]);
    expect((await retention.report()).tables[0]!.rules).toEqual(parse(LONGER).raw);
    await insertCounter(clickhouse, { ids: EVERYONE, from: daysAgo(70), minutes: MINUTES });
    await insertCounter(clickhouse, { ids: [ODD.id], from: daysAgo(40), minutes: 10 });
    await clickhouse.command('OPTIMIZE TABLE number_points FINAL');
    await expect
      .poll(() => countPoints(), { timeout: 10_000 })
      .toEqual({
        ...before,
        2: before[2]! + MINUTES,
        3: before[3]! + 10,
        [FOLDED_ID]: before[FOLDED_ID]! + MINUTES,
        [UNKNOWN_ID]: before[UNKNOWN_ID]! + MINUTES,
      });
    await rollUp();
  });

  test('shorter times are not applied at the start: it is said how to see and how to apply them', async () => {
    const [before, ttls] = [await countPoints(), await readTtls()];
    const { log } = await startWith(SHORTER);
    expect(log).toEqual([
      `warn: the file keeps some data for a shorter time than is in force (raw of ${IMPACT} 80d → 40d, ` +
        'raw of unclassified 45d → 10d); nothing was deleted: "plumbline retention plan" shows what would be, ' +
        '"plumbline retention apply" does it',
    ]);
    expect(await readTtls()).toEqual(ttls);
    expect(await countPoints()).toEqual(before);
    // Part of it longer, part of it shorter: the longer part is applied.
    const mixed = await startWith(SHORTER.replace('1m: 90d', '1m: 100d'));
    expect(mixed.log).toHaveLength(2);
    expect(mixed.log[0]).toBe('info: retention applied: 1m of default 90d → 100d');
    expect(await countPoints()).toEqual(before);
  });

  test('a plan names the rows that applying it deletes, and an answer to another plan is refused', {
    timeout: 60_000,
  }, async () => {
    const { retention } = await startWith(SHORTER.replace('1m: 90d', '1m: 100d'));
    const before = await countPoints();
    const increases = await readIncrease(SALES.metric);
    // Two series: what is folded is shown under the series that it is folded into.
    expect(increases).toEqual(Array(MINUTES / 60).fill(120));
    const plan = await retention.plan();
    expect(plan.changes).toEqual([
      { resolution: 'raw', category: IMPACT, from: 80, to: 40 },
      { resolution: 'raw', category: 'unclassified', from: 45, to: 10 },
    ]);
    // Nobody knows what the unknown series is: it is kept as long as any. 10 + 10 minutes of 'odd' are older than 10 days.
    expect(rowsOf(plan.deletions, 'number_points')).toEqual({
      '': MINUTES,
      [IMPACT]: 2 * MINUTES,
      unclassified: 10,
    });
    const [first] = plan.deletions;
    expect([first!.oldest, first!.newest]).toEqual([
      daysAgo(70).toISOString(),
      new Date(daysAgo(70).getTime() + (MINUTES - 1) * 60_000).toISOString(),
    ]);
    expect(first!.bytes).toBeGreaterThan(0);

    await expect(retention.apply({ ...plan, confirmation: 'yes' })).rejects.toThrow(
      /no longer what was shown/,
    );
    await insertCounter(clickhouse, { ids: [SALES.id], from: daysAgo(50), minutes: 1 });
    await expect(retention.apply(plan)).rejects.toThrow(/no longer what was shown/);
    nowUnixMs = () => Date.now() + 20 * 60_000;
    await expect(retention.apply(plan)).rejects.toThrow(/too long ago/);
    nowUnixMs = Date.now;
    expect(await countPoints()).toEqual({ ...before, 2: before[2]! + 1 });

    const shown = await retention.plan();
    expect(await retention.apply(shown)).toEqual(shown);
    const after = await countPoints();
    expect(after).toEqual({
      ...before,
      2: before[2]! - MINUTES,
      3: before[3]! - 10,
      [FOLDED_ID]: before[FOLDED_ID]! - MINUTES,
      [UNKNOWN_ID]: before[UNKNOWN_ID]! - MINUTES,
    });
    const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, n) => sum + n, 0);
    expect(total(before) + 1 - total(after)).toBe(shown.deletions.reduce((sum, { rows }) => sum + rows, 0));
    expect((await retention.report()).tables[0]!.rules).toEqual(parse(SHORTER).raw);
    expect((await retention.plan()).changes).toEqual([]);

    // The points are gone; what hours grew by is still exact, from rollups.
    expect(await readIncrease(SALES.metric)).toEqual(increases);
  });

  test('a late point never takes the place of points that are gone', async () => {
    const minutes = `SELECT points, last_int FROM number_1m FINAL WHERE series_id = ${SALES.id} AND time = {time:DateTime('UTC')}`;
    const params = { time: sqlTime(daysAgo(70)) };
    expect(await clickhouse.query(minutes, { params })).toEqual([{ points: '1', last_int: '1' }]);
    await clickhouse.command(
      `INSERT INTO number_points (series_id, time, start_time, kind, value_type, value_int, value_double, flags, received_at)
       SELECT ${SALES.id}, toDateTime64({time:String}, 9, 'UTC') + 30, toDateTime64({time:String}, 9, 'UTC') - 60,
         'cumulative_counter', 'int', 999, 0, 0, now()`,
      { params },
    );
    await clickhouse.command(
      `INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
       SELECT 'number', 60, {time:DateTime('UTC')}, 'aged', toUnixTimestamp64Micro(now64(6)), true, []`,
      { params },
    );
    const rollups = rollupsOf(10);
    await rollups.start();
    await rollups.settle();
    await rollups.shutdown(1_000);
    expect(await clickhouse.query(minutes, { params })).toEqual([{ points: '1', last_int: '1' }]);
    expect(await readIncrease(SALES.metric)).toEqual(Array(MINUTES / 60).fill(120));
  });

  test('what is stored is shown by table and category, with what is in force for it', async () => {
    const { retention } = await startWith(SHORTER);
    const { stored } = await retention.report();
    const points = stored.filter(({ table }) => table === 'number_points');
    expect(points.map(({ category, keep }) => [category, keep])).toEqual([
      ['', 40],
      [IMPACT, 40],
      [PERFORMANCE, 30],
      ['unclassified', 10],
    ]);
    const total = Object.values(await countPoints()).reduce((sum, n) => sum + n, 0);
    expect(points.reduce((sum, { rows }) => sum + rows, 0)).toBe(total);
    expect(stored.find(({ table }) => table === 'number_1m')!.rows).toBeGreaterThan(0);
  });

  test('a TTL that somebody else wrote is left alone, and replaced only by a plan that says so', async () => {
    await clickhouse.command(`ALTER TABLE summary_1d MODIFY TTL time + toIntervalYear(9)`);
    const { retention, log } = await startWith(SHORTER);
    expect(log).toContain(
      "warn: summary_1d has a TTL that is not Plumbline's and is left alone: time + toIntervalYear(9)",
    );
    const plan = await retention.plan();
    expect(plan.replacesForeign).toEqual(['summary_1d']);
    await retention.apply(plan);
    expect((await retention.plan()).replacesForeign).toEqual([]);
  });

  test('nothing is touched while the clocks of Plumbline and ClickHouse differ', async () => {
    nowUnixMs = () => Date.now() + 35 * DAY_MS;
    const ttls = await readTtls();
    const { retention, log } = await startWith(LONGER);
    expect(log).toEqual([expect.stringMatching(/^warn: the clocks .* are 50400 minutes apart/)]);
    expect(await readTtls()).toEqual(ttls);
    await expect(retention.plan()).rejects.toThrow(/50400 minutes apart/);
    nowUnixMs = Date.now;
  });

  test('the engine opens with these TTLs again, and for ever means none', async () => {
    await clickhouse.close();
    await openEngine();
    const { retention } = await startWith(
      FILE.replaceAll(/\d+(d|mo|y)\b/g, 'forever').replaceAll('forever:', '1d:'),
    );
    const { tables } = await retention.report();
    expect(new Set(tables.map(({ ttl }) => ttl))).toEqual(new Set(['']));
    expect(await countPoints()).not.toEqual({});
  });
});
