/**
 * What KPIs say, against requests whose numbers are known: every formula, units that differ, filters, fallbacks, groups,
 * confidence, thresholds over time, and a catalogue that changes while the server runs.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { waitUntil } from '../testkit/server.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A whole hour, so that windows are whole slots. */
const NOW_MS = Math.floor(NOW_UNIX_MS / HOUR_MS) * HOUR_MS;
const folder = mkdtempSync(join(tmpdir(), 'plumbline-kpis-'));
let nowMs = NOW_MS;
let server: RunningPipeline;

type Row = Record<string, unknown> & {
  group: string[];
  value: number | null;
  status: string;
  reason: string;
};

function writeKpi(name: string, fields: Record<string, unknown>): void {
  const kpi = {
    name,
    title: name,
    category: 'system_performance',
    subcategory: 'response_times',
    description: 'For a test.',
    owner: 'tests',
    unit: 's',
    direction: 'lower_is_better',
    target: 1,
    window: '1h',
    completeness_min: 0,
    stale_after: '1h',
    data_type: 'duration',
    refresh: '30s',
    visualisation: 'line',
    ...fields,
  };
  writeFileSync(join(folder, 'kpis', `${name}.yaml`), stringify(kpi));
}

const nanos = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n;
const attributes = (values: Record<string, string>) =>
  Object.entries(values).map(([key, value]) => stringAttribute(key, value));

function send(metric: OtlpMessage, resource: Record<string, string> = { 'service.name': 'shop' }) {
  return server.send({
    resourceMetrics: [
      { resource: { attributes: attributes(resource) }, scopeMetrics: [{ metrics: [metric] }] },
    ],
  });
}

/** Values recorded in one delta point, in buckets of `bounds`. */
function histogramOf(
  atMs: number,
  values: readonly number[],
  bounds: number[],
  labels: Record<string, string>,
) {
  const counts = Array.from(
    { length: bounds.length + 1 },
    (_, i) => values.filter((v) => v <= (bounds[i] ?? Infinity) && v > (bounds[i - 1] ?? -Infinity)).length,
  );
  return {
    attributes: attributes(labels),
    startTimeUnixNano: nanos(atMs - MINUTE_MS),
    timeUnixNano: nanos(atMs),
    count: BigInt(values.length),
    sum: values.reduce((a, b) => a + b, 0),
    explicitBounds: bounds,
    bucketCounts: counts.map(BigInt),
  };
}

const DELTA = 1;
const CUMULATIVE = 2;

async function readStatus(name: string, atMs = nowMs): Promise<Row[]> {
  return server.sql<Row>(
    `SELECT * FROM kpi_${name}_status(at_time = fromUnixTimestamp64Milli(${atMs}, 'UTC')) ORDER BY length(group), group`,
  );
}

const all = (rows: Row[]) => rows.find(({ group }) => group.length === 0)!;
const of = (rows: Row[], ...group: string[]) => rows.find((row) => row.group.join() === group.join());

beforeAll(async () => {
  mkdirSync(join(folder, 'kpis'));
  const duration = { metric: 'test.duration' };
  writeKpi('mean', {
    group_by: ['service'],
    sources: [
      { name: 'new', average: duration },
      { name: 'old', average: 'test.old' },
    ],
  });
  writeKpi('p95', { sources: [{ name: 'new', percentile: { of: duration, quantile: 0.95 } }] });
  writeKpi('errors', {
    unit: '%',
    data_type: 'ratio',
    target: 1,
    warning: 2,
    critical: 5,
    samples_min: 10,
    group_by: ['service'],
    sources: [
      {
        name: 'new',
        ratio: { of: { metric: 'test.duration', where: { code: '5*' } }, to: { metric: 'test.duration' } },
      },
    ],
  });
  writeKpi('rate', {
    unit: '{request}/s',
    data_type: 'rate',
    direction: 'higher_is_better',
    target: 0.5,
    sources: [{ name: 'counter', rate: { of: 'test.requests', per: '1s' } }],
  });
  writeKpi('uptime', {
    unit: '%',
    data_type: 'ratio',
    direction: 'higher_is_better',
    target: 99,
    completeness_min: 0.9,
    sources: [{ name: 'checks', uptime: 'test.up' }],
  });
  writeKpi('newest', {
    unit: '%',
    data_type: 'ratio',
    direction: 'higher_is_better',
    target: 50,
    stale_after: '10m',
    group_by: [{ feature: ['feature'] }],
    sources: [{ name: 'gauge', last: 'test.share' }],
  });
  writeKpi('score', {
    unit: '1',
    data_type: 'score',
    direction: 'higher_is_better',
    target: 0.5,
    sources: [
      {
        name: 'parts',
        weighted_score: {
          parts: [
            {
              name: 'share',
              of: { metric: 'test.share', measure: 'last', where: { feature: 'a' } },
              weight: 3,
            },
            { name: 'stars', of: { metric: 'test.stars', measure: 'last' }, weight: 1, scale: 5 },
            { name: 'missing', of: { metric: 'test.nothing', measure: 'last' }, weight: 10 },
          ],
        },
      },
    ],
  });
  writeKpi('gain', {
    unit: '%',
    data_type: 'ratio',
    direction: 'higher_is_better',
    target: 200,
    sources: [{ name: 'money', roi: { gain: 'test.value', cost: 'test.cost' } }],
  });
  writeKpi('per_user', {
    unit: '{USD}',
    data_type: 'money',
    target: 10,
    sources: [{ name: 'money', per_user_cost: { cost: 'test.cost', users: 'test.users', per: '30d' } }],
  });
  server = await startPipeline(() => nowMs, { PLUMBLINE_CATALOGUE: folder });
  await waitUntil(
    async () =>
      server.stored<{ n: string }>(
        `SELECT toString(count()) AS n FROM system.completions WHERE context = 'table' AND word LIKE 'kpi\\_%'`,
      ),
    (rows) => Number(rows[0]!.n) >= 4 * 9 + 1,
    60_000,
  );
  await sendAll();
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** 100 requests of two services within the last hour, one service in milliseconds and one in seconds. */
async function sendAll(): Promise<void> {
  const histogram = (name: string, unit: string, ...dataPoints: OtlpMessage[]) => ({
    name,
    unit,
    histogram: { dataPoints, aggregationTemporality: DELTA },
  });
  const shop = Array.from({ length: 60 }, (_, i) => 100 + i);
  const slow = Array.from({ length: 40 }, () => 2);
  await send(
    histogram(
      'test.duration',
      'ms',
      histogramOf(NOW_MS - 30 * MINUTE_MS, shop.slice(0, 57), [50, 120, 150, 200], { code: '200' }),
      histogramOf(NOW_MS - 20 * MINUTE_MS, shop.slice(57), [50, 120, 150, 200], { code: '503' }),
    ),
  );
  await send(
    histogram('test.duration', 's', histogramOf(NOW_MS - 10 * MINUTE_MS, slow, [1, 2, 4], { code: '200' })),
    { 'service.name': 'pay', 'deployment.environment.name': 'production' },
  );
  // Without a unit nothing says that it is seconds: never mixed in.
  await send(
    histogram('test.duration', 'By', histogramOf(NOW_MS - 10 * MINUTE_MS, [1e9], [1], { code: '200' })),
    {
      'service.name': 'stray',
    },
  );
  await send(histogram('test.old', 's', histogramOf(NOW_MS - 10 * MINUTE_MS, [3, 5], [4], {})), {
    'service.name': 'legacy',
  });
  const number = (atMs: number, value: number, labels = {}, startMs?: number) => ({
    attributes: attributes(labels),
    timeUnixNano: nanos(atMs),
    ...(startMs !== undefined && { startTimeUnixNano: nanos(startMs) }),
    asDouble: value,
  });
  const counter = (name: string, unit: string, ...dataPoints: OtlpMessage[]) => ({
    name,
    unit,
    sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: true },
  });
  // 500 before the window, 900 in it before a restart, 900 after: 1,800 in an hour.
  const start = NOW_MS - 2 * HOUR_MS;
  const restart = NOW_MS - 25 * MINUTE_MS;
  await send(
    counter(
      'test.requests',
      '{request}',
      number(NOW_MS - 61 * MINUTE_MS, 500, {}, start),
      number(NOW_MS - 40 * MINUTE_MS, 900, {}, start),
      number(NOW_MS - 30 * MINUTE_MS, 1400, {}, start),
      number(NOW_MS - 20 * MINUTE_MS, 100, {}, restart),
      number(NOW_MS - 1 * MINUTE_MS, 900, {}, restart),
    ),
  );
  const gauge = (name: string, unit: string, ...dataPoints: OtlpMessage[]) => ({
    name,
    unit,
    gauge: { dataPoints },
  });
  // Half an hour of checks, one of them failed, and silence after.
  await send(
    gauge(
      'test.up',
      '1',
      ...Array.from({ length: 30 }, (_, i) => number(NOW_MS - (60 - i) * MINUTE_MS, i === 7 ? 0 : 1)),
    ),
  );
  await send(
    gauge(
      'test.share',
      '1',
      number(NOW_MS - 30 * MINUTE_MS, 0.2, { feature: 'a' }),
      number(NOW_MS - 5 * MINUTE_MS, 0.6, { feature: 'a' }),
      number(NOW_MS - 15 * MINUTE_MS, 0.9, { feature: 'b' }),
    ),
  );
  await send(gauge('test.stars', '{rating}', number(NOW_MS - 5 * MINUTE_MS, 4)));
  const dayStart = NOW_MS - 24 * HOUR_MS;
  for (const [name, before, after] of [
    ['test.value', 10, 310],
    ['test.cost', 5, 105],
  ] as const) {
    await send(
      counter(
        name,
        '{USD}',
        number(NOW_MS - 61 * MINUTE_MS, before, {}, dayStart),
        number(NOW_MS - MINUTE_MS, after, {}, dayStart),
      ),
    );
  }
  await send(gauge('test.users', '{user}', number(NOW_MS - MINUTE_MS, 50)));
}

describe('a KPI', () => {
  it('averages what was recorded, in its own unit, whatever the units of senders', async () => {
    const rows = await readStatus('mean');
    const shop = Array.from({ length: 60 }, (_, i) => (100 + i) / 1000);
    const total = shop.reduce((a, b) => a + b, 0);
    expect(of(rows, 'shop')!.value).toBeCloseTo(total / 60, 12);
    expect(of(rows, 'pay')!.value).toBeCloseTo(2, 12);
    expect(all(rows).value).toBeCloseTo((total + 80) / 100, 12);
    expect(all(rows)).toMatchObject({ samples: 100, source: 'new', status: 'on_target' });
    expect(of(rows, 'pay')).toMatchObject({ status: 'warning', reason: 'misses target 1 s' });
  });

  it('never takes a series whose unit measures something else', async () => {
    expect(of(await readStatus('mean'), 'stray')).toBeUndefined();
  });

  it('falls back to the next source for a group that the first knows nothing of', async () => {
    expect(of(await readStatus('mean'), 'legacy')).toMatchObject({ value: 4, source: 'old', samples: 2 });
  });

  it('has percentiles that lie in the bucket of the true quantile', async () => {
    const { value } = all(await readStatus('p95'));
    expect(value).toBeGreaterThan(1);
    expect(value).toBeLessThanOrEqual(2);
  });

  it('has ratios of filtered counts, with what an error budget needs', async () => {
    const rows = await readStatus('errors');
    expect(all(rows)).toMatchObject({
      value: 300 / 101,
      status: 'warning',
      reason: 'at or above warning 2 %',
      samples: 101,
    });
  });

  it('has rates without leaks: what came before the window does not count, restarts do not subtract', async () => {
    const row = all(await readStatus('rate'));
    expect(row.value).toBeCloseTo(1800 / 3600, 12);
    expect(row).toMatchObject({ status: 'on_target', samples: 1800 });
  });

  it('does not take silence for uptime', async () => {
    const row = all(await readStatus('uptime'));
    expect(row.value).toBeCloseTo((100 * 29) / 30, 10);
    expect(row).toMatchObject({
      status: 'unknown',
      completeness: 0.5,
      reason: 'only 50 % of the window is measured',
    });
  });

  it('has newest values, and says when they are too old', async () => {
    const rows = await readStatus('newest');
    expect(of(rows, 'a')).toMatchObject({ value: 60, status: 'on_target' });
    expect(of(rows, 'b')).toMatchObject({ value: 90, status: 'unknown', reason: 'nothing new for 900 s' });
  });

  it('weighs parts, and leaves those without data out with their weight', async () => {
    expect(all(await readStatus('score')).value).toBeCloseTo((3 * 0.6 + 0.8) / 4, 12);
  });

  it('has returns on cost, and costs for each user', async () => {
    expect(all(await readStatus('gain')).value).toBeCloseTo(100 * ((300 - 100) / 100), 9);
    expect(all(await readStatus('per_user')).value).toBeCloseTo((100 / 50) * (30 * 24), 6);
  });

  it('is asked of some services and environments only', async () => {
    const ask = (name: string, service: string, environment: string) =>
      server.sql<Row>(
        `SELECT * FROM kpi_${name}_status_of(at_time = fromUnixTimestamp64Milli(${nowMs}, 'UTC'),
           service = '${service}', environment = '${environment}') ORDER BY length(group), group`,
      );
    const values = async (...args: Parameters<typeof ask>) =>
      (await ask(...args)).map(({ group, value }) => [group.join(), value]);
    expect(await values('mean', '.*', '')).toEqual(
      (await readStatus('mean')).map(({ group, value }) => [group.join(), value]),
    );
    // Whole names only.
    expect(await values('mean', 'pa', '.*')).toEqual([]);
    expect(await values('mean', 'pa.|nobody', 'production')).toEqual([
      ['', 2],
      ['pay', 2],
    ]);
    expect(await values('mean', '', 'staging')).toEqual([]);
    const [shop] = await ask('p95', 'shop', '');
    expect(shop).toMatchObject({ samples: 60 });
    expect(shop!.value).toBeLessThan(0.2);
  });

  it('is unknown where there is nothing', async () => {
    const row = all(await readStatus('mean', NOW_MS + 10 * HOUR_MS)) ?? { status: 'unknown' };
    expect(row.status).toBe('unknown');
  });
});

describe('a catalogue that changes while the server runs', () => {
  it('is judged with the thresholds in force then: a past status keeps the old ones', async () => {
    nowMs = NOW_MS + 2 * HOUR_MS;
    writeKpi('mean', {
      target: 3,
      group_by: ['service'],
      sources: [{ name: 'new', average: 'test.duration' }],
    });
    await waitUntil(
      async () =>
        server.stored<{ n: string }>(
          `SELECT toString(count()) AS n FROM metric_definitions FINAL WHERE metric_name = 'mean'`,
        ),
      (rows) => rows[0]!.n === '2',
      60_000,
    );
    expect(of(await readStatus('mean', NOW_MS), 'pay')).toMatchObject({ target: 1, status: 'warning' });
    const steps = await server.sql<Row>(
      `SELECT * FROM kpi_mean(start_time = fromUnixTimestamp64Milli(${NOW_MS - HOUR_MS}, 'UTC'), end_time = fromUnixTimestamp64Milli(${NOW_MS}, 'UTC'), step_s = 600) WHERE group = ['pay']`,
    );
    expect(steps).toMatchObject([{ target: 1, status: 'warning' }]);
    const targets = await server.sql(
      `SELECT target_type, target_value FROM metric_targets FINAL WHERE metric_id = cityHash64('mean') ORDER BY valid_from`,
    );
    expect(targets).toEqual([
      { target_type: 'target', target_value: 1 },
      { target_type: 'target', target_value: 3 },
    ]);
  });

  it('reads a metric that comes in a kind it never had', async () => {
    const timeUnixNano = nanos(NOW_MS - 5 * MINUTE_MS);
    const dataPoints = [{ timeUnixNano, asDouble: 7 }];
    await send({ name: 'test.duration', unit: 's', gauge: { dataPoints } }, { 'service.name': 'gauged' });
    expect(of(await readStatus('mean', NOW_MS), 'gauged')).toMatchObject({ value: 7, samples: 1 });
  });

  it('has nothing to say of a metric in a kind that its formula does not take', async () => {
    const dataPoints = [{ timeUnixNano: nanos(NOW_MS - 5 * MINUTE_MS), asDouble: 7 }];
    await send({ name: 'odd.size', unit: 's', gauge: { dataPoints } }, { 'service.name': 'odd' });
    writeKpi('odd', {
      sources: [
        { name: 'recorded', average: { metric: 'odd.size', shapes: ['histogram'] } },
        { name: 'newest', last: 'never.sent' },
      ],
    });
    await waitUntil(
      async () =>
        server.stored<{ name: string }>(
          `SELECT word AS name FROM system.completions WHERE context = 'table' AND word = 'kpi_odd_status'`,
        ),
      (rows) => rows.length === 1,
      60_000,
    );
    expect(await readStatus('odd', NOW_MS)).toEqual([]);
  });

  it('a file more is a KPI more, and one less takes its views away', async () => {
    writeKpi('extra', { sources: [{ name: 'new', average: 'test.duration' }] });
    rmSync(join(folder, 'kpis', 'gain.yaml'));
    await waitUntil(
      async () =>
        server.stored<{ name: string }>(
          `SELECT word AS name FROM system.completions WHERE context = 'table' AND word IN ('kpi_extra', 'kpi_gain')`,
        ),
      (rows) => rows.length === 1 && rows[0]!.name === 'kpi_extra',
      60_000,
    );
    expect(all(await readStatus('extra', NOW_MS)).value).toBeGreaterThan(0);
  });

  it('keeps what was in force when a file has a mistake', async () => {
    writeFileSync(join(folder, 'kpis', 'extra.yaml'), 'name: extra\nunit: [');
    await new Promise((done) => setTimeout(done, 3_000));
    expect(all(await readStatus('extra', NOW_MS)).value).toBeGreaterThan(0);
  });
});
