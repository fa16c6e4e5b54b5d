/**
 * One metric whose senders use different units, asked of every view: values are in the base unit before anything is added
 * up, and what cannot be converted is NULL, with a reason. Each question is asked of raw points and of rollups.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';

vi.setConfig({ testTimeout: 120_000 });

/** A whole hour, some hours before now; times below are seconds after it. */
const HOUR_S = Math.floor(NOW_UNIX_MS / 3_600_000) * 3_600 - 5 * 3_600;
const RANGE = `start_time = fromUnixTimestamp(${HOUR_S}), end_time = fromUnixTimestamp(${HOUR_S + 3_600}), step_s = 3600`;
const AT_TIME = `at_time = fromUnixTimestamp(${HOUR_S + 3_600})`;

let receiver: RunningPipeline;

beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS);
  await sendAll();
}, 60_000);
afterAll(() => receiver.stop());

const nanos = (s: number) => BigInt(HOUR_S + s) * 1_000_000_000n;

/** Points of one metric of a service. */
async function send(
  service: string,
  name: string,
  unit: string,
  shape: string,
  points: OtlpMessage[],
): Promise<void> {
  const header =
    shape === 'gauge' || shape === 'summary'
      ? {}
      : { aggregationTemporality: 1, ...(shape === 'sum' && { isMonotonic: true }) };
  const dataPoints = points.map((point, i) => ({
    startTimeUnixNano: nanos(i * 10),
    timeUnixNano: nanos(i * 10 + 5),
    ...point,
  }));
  const resource = { attributes: [stringAttribute('service.name', service)] };
  const metric = { name, unit, [shape]: { ...header, dataPoints } };
  await receiver.send({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [metric] }] }] });
}

/** The same second, as two instances of a service send it; and a third one that measures bytes. */
async function sendAll(): Promise<void> {
  const exemplar = (asDouble: number) => ({
    exemplars: [
      { timeUnixNano: nanos(4), asDouble, traceId: Buffer.alloc(16, 7), spanId: Buffer.alloc(8, 7) },
    ],
  });
  for (const [unit, k] of [
    ['s', 1],
    ['ms', 1_000],
  ] as const) {
    await send('a', 'u.histogram', unit, 'histogram', [
      {
        count: 10n,
        sum: k,
        min: 0.05 * k,
        max: 0.2 * k,
        bucketCounts: [5n, 5n],
        explicitBounds: [0.15 * k],
        ...exemplar(0.2 * k),
      },
    ]);
    await send('a', 'u.sum', unit, 'sum', [{ asDouble: k }, { asDouble: 2 * k }]);
    await send('a', 'u.gauge', unit, 'gauge', [{ asDouble: k }, { asDouble: 3 * k }]);
    await send('a', 'u.summary', unit, 'summary', [
      { count: 0n, sum: 0, quantileValues: [] },
      { count: 4n, sum: k, quantileValues: [{ quantile: 0.5, value: 0.25 * k }] },
    ]);
  }
  // (1/8, 1/4] s and (128, 256] ms.
  const buckets = (offset: number) => ({ positive: { offset, bucketCounts: [4n] }, scale: 0, count: 4n });
  await send('a', 'u.exponential', 's', 'exponentialHistogram', [{ ...buckets(-3), sum: 1 }]);
  await send('a', 'u.exponential', 'ms', 'exponentialHistogram', [{ ...buckets(7), sum: 1_000 }]);
  await send('b', 'u.histogram', 'By', 'histogram', [{ count: 1n, sum: 512, bucketCounts: [1n] }]);
  await send('b', 'u.gauge', 'By', 'gauge', [{ asDouble: 512 }]);
  await send('c', 'u.temperature', 'Cel', 'gauge', [{ asDouble: 20 }, { asDouble: 22 }]);
  await send('c', 'u.temperature', 'K', 'gauge', [{ asDouble: 295.15 }]);
  await send('c', 'u.heat', 'Cel', 'histogram', [
    { count: 2n, sum: 42, min: 20, max: 22, bucketCounts: [1n, 1n], explicitBounds: [21] },
  ]);
}

/** Rows before anything is rolled up, which must be those after it. */
async function ask(sql: string): Promise<Record<string, unknown>[]> {
  const raw = await receiver.stored(sql);
  const rolled = await receiver.sql(sql);
  expect(rolled).toEqual(raw);
  return rolled;
}

describe('views of one series a row', () => {
  it('number_increase adds up seconds and milliseconds', async () => {
    const rows = await ask(
      `SELECT sum(increase) AS s, sum(rate) * 3600 AS by_rate, any(base_unit) AS unit FROM number_increase(metric = 'u.sum', ${RANGE})`,
    );
    expect(rows).toEqual([{ s: 6, by_rate: 6, unit: 's' }]);
  });

  it('number_values has them all in seconds', async () => {
    const rows = await ask(
      `SELECT v.sum AS sum, mean, v.min AS min, v.max AS max, last FROM number_values(metric = 'u.gauge', ${RANGE}) AS v WHERE base_unit = 's'`,
    );
    const second = { sum: 4, mean: 2, min: 1, max: 3, last: 3 };
    expect(rows).toEqual([second, second]);
  });

  it('number_last has them in seconds, and tells bytes by their unit', async () => {
    const rows = await ask(
      `SELECT value, base_unit FROM number_last(metric = 'u.gauge', ${AT_TIME}, stale_after_s = 60) ORDER BY ALL`,
    );
    expect(rows).toEqual([
      { value: 3, base_unit: 's' },
      { value: 3, base_unit: 's' },
      { value: 512, base_unit: 'By' },
    ]);
  });

  it('histogram_increase adds up sums, and bounds are seconds too', async () => {
    const rows = await ask(
      `SELECT i.explicit_bounds AS bounds, sum(increase_count) AS n, sum(increase_sum) AS s, min(i.min) AS low, max(i.highest) AS high
       FROM histogram_increase(metric = 'u.histogram', ${RANGE}) AS i WHERE base_unit = 's' GROUP BY bounds`,
    );
    expect(rows).toEqual([{ bounds: [0.15], n: 20, s: 2, low: 0.05, high: 0.2 }]);
  });

  it('exponential_histogram_increase adds up sums, and says how buckets become seconds', async () => {
    const rows = await ask(
      `SELECT increase_sum, exp2(positive_offset + 1) * unit_factor AS high, base_unit
       FROM exponential_histogram_increase(metric = 'u.exponential', ${RANGE}) ORDER BY high`,
    );
    expect(rows).toEqual([
      { increase_sum: 1, high: 0.25, base_unit: 's' },
      { increase_sum: 1, high: 0.256, base_unit: 's' },
    ]);
  });

  it('summary_increase and summary_quantiles are in seconds', async () => {
    const increases = await ask(
      `SELECT sum(increase_count) AS n, sum(increase_sum) AS s FROM summary_increase(metric = 'u.summary', ${RANGE})`,
    );
    expect(increases).toEqual([{ n: 8, s: 2 }]);
    const quantiles = await ask(
      `SELECT sum, quantile_values, base_unit FROM summary_quantiles(metric = 'u.summary', ${AT_TIME})`,
    );
    const second = { sum: 1, quantile_values: [0.25], base_unit: 's' };
    expect(quantiles).toEqual([second, second]);
  });

  it('metric_exemplars are in seconds', async () => {
    const rows = await ask(
      `SELECT value, base_unit FROM metric_exemplars(metric = 'u.histogram', start_time = fromUnixTimestamp(${HOUR_S}), end_time = fromUnixTimestamp(${HOUR_S + 3_600}))`,
    );
    expect(rows).toEqual([
      { value: 0.2, base_unit: 's' },
      { value: 0.2, base_unit: 's' },
    ]);
  });

  it('metric_facts are in seconds', async () => {
    const rows = await ask(
      `SELECT sum(f.sum) AS s, sum(f.count) AS n, sum(f.increase) AS grown, sum(f.level_sum) AS levels, max(f.last) AS last
       FROM metric_facts(metrics = ['u.histogram', 'u.sum', 'u.gauge', 'u.summary'], ${RANGE}) AS f WHERE base_unit = 's'`,
    );
    expect(rows).toEqual([{ s: 4, n: 28, grown: 6, levels: 14, last: 3 }]);
  });

  it('performance_metrics has values and units that belong together', async () => {
    const rows = await ask(
      `SELECT metric_name, unit, sum(metric_value) AS value FROM performance_metrics
       WHERE metric_name IN ('u.histogram', 'u.gauge', 'u.sum') GROUP BY ALL ORDER BY ALL`,
    );
    expect(rows).toEqual([
      { metric_name: 'u.gauge', unit: 'By', value: 512 },
      { metric_name: 'u.gauge', unit: 's', value: 8 },
      { metric_name: 'u.histogram', unit: 'By', value: 512 },
      { metric_name: 'u.histogram', unit: 's', value: 0.2 },
      { metric_name: 'u.sum', unit: 's', value: 6 },
    ]);
  });

  it('temperatures are kelvins, and their sums are too', async () => {
    const rows = await ask(
      `SELECT v.count AS n, v.sum AS sum, v.mean AS mean FROM number_values(metric = 'u.temperature', ${RANGE}) AS v ORDER BY n`,
    );
    expect(rows).toEqual([
      { n: 1, sum: 295.15, mean: 295.15 },
      { n: 2, sum: 588.3, mean: 294.15 },
    ]);
    const heat = await ask(
      `SELECT explicit_bounds, increase_sum, i.min AS min, i.max AS max FROM histogram_increase(metric = 'u.heat', ${RANGE}) AS i`,
    );
    expect(heat).toEqual([{ explicit_bounds: [294.15], increase_sum: 588.3, min: 293.15, max: 295.15 }]);
  });
});

/** What each group of a view of quantiles answers. */
function quantiles(view: string, metric: string, groupBy: string): Promise<Record<string, unknown>[]> {
  return ask(
    `SELECT q.group AS grp, q.count AS n, q.sum AS s, q.mean AS mean, q.min AS low, q.max AS high, p50, p99, base_unit, reason
     FROM ${view}(metric = '${metric}', ${RANGE}, group_by = '${groupBy}') AS q ORDER BY grp`,
  );
}

describe('views that merge series', () => {
  const mixed = {
    s: null,
    mean: null,
    low: null,
    high: null,
    p50: null,
    p99: null,
    base_unit: null,
    reason: 'units cannot be converted into each other: "By", "s"',
  };

  it('histogram_quantiles merge seconds and milliseconds, and leave bytes alone', async () => {
    const rows = await quantiles('histogram_quantiles', 'u.histogram', 'service.name');
    const seconds = { grp: 'a', n: 20, s: 2, mean: 0.1, low: 0.05, high: 0.2, base_unit: 's', reason: '' };
    expect(rows).toEqual([
      { ...seconds, p50: expect.closeTo(0.15, 9), p99: expect.closeTo(0.199, 9) },
      expect.objectContaining({ grp: 'b', n: 1, s: 512, base_unit: 'By' }),
    ]);
  });

  it('histogram_quantiles have no value of seconds and bytes together, and say why', async () => {
    expect(await quantiles('histogram_quantiles', 'u.histogram', '')).toEqual([{ grp: '', n: 21, ...mixed }]);
  });

  it('histogram_quantiles merge exponential buckets of seconds and of milliseconds', async () => {
    const [row] = await quantiles('histogram_quantiles', 'u.exponential', '');
    expect(row).toMatchObject({ n: 8, s: 2, base_unit: 's', reason: '' });
    // From 0.128 to 0.25 both: the share of each grows with the logarithm.
    const shareAt = (x: number) => (Math.log2(x / 0.125) + Math.log2(x / 0.128)) / 2;
    expect(shareAt(row!.p50 as number)).toBeCloseTo(0.5, 6);
    expect(row!.p99).toBeLessThanOrEqual(0.256);
  });

  it('number_quantiles merge seconds and milliseconds, and leave bytes alone', async () => {
    const rows = await quantiles('number_quantiles', 'u.gauge', 'service.name');
    expect(rows).toEqual([
      { grp: 'a', n: 4, s: 8, mean: 2, low: 1, high: 3, p50: 1, p99: 3, base_unit: 's', reason: '' },
      expect.objectContaining({ grp: 'b', n: 1, s: 512, p50: 512, base_unit: 'By', reason: '' }),
    ]);
  });

  it('number_quantiles have no value of seconds and bytes together, and say why', async () => {
    expect(await quantiles('number_quantiles', 'u.gauge', '')).toEqual([{ grp: '', n: 5, ...mixed }]);
  });

  it('number_quantiles merge temperatures of different scales', async () => {
    const rows = await quantiles('number_quantiles', 'u.temperature', '');
    expect(rows).toEqual([
      expect.objectContaining({ n: 3, low: 293.15, p50: 295.15, high: 295.15, base_unit: 'K' }),
    ]);
  });
});
