/**
 * Points of the last second before a minute, an hour and a day end, each in a part of its own, are found by everything that
 * asks for them: points, rollups, views, KPIs, and the statements of the command line. See docs/decisions/0018-time-bounds.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDataChecker } from '../../src/kpi/data-checker.js';
import { createKpiReader, type KpiReader } from '../../src/kpi/kpi-reader.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import type { CallOptions, ClickHouse } from '../../src/model/clickhouse.js';
import type { Catalogue, Kpi } from '../../src/model/kpi.js';
import { type EmbeddedOptions, openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { countPiece, MOVED_TABLES, planPieces } from '../../src/store/moved-tables.js';
import { countRows, readTables } from '../../src/store/retention-tables.js';
import { buildExpired } from '../../src/store/retention-ttl.js';
import { markRollupGaps } from '../../src/store/rollup-gaps.js';
import { SHAPES } from '../../src/store/rollup-marks.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { readCasePoints } from '../testkit/case-file.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { kpisOf, ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';
import { findWholeNumbers } from '../testkit/time-bounds.js';

const DAY_S = 86_400;
/** A midnight: the end of a minute, of an hour and of a day. */
const END_S = 1_767_312_000;
const FROM_S = END_S - 60;
const NOW_MS = (END_S + 3_600) * 1000;
/** How long before the end each point lies, as in the case. */
const BEFORE_END_MS = [5_000, 3_000, 2_000, 1_500, 1_000, 700, 400, 100];
const POINTS = BEFORE_END_MS.length;
/** Its start: a point that tells what a counter had before. */
const STARTED_MS = 30_000;

const KPIS = kpisOf(`
- { name: edges, unit: '1', window: 1m, samples_min: 0, completeness_min: 0, stale_after: 1h, sources: [{ name: a, sum: { of: { metric: case.edge, measure: amount } } }] }
- { name: total, unit: '1', window: 1m, samples_min: 0, completeness_min: 0, stale_after: 1h, sources: [{ name: a, sum: { of: { metric: edge.total, measure: amount } } }] }
- { name: mean, unit: s, window: 1m, samples_min: 0, completeness_min: 0, stale_after: 1h, sources: [{ name: a, average: edge.histogram }] }
- { name: slow, unit: s, window: 1m, samples_min: 0, completeness_min: 0, stale_after: 1h, sources: [{ name: a, percentile: { of: edge.histogram, quantile: p95 } }] }
- { name: level, unit: '1', window: 1m, valid: { min: 0, max: 100 }, samples_min: 0, completeness_min: 0, stale_after: 1h, sources: [{ name: a, average: edge.gauge }] }
`);
const kpiNamed = (name: string) => KPIS.find((kpi) => kpi.name === name)!;

/** Statements that were run, of those that differ in numbers alone the last. */
const statements = new Map<string, { sql: string; call: CallOptions | undefined }>();

async function openRecorded(options: EmbeddedOptions): Promise<ClickHouse> {
  const clickhouse = await openEmbeddedClickHouse(options);
  const record = (sql: string, call: CallOptions | undefined) =>
    statements.set(sql.replaceAll(/\d+/g, '0'), { sql, call });
  return {
    ...clickhouse,
    query: (sql, call) => {
      record(sql, call);
      return clickhouse.query(sql, call);
    },
    command: (sql, call) => {
      record(sql, call);
      return clickhouse.command(sql, call);
    },
  };
}

let stored: StoredMetrics;
let reader: KpiReader;

const nanos = (beforeEndMs: number) => BigInt(END_S * 1000 - beforeEndMs) * 1_000_000n;

/** One point of every shape at a time; `i` counts from 1. */
function metricsAt(i: number, beforeEndMs: number): OtlpMessage[] {
  const time = { timeUnixNano: nanos(beforeEndMs) };
  const since = { startTimeUnixNano: nanos(STARTED_MS), ...time };
  const exemplars = [{ ...time, asDouble: i, traceId: Buffer.alloc(16, i), spanId: Buffer.alloc(8, i) }];
  const buckets = (count: bigint) => ({ explicitBounds: [1], bucketCounts: [0n, count] });
  const exponential = (count: bigint) => ({ scale: 0, positive: { offset: 0, bucketCounts: [count] } });
  const delta = { aggregationTemporality: 1 };
  const cumulative = { aggregationTemporality: 2 };
  return [
    { name: 'edge.gauge', unit: '1', gauge: { dataPoints: [{ ...time, asInt: BigInt(i) }] } },
    {
      name: 'edge.total',
      unit: '1',
      sum: { ...cumulative, isMonotonic: true, dataPoints: [{ ...since, asInt: BigInt(i), exemplars }] },
    },
    {
      name: 'edge.histogram',
      unit: 's',
      histogram: { ...delta, dataPoints: [{ ...since, count: 1n, sum: 2, ...buckets(1n) }] },
    },
    {
      name: 'edge.histogram.total',
      unit: 's',
      histogram: {
        ...cumulative,
        dataPoints: [{ ...since, count: BigInt(i), sum: 2 * i, ...buckets(BigInt(i)) }],
      },
    },
    {
      name: 'edge.exponential',
      unit: 's',
      exponentialHistogram: { ...delta, dataPoints: [{ ...since, count: 1n, sum: 1.5, ...exponential(1n) }] },
    },
    {
      name: 'edge.summary',
      unit: 's',
      summary: {
        dataPoints: [
          { ...since, count: BigInt(i), sum: 2 * i, quantileValues: [{ quantile: 0.5, value: i }] },
        ],
      },
    },
  ];
}

beforeAll(async () => {
  stored = await openStoredMetrics(NOW_MS, openRecorded);
  reader = createKpiReader(stored.clickhouse, FACTS, readQuery);
  await stored.clickhouse.command('SYSTEM STOP MERGES');
  for (const body of readCasePoints('last-second-of-a-minute', END_S * 1000))
    await stored.sendBytes(Buffer.from(body), 'json');
  for (const [i, beforeEndMs] of BEFORE_END_MS.entries())
    await stored.send(ofService('shop', ...metricsAt(i + 1, beforeEndMs)));
  await stored.clickhouse.command(
    "INSERT INTO flagged_points (series_id, time, start_time, kpi, reason) SELECT 1, time, start_time, 'level', 'range' FROM number_points",
  );
}, 120_000);
afterAll(() => stored.close());

const sql = <Row extends object>(text: string) => stored.clickhouse.query<Row>(text);
const grid = (stepS: number) => {
  const from = Math.floor(FROM_S / stepS) * stepS;
  return `start_time = ${from}, end_time = ${END_S}, step_s = ${stepS}`;
};

/** What each view says of all eight points. */
const ANSWERS: readonly [view: string, metric: string, ...columns: string[]][] = [
  ['number_increase', 'case.edge', 'sum(increase)', 'sum(points)'],
  ['number_increase', 'edge.total', 'sum(increase)', 'sum(points)'],
  ['number_values', 'edge.gauge', 'sum(count)', 'argMax(last, time)'],
  ['histogram_increase', 'edge.histogram', 'sum(increase_count)', 'sum(points)'],
  ['histogram_increase', 'edge.histogram.total', 'sum(increase_count)', 'sum(points)'],
  ['exponential_histogram_increase', 'edge.exponential', 'sum(increase_count)', 'sum(points)'],
  ['summary_increase', 'edge.summary', 'sum(increase_count)', 'sum(points)'],
];
const GROUPED: readonly [view: string, metric: string][] = [
  ['number_quantiles', 'edge.gauge'],
  ['histogram_quantiles', 'edge.histogram'],
  ['histogram_quantiles', 'edge.histogram.total'],
  ['histogram_quantiles', 'edge.exponential'],
];

/** Answers are the same before anything is rolled up, and after. `steps`: of the grids, seconds. */
function asksViews(steps: readonly number[]): void {
  it.each(ANSWERS)('%s finds all points of %s', async (view, metric, ...columns) => {
    for (const stepS of steps) {
      const [row] = await sql<{ found: number[] }>(
        `SELECT [${columns.map((column) => `toFloat64(${column})`).join(', ')}] AS found FROM ${view}(metric = '${metric}', ${grid(stepS)})`,
      );
      expect({ stepS, found: row!.found }).toEqual({ stepS, found: columns.map(() => POINTS) });
    }
  });

  it.each(GROUPED)(
    '%s counts all points of %s',
    async (view, metric) => {
      const [row] = await sql<{ n: number }>(
        `SELECT toFloat64(sum(count)) AS n FROM ${view}(metric = '${metric}', ${grid(60)}, group_by = '')`,
      );
      expect(row!.n).toBe(POINTS);
    },
    60_000,
  );

  it('last values are those of the last point', async () => {
    const number = await sql(
      `SELECT value, age_s FROM number_last(metric = 'edge.gauge', at_time = ${END_S}, stale_after_s = 60)`,
    );
    expect(number).toEqual([{ value: POINTS, age_s: 0.1 }]);
    const summary = await sql<Record<string, unknown>>(
      `SELECT count, quantile_values FROM summary_quantiles(metric = 'edge.summary', at_time = ${END_S})`,
    );
    expect(summary.map((row) => [Number(row.count), row.quantile_values])).toEqual([[POINTS, [POINTS]]]);
  });

  it('every exemplar is found', async () => {
    const rows = await sql<{ value: number }>(
      `SELECT value FROM metric_exemplars(metric = 'edge.total', start_time = ${FROM_S}, end_time = ${END_S}) ORDER BY value`,
    );
    expect(rows.map(({ value }) => value)).toEqual(BEFORE_END_MS.map((_, i) => i + 1));
  });

  it('facts count all points of every shape', async () => {
    const metrics = `['edge.total', 'edge.histogram', 'edge.histogram.total', 'edge.exponential', 'edge.summary', 'edge.gauge']`;
    for (const stepS of steps) {
      const [row] = await sql(
        `SELECT toFloat64(sum(points)) AS points, sum(increase) AS increase, toFloat64(sum(count)) AS counted FROM metric_facts(metrics = ${metrics}, ${grid(stepS)})`,
      );
      expect({ stepS, ...row }).toEqual({ stepS, points: 6 * POINTS, increase: POINTS, counted: 4 * POINTS });
    }
  });

  const values = { edges: POINTS, total: POINTS, mean: 2, level: (POINTS + 1) / 2 };
  it.each(Object.entries(values))(
    'the KPI %s counts all of them, as status and in steps',
    async (name, value) => {
      const [status] = await reader.readStatus(kpiNamed(name), END_S);
      expect(status).toMatchObject({ value, points: POINTS });
      const steps = await reader.readSteps(kpiNamed(name), { startS: FROM_S, endS: END_S, slotS: 60 });
      expect(steps).toMatchObject([{ value, points: POINTS }]);
    },
  );

  it('a percentile KPI counts all of them', async () => {
    const [status] = await reader.readStatus(kpiNamed('slow'), END_S);
    expect(status).toMatchObject({ samples: POINTS, points: POINTS });
  });
}

describe('before points are rolled up', () => asksViews([60]));

describe('after points are rolled up', () => {
  beforeAll(() => stored.rollups.settle(), 60_000);

  it('every rollup has all points', async () => {
    for (const resolution of ['1m', '1h', '1d'])
      for (const shape of SHAPES) {
        const [row] = await sql<{ n: number; raw: number }>(
          `SELECT toFloat64((SELECT sum(points) FROM ${shape}_${resolution} FINAL)) AS n, toFloat64((SELECT count() FROM ${shape}_points FINAL)) AS raw`,
        );
        expect({ resolution, shape, n: row!.n }).toEqual({ resolution, shape, n: row!.raw });
        expect(row!.raw).toBeGreaterThanOrEqual(POINTS);
      }
  });

  // A day is answered by days, and what cuts minutes by points.
  asksViews([DAY_S, 7]);

  it('views of KPIs in SQL say what the command line says', async () => {
    await publishCatalogue({ kpis: [kpiNamed('edges')] } as unknown as Catalogue, {
      clickhouse: stored.clickhouse,
      facts: FACTS,
      readQuery,
      nowUnixMs: NOW_MS,
    });
    const of = 'SELECT value, toFloat64(points) AS points FROM kpi_edges';
    const right = [{ value: POINTS, points: POINTS }];
    expect(await sql(`${of}(${grid(60)})`)).toEqual(right);
    expect(await sql(`${of}_status(at_time = ${END_S})`)).toEqual(right);
    expect(await sql(`${of}_of(${grid(60)}, service = '', environment = '')`)).toEqual(right);
    expect(await sql(`${of}_status_of(at_time = ${END_S}, service = '', environment = '')`)).toEqual(right);
  }, 60_000);

  it('series know when they were heard of last', async () => {
    const [row] = await sql<{ last: string }>('SELECT toString(max(last_time)) AS last FROM series_activity');
    expect(row!.last).toBe('2026-01-01 23:59:59.900000000');
  });

  it('points are checked against their KPIs', async () => {
    const broken: Kpi[] = [{ ...kpiNamed('level'), validMax: 0 }];
    const checker = createDataChecker({
      clickhouse: stored.clickhouse,
      readKpis: () => broken,
      receiver: 'receiver-a',
      readQuery,
      everyMs: 1_000_000,
      nowUnixMs: () => NOW_MS,
      onError: (error) => {
        throw error;
      },
    });
    await checker.checkNow();
    expect((await checker.readChecked()).flagged).toBe(POINTS);
  });

  it('an export takes every point, and the day that ends with them is whole', async () => {
    for (const table of MOVED_TABLES.filter(({ time }) => time !== undefined)) {
      const pieces = await planPieces(stored.clickhouse, table, { fromS: END_S - DAY_S, toS: END_S });
      const [all] = await sql<{ n: number }>(`SELECT toFloat64(count()) AS n FROM ${table.table} FINAL`);
      let moved = 0;
      for (const piece of pieces) {
        const { sql: count, call } = countPiece(piece);
        const [row] = await stored.clickhouse.query<{ rows: string }>(count, call);
        moved += Number(row!.rows);
      }
      expect({ table: table.table, moved }).toEqual({ table: table.table, moved: all!.n });
    }
  });

  it('an import that compares rollups with points finds none behind, and all where they are missing', async () => {
    const piece = { table: 'number_points', fromS: END_S - DAY_S, toS: END_S };
    expect(await markRollupGaps(stored.clickhouse, [piece], NOW_MS)).toEqual(new Map());
    await stored.clickhouse.command('TRUNCATE TABLE histogram_1m');
    const missing = { ...piece, table: 'histogram_points' };
    expect(await markRollupGaps(stored.clickhouse, [missing], NOW_MS)).toEqual(new Map([[60, 1]]));
  });

  it('the retention counts points that grow too old within their last second', async () => {
    const table = (await readTables(stored.clickhouse)).find((known) => known.table === 'number_points')!;
    const days = 30;
    const rules = { default: days, categories: {} };
    const expired = buildExpired({ ...table, writtenAt: "toDateTime(0, 'UTC')" }, rules, 'plumbline')!;
    const nowUnixMs = (END_S + days * DAY_S) * 1000;
    const rows = await countRows(stored.clickhouse, table, { expired, nowUnixMs });
    expect(rows.reduce((sum, row) => sum + row.rows, 0)).toBe(3 * POINTS);
  });
});

it('the engine holds no bound of points as a whole number, in any statement that was run', async () => {
  const insert = /^(?:\s*--[^\n]*\n)*\s*INSERT INTO \S+\s*\([^)]*\)/;
  const selects = [...statements.values()]
    .map(({ sql, call }) => ({ sql: sql.replace(insert, ''), call }))
    .filter(({ sql }) => /^(?:\s*--[^\n]*\n)*\s*(?:SELECT|WITH)\b/.test(sql))
    // EXPLAIN writes the names of nested columns out into each other: of exponential buckets that is more than fits into memory.
    // Their bounds are written by the same code as those of the other shapes, and time-bounds.test.ts reads them.
    .filter(({ sql }) => !/exponential_histogram|metric_facts|_quantiles|percentile/.test(sql));
  expect(selects.length).toBeGreaterThan(30);
  const wrong: string[] = [];
  let conditions = 0;
  for (const { sql, call } of selects) {
    const rows = await stored.clickhouse.query<{ explain: string }>(`EXPLAIN indexes = 1 ${sql}`, call);
    const plan = rows.map(({ explain }) => explain);
    conditions += plan.filter((line) => /Condition: .*\btime in/.test(line)).length;
    wrong.push(...findWholeNumbers(plan));
  }
  expect(conditions).toBeGreaterThan(40);
  expect([...new Set(wrong)]).toEqual([]);
}, 300_000);
