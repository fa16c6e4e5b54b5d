/**
 * The same points into one server, into a cluster of one shard and into one of two, through real Distributed tables: what
 * is stored, rolled up and asked for is the same. What stands in for the other servers: testkit/cluster-engine.ts.
 */
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtInCatalogue, defaultTaxonomyFile } from '../../src/catalogue-paths.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { createHistory } from '../../src/demo/history/history-steps.js';
import { createDataChecker } from '../../src/kpi/data-checker.js';
import { createKpiReader } from '../../src/kpi/kpi-reader.js';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import type { Kpi } from '../../src/model/kpi.js';
import type { RetentionPolicy } from '../../src/model/retention.js';
import { readActiveSeries } from '../../src/store/active-series.js';
import { joinCluster } from '../../src/store/cluster-driver.js';
import type { EmbeddedOptions } from '../../src/store/embedded-driver.js';
import { applyMigrations } from '../../src/store/migrations.js';
import { createRetention } from '../../src/store/retention.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { openCluster } from '../testkit/cluster-engine.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 20, 12, 0, 0);
const FROM_MS = NOW_MS - 1.5 * HOUR_MS;
const FROM = '2026-11-20 10:00:00';
const TO = '2026-11-20 12:00:00';
const nanos = (unixMs: number) => BigInt(unixMs) * 1_000_000n;
/** One of each kind of formula. */
const KPIS = ['error_rate', 'page_load_time', 'roi'];

let kpis: Kpi[];
let requests: Uint8Array[];
let expected: Record<string, unknown>;
let stored: StoredMetrics | undefined;

beforeAll(async () => {
  const { categories } = await loadTaxonomy(defaultTaxonomyFile());
  const catalogue = await loadCatalogue({ folders: [builtInCatalogue()], categories });
  kpis = catalogue.kpis.filter(({ name }) => KPIS.includes(name));
  const history = createHistory({
    fromUnixMs: FROM_MS,
    toUnixMs: NOW_MS,
    intervalMs: 120_000,
    ratePerSecond: 20,
    isDelta: false,
    seed: 3,
    instanceId: 'test',
  });
  requests = [...history.slices()].flatMap(({ programs }) =>
    programs.map((points) => ProtobufMetricsSerializer.serializeRequest(points)!),
  );
});

afterEach(async () => {
  await stored?.close();
  stored = undefined;
});

/** What the demo has none of: shapes, a counter that starts anew, exemplars; a point a minute. */
function otherShapes(): OtlpMessage {
  const minutes = Array.from({ length: 90 }, (_, at) => ({
    at,
    times: { startTimeUnixNano: nanos(FROM_MS - 1_000), timeUnixNano: nanos(FROM_MS + at * 60_000) },
    n: BigInt(at + 1),
  }));
  const exponential = minutes.map(({ at, times, n }) => ({
    ...times,
    count: 3n * n,
    sum: 7 * (at + 1),
    scale: 1,
    zeroCount: n,
    positive: { offset: 1, bucketCounts: [n, n] },
  }));
  const summaries = minutes.map(({ at, times, n }) => ({
    ...times,
    count: 2n * n,
    sum: 5 * (at + 1),
    quantileValues: [{ quantile: 0.5, value: at }],
  }));
  const jobs = minutes.map(({ at, times }) => ({
    ...times,
    asInt: BigInt((at % 50) * 10),
    exemplars: [
      {
        timeUnixNano: times.timeUnixNano,
        asDouble: at,
        traceId: Buffer.alloc(16, at + 1),
        spanId: Buffer.alloc(8, 1),
      },
    ],
  }));
  return ofService(
    'other',
    { name: 'sizes', exponentialHistogram: { aggregationTemporality: 2, dataPoints: exponential } },
    { name: 'waits', summary: { dataPoints: summaries } },
    { name: 'jobs', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: jobs } },
  );
}

/** Everything into an engine, some of it twice, and a series that was folded into another one. */
async function fill(open?: (options: EmbeddedOptions) => Promise<ClickHouse>): Promise<StoredMetrics> {
  const filled = await openStoredMetrics(NOW_MS, open);
  stored = filled;
  for (const body of requests) await filled.sendBytes(body);
  for (const body of requests.slice(0, 3)) await filled.sendBytes(body);
  await filled.send(otherShapes());
  const { clickhouse } = filled;
  await clickhouse.command(
    `INSERT INTO folded_series (series_id, overflow_series_id) SELECT series_id + 1, series_id FROM series WHERE metric_name = 'jobs'`,
  );
  await clickhouse.command(
    `INSERT INTO number_points (series_id, time, start_time, kind, value_type, value_int, received_at)
     SELECT series_id + 1, time, start_time, kind, value_type, value_int + 7, received_at FROM number_points FINAL
     WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = 'jobs')`,
  );
  await filled.rollups.settle();
  return filled;
}

const grid = (metric: string, stepS: number) =>
  `metric = '${metric}', start_time = '${FROM}', end_time = '${TO}', step_s = ${stepS}`;

const QUESTIONS: Record<string, string> = {
  ...Object.fromEntries(
    ['number', 'histogram', 'exponential_histogram', 'summary'].flatMap((shape) =>
      ['1m', '1h', '1d'].map((resolution) => [
        `${shape}_${resolution}`,
        `SELECT * EXCEPT rolled_at FROM ${shape}_${resolution} FINAL ORDER BY ALL LIMIT 20000`,
      ]),
    ),
  ),
  points: `SELECT category, subcategory, count() AS points, sum(metric_value) AS total FROM performance_metrics GROUP BY ALL ORDER BY ALL`,
  unclassified: 'SELECT * FROM unclassified_metrics ORDER BY metric_name',
  series: 'SELECT is_folded, count() AS series FROM series_of_points GROUP BY is_folded ORDER BY is_folded',
  increase: `SELECT * FROM number_increase(${grid('jobs', 600)}) ORDER BY ALL`,
  unaligned: `SELECT * FROM number_increase(${grid('throughput', 1_234)}) ORDER BY ALL`,
  values: `SELECT * FROM number_values(${grid('roi', 3_600)}) ORDER BY ALL`,
  last: `SELECT * FROM number_last(metric = 'roi', at_time = '${TO}', stale_after_s = 60) ORDER BY ALL`,
  histograms: `SELECT * FROM histogram_increase(${grid('http.server.request.duration', 3_600)}) ORDER BY ALL`,
  exponential: `SELECT * FROM exponential_histogram_increase(${grid('sizes', 3_600)}) ORDER BY ALL`,
  summaries: `SELECT * FROM summary_increase(${grid('waits', 3_600)}) ORDER BY ALL`,
  exemplars: `SELECT * FROM metric_exemplars(metric = 'jobs', start_time = '${FROM}', end_time = '${TO}') ORDER BY ALL`,
  categories: readQuery('category_counts'),
  activity:
    'SELECT series_id, min(first_time) AS first, max(last_time) AS last FROM series_activity GROUP BY ALL ORDER BY ALL',
  resources: 'SELECT resource_id, min(first_time) AS first FROM resource_activity GROUP BY ALL ORDER BY ALL',
  coverage: 'SELECT * FROM kpi_coverage',
  flagged: 'SELECT kpi, reason, count() AS points FROM flagged_points FINAL GROUP BY ALL ORDER BY ALL',
};

/** All that can be asked, in the form in which sums of doubles in another order are the same. */
async function ask({ clickhouse }: StoredMetrics): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  await publishCatalogue(
    { kpis, folders: [], warnings: [] },
    { clickhouse, facts: FACTS, readQuery, nowUnixMs: FROM_MS },
  );
  const checker = createDataChecker({
    clickhouse,
    readKpis: () => kpis,
    receiver: 'receiver-a',
    readQuery,
    everyMs: HOUR_MS,
    nowUnixMs: () => NOW_MS,
    onError() {},
  });
  await checker.checkNow();
  answers.checked = await checker.readChecked();
  for (const [name, sql] of Object.entries(QUESTIONS)) {
    answers[name] = await clickhouse.query(sql).catch((error: Error) => {
      throw new Error(`${name}: ${error.message}`);
    });
  }
  const reader = createKpiReader(clickhouse, FACTS, readQuery);
  for (const kpi of kpis) answers[kpi.name] = await reader.readStatus(kpi, NOW_MS / 1000);
  answers.status = await clickhouse.query(
    `SELECT * FROM kpi_error_rate_status(at_time = '${TO}') ORDER BY group`,
  );
  const by = { by: 'metric', active_since: FROM, new_since: FROM, limit: 100 };
  answers.top = await clickhouse.query(readQuery('series_top'), { params: by });
  const active = await readActiveSeries(clickhouse, FROM_MS);
  answers.active = active.map(({ metricName, ids }) => `${metricName} ${ids.length / 2}`).sort();
  return JSON.parse(JSON.stringify(answers), (_, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value,
  ) as Record<string, unknown>;
}

function expectSame(answers: Record<string, unknown>): void {
  for (const [name, answer] of Object.entries(answers))
    expect({ [name]: answer }).toEqual({ [name]: expected[name] });
}

describe('a cluster', { timeout: 120_000 }, () => {
  it('is compared with one server that has an answer to everything', async () => {
    expected = await ask(await fill());
    const empty = Object.entries(expected).filter(
      ([, answer]) => Array.isArray(answer) && answer.length === 0,
    );
    expect(empty.map(([name]) => name)).toEqual(['flagged']);
    // And its tables are not taken for those of a cluster.
    const { clickhouse } = stored!;
    const joined = { ...joinCluster(clickhouse, 'production'), command: clickhouse.command };
    await expect(applyMigrations(joined)).rejects.toThrow(/set CLICKHOUSE_DATABASE to a new one/);
  });

  it('of two shards stores, rolls up and answers the same, each shard with its own series', async () => {
    // What is rolled up comes back to be written: the engine would otherwise write it as if it were both shards.
    const settings = { parallel_distributed_insert_select: 0 };
    const two = await fill(openCluster({ shards: 2, settings }));
    expectSame(await ask(two));
    const shards = await two.clickhouse.query(
      'SELECT _shard_num AS shard, uniq(series_id) > 50 AS has_series, max(series_id % 2) AS least, min(series_id % 2) AS most FROM number_1m GROUP BY shard ORDER BY shard',
    );
    expect(shards).toEqual([
      { shard: 1, has_series: 1, least: 0, most: 0 },
      { shard: 2, has_series: 1, least: 1, most: 1 },
    ]);
  });
});

describe('a cluster of one shard', { timeout: 120_000 }, () => {
  const level = (atMs: number, value: number) =>
    ofService('shop', {
      name: 'level',
      gauge: { dataPoints: [{ timeUnixNano: nanos(atMs), asDouble: value }] },
    });

  it('takes a repeated insert once, rolls up on the shard, and applies a retention to what is stored there', async () => {
    const thenMs = Date.now() - 5 * 24 * HOUR_MS;
    const minuteMs = Math.floor(thenMs / HOUR_MS) * HOUR_MS - HOUR_MS;
    stored = await openStoredMetrics(thenMs, openCluster({ shards: 1 }));
    const { clickhouse, rollups } = stored;
    const { cluster: _cluster, ...single } = clickhouse;
    await expect(applyMigrations({ ...single, kind: 'http' })).rejects.toThrow(
      /set CLICKHOUSE_CLUSTER to its name/,
    );
    await stored.send(level(minuteMs, 1));
    await stored.send(level(minuteMs + 1_000, 3));
    const frames = await clickhouse.query<{ points: string }>(
      'SELECT count() AS points FROM number_points_local',
    );
    expect(frames).toEqual([{ points: '2' }]);

    // The bytes of a column, as the spool would send them a second time.
    const block = await readBytes(clickhouse.stream('SELECT * FROM number_points', 'Native'));
    for (const token of ['a', 'a', 'b'])
      await clickhouse.insertNative('number_points', [block], { deduplicationToken: token });
    const [row] = await clickhouse.query<{ all: string; distinct: string }>(
      'SELECT count() AS all, (SELECT count() FROM number_points FINAL) AS distinct FROM number_points_local',
    );
    expect(row).toEqual({ all: '6', distinct: '2' });

    await rollups.settle();
    const rolled = await clickhouse.query(
      'SELECT points, sum, toUInt32(count() OVER ()) AS rows FROM number_1m_local FINAL',
    );
    expect(rolled).toEqual([{ points: '2', sum: 4, rows: 1 }]);

    const kept = (days: number) => ({ default: days, categories: { business_impact: 2 * days } });
    let policy: RetentionPolicy = {
      raw: kept(1),
      exemplars: kept(30),
      '1m': kept(90),
      '1h': kept(400),
      '1d': kept(2_000),
    };
    const retention = createRetention({
      clickhouse,
      readPolicy: async () => policy,
      nowUnixMs: Date.now,
      log: { info() {}, warn() {}, error: (message) => expect.fail(message) },
    });
    // Rows there are: nothing is applied that nobody agreed to.
    await retention.start();
    expect(retention.shortestDays('raw')).toBe(Number.POSITIVE_INFINITY);
    const { plannedAtMs, confirmation, deletions } = await retention.plan();
    expect(deletions.filter(({ table }) => table === 'number_points')).toMatchObject([
      { category: 'unclassified', rows: 2 },
    ]);
    await retention.apply({ plannedAtMs, confirmation });
    expect(retention.shortestDays('raw')).toBe(1);
    const report = await retention.report();
    expect(report.changes).toEqual([]);
    expect(report.stored.filter(({ table }) => table === 'number_points')).toEqual([]);
    expect(report.stored.filter(({ table }) => table === 'number_1h')).toMatchObject([
      { rows: 1, keep: 400 },
    ]);
    const [local] = await clickhouse.query<{ statement: string }>(
      `SELECT create_table_query AS statement FROM system.tables WHERE database = 'plumbline' AND name = 'number_1m_local'`,
    );
    expect(local!.statement).toContain(' TTL ');
    policy = { ...policy, raw: kept(60) };
    await retention.start();
    expect(retention.shortestDays('raw')).toBe(60);
  });
});

async function readBytes(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
