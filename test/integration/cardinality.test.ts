/**
 * Cardinality budgets through the running pipeline: whatever is folded, SQL gives the totals that an unlimited pipeline
 * gives for the same requests; the sender is told; a restart does not double the budget.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { stringAttribute, toJson } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { makeDataDirectory } from '../testkit/server.js';

const NOW_MS = Date.UTC(2026, 10, 20, 12);
const START_S = NOW_MS / 1000 - 7_200;
const USERS = 12;

let running: RunningPipeline | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const nano = (second: number) => BigInt(START_S + second) * 1_000_000_000n;
const user = (i: number) => [stringAttribute('user', `u${i}`)];

/**
 * Every shape and temporality with one point a user: step `step` of ten, 30 s apart; users restart at different steps.
 * Values are sums of powers of two, so that no order of adding them matters.
 */
function makeRequest(step: number): OtlpMessage {
  const points = (make: (i: number, age: number, startS: number) => OtlpMessage) =>
    Array.from({ length: USERS }, (_, i) => {
      const born = step >= 4 + (i % 4) ? 4 + (i % 4) : 0;
      const startS = 30 * born;
      return { attributes: user(i), timeUnixNano: nano(30 * step + 30), ...make(i, step - born + 1, startS) };
    });
  const both = (name: string, type: string, make: Parameters<typeof points>[0]) =>
    [1, 2].map((aggregationTemporality) => ({
      name: `${name}.${['', 'delta', 'cumulative'][aggregationTemporality]}`,
      [type]: {
        dataPoints: points((i, age, startS) => {
          const since = aggregationTemporality === 1 ? 30 * step : startS;
          return {
            startTimeUnixNano: nano(since),
            ...make(i, aggregationTemporality === 1 ? 1 : age, since),
          };
        }),
        aggregationTemporality,
        ...(type === 'sum' && { isMonotonic: true }),
      },
    }));
  const metrics = [
    { name: 'load', gauge: { dataPoints: points((i) => ({ asDouble: i + step / 8 })) } },
    ...both('logins', 'sum', (i, age) => ({ asInt: BigInt((i + 1) * age) })),
    ...both('latency', 'histogram', (i, age) => ({
      count: BigInt(4 * age),
      sum: age * (i + 1),
      explicitBounds: [1, 5],
      bucketCounts: [2, 1, 1].map((n) => BigInt(n * age)),
    })),
    ...both('sizes', 'exponentialHistogram', (i, age) => ({
      count: BigInt(2 * age),
      sum: age * (i + 1),
      scale: 2,
      positive: { offset: 3, bucketCounts: [BigInt(age), BigInt(age)] },
    })),
  ];
  const resource = { attributes: [stringAttribute('service.name', 'shop')] };
  return { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] };
}

/** Late, out of order, some of them twice: what senders do. */
const ORDER = [0, 1, 3, 2, 2, 4, 5, 7, 6, 9, 8, 1, 9];

const RANGE = `start_time = fromUnixTimestamp(${START_S}), end_time = fromUnixTimestamp(${START_S + 3600}), step_s = 60`;

const TOTALS = {
  'increase of sums': ['logins.delta', 'logins.cumulative'].map(
    (metric) =>
      `SELECT time, sum(increase) AS value, sum(points) AS n FROM number_increase(metric = '${metric}', ${RANGE}) GROUP BY time ORDER BY time`,
  ),
  gauges: [
    `SELECT time, min(v.min) AS low, max(v.max) AS high, sum(v.sum) / sum(v.count) AS mean FROM number_values(metric = 'load', ${RANGE}) AS v GROUP BY time ORDER BY time`,
  ],
  'every point by metric': [
    'SELECT metric_name, count() AS n, sum(metric_value) AS value, min(timestamp) AS first FROM performance_metrics GROUP BY metric_name ORDER BY metric_name',
  ],
};

/** The answers to all TOTALS after the requests went in. */
async function readTotals(budgets: Record<string, string>): Promise<unknown[]> {
  running = await startPipeline(() => NOW_MS, budgets);
  for (const step of ORDER) expect((await running.post(toJson(makeRequest(step)), 'json')).status).toBe(200);
  const totals: unknown[] = [];
  for (const sql of Object.values(TOTALS).flat()) totals.push(await running.sql(sql));
  return totals;
}

describe('beyond a budget', () => {
  it('totals are those of an unlimited pipeline, for sums, histograms, exponential histograms and gauges', async () => {
    const unlimited = await readTotals({});
    const series = await running!.sql('SELECT count() AS n FROM series FINAL');
    expect(series).toEqual([{ n: 7 * USERS }]);
    await running!.stop();
    expect(await readTotals({ PLUMBLINE_SERIES_PER_METRIC_MAX: '5' })).toEqual(unlimited);
    expect(
      await running!.sql(
        `SELECT (SELECT count() FROM series FINAL) AS series, (SELECT count() FROM folded_series FINAL) AS folded,
                (SELECT count() FROM series_of_points) AS of_points`,
      ),
    ).toEqual([{ series: 7 * 6, folded: 7 * (USERS - 5), of_points: 7 * (USERS + 1) }]);
    const shown = await running!.sql(
      `SELECT attributes, attribute_types, resource_attributes FROM number_increase(metric = 'logins.cumulative', ${RANGE})
       INNER JOIN series USING (series_id) WHERE mapContains(attributes, 'otel.metric.overflow') LIMIT 1`,
    );
    expect(shown).toEqual([
      {
        attributes: { 'otel.metric.overflow': 'true' },
        attribute_types: { 'otel.metric.overflow': 'bool' },
        resource_attributes: { 'service.name': 'shop' },
      },
    ]);
  }, 120_000);

  it('the sender is told by a partial success that rejects nothing, and the status counts', async () => {
    running = await startPipeline(() => NOW_MS, { PLUMBLINE_SERIES_PER_SERVICE_MAX: '80' });
    const { json } = await running.post(toJson(makeRequest(0)), 'json');
    expect(json).toEqual({
      partialSuccess: {
        rejectedDataPoints: '0',
        errorMessage: expect.stringMatching(
          /^4 points of new series .* service "shop" has the 80 active series/,
        ),
      },
    });
    const status = await running.pipeline.readStatus();
    expect(status.points).toMatchObject({ accepted: 84, rejected: 0, folded: 4 });
    expect(status.series).toEqual({ active: 80, budget: 3_000_000 });
  }, 60_000);

  it('a restart does not double the budget, and who had a place keeps it', async () => {
    const data = makeDataDirectory();
    const settings = { PLUMBLINE_DATA_DIR: data.path, PLUMBLINE_SERIES_PER_METRIC_MAX: '5' };
    running = await startPipeline(() => NOW_MS, settings);
    await running.post(toJson(makeRequest(0)), 'json');
    const before = await running.sql('SELECT series_id FROM series FINAL ORDER BY series_id');
    await running.stop();
    running = await startPipeline(() => NOW_MS + 60_000, settings);
    expect((await running.pipeline.readStatus()).series.active).toBe(7 * 5);
    await running.post(toJson(makeRequest(1)), 'json');
    expect(await running.sql('SELECT series_id FROM series FINAL ORDER BY series_id')).toEqual(before);
    await running.stop();
    // The budget is raised: sources get rows of their own, and go on counting where they were.
    running = await startPipeline(() => NOW_MS + 120_000, {
      ...settings,
      PLUMBLINE_SERIES_PER_METRIC_MAX: '0',
    });
    await running.post(toJson(makeRequest(2)), 'json');
    const [total] = await running.sql(
      `SELECT sum(increase) AS total, uniq(series_id) AS series FROM number_increase(metric = 'logins.cumulative', ${RANGE})`,
    );
    expect(total).toEqual({ total: 3 * ((USERS * (USERS + 1)) / 2), series: USERS });
    data.remove();
  }, 120_000);
});
