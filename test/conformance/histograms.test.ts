/**
 * Histograms as SQL answers: which values a bucket holds (told by a real SDK that recorded known values), increases, and
 * merging over scales and zero thresholds. The property tests are in test/property/.
 */
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { request } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { line } from './line.js';

/** Views over exponential histograms take seconds on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

/** The SDK takes its times from the clock. */
const NOW_MS = Date.now();
let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => Date.now());
});
afterAll(() => receiver.stop());

/** A whole minute, an hour ago; times below are seconds after it. */
const BASE_S = Math.floor(NOW_MS / 60_000) * 60 - 3600;
const nano = (second: number) => BigInt(BASE_S + second) * 1_000_000_000n;
let metrics = 0;

interface Point extends OtlpMessage {
  /** Seconds after BASE_S. */
  at: number;
  start?: number;
}

/** Sends a histogram of either kind; answers with the name of its metric. */
async function send(type: string, temporality: 'delta' | 'cumulative', batches: Point[][]): Promise<string> {
  const name = `histogram.${++metrics}`;
  const aggregationTemporality = temporality === 'delta' ? 1 : 2;
  for (const points of batches) {
    const dataPoints = points.map(({ at, start, ...point }) => ({
      timeUnixNano: nano(at),
      ...(start !== undefined && { startTimeUnixNano: nano(start) }),
      ...point,
    }));
    await receiver.send(request({ name, [type]: { aggregationTemporality, dataPoints } }));
  }
  return name;
}

/** Rows of a view of increases by minute; the same at once and after rollups. */
async function increases(view: string, name: string, columns: string): Promise<Record<string, unknown>[]> {
  const sql = `SELECT toInt64((toUnixTimestamp64Nano(time) - ${nano(0)}) / 60000000000) AS minute, ${columns}
    FROM ${view}(metric = '${name}', start_time = fromUnixTimestamp64Nano(toInt64(${nano(0)}), 'UTC'),
      end_time = fromUnixTimestamp64Nano(toInt64(${nano(3600)}), 'UTC'), step_s = 60)
    WHERE increase_count > 0 ORDER BY minute`;
  const raw = await receiver.stored(sql);
  expect(await receiver.sql(sql)).toEqual(raw);
  return raw;
}

const EXPLICIT = `increase_count, increase_sum, explicit_bounds, increase_bucket_counts AS counts`;
const bounds = [1, 2];
const explicit = (at: number, start: number, counts: number[], sum: number): Point => ({
  at,
  start,
  count: BigInt(counts.reduce((a, b) => a + b)),
  sum,
  explicitBounds: bounds,
  bucketCounts: counts.map(BigInt),
});
const row = (minute: number, counts: number[], sum: number) => ({
  minute: minute,
  increase_count: counts.reduce((a, b) => a + b),
  increase_sum: sum,
  explicit_bounds: bounds,
  counts,
});

/** What a view of the SDK's own makes of the values; waits until it is stored. */
async function recordWithSdk(values: number[], aggregation: 'explicit' | 'exponential'): Promise<string> {
  const name = `histogram.${++metrics}`;
  const view =
    aggregation === 'exponential'
      ? { type: AggregationType.EXPONENTIAL_HISTOGRAM as const }
      : {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM as const,
          options: { boundaries: [0, 1, 2, 5] },
        };
  const exporter = new OTLPMetricExporter({ url: `http://${receiver.http}/v1/metrics` });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': name }),
    views: [{ instrumentName: name, aggregation: view }],
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  });
  const histogram = provider.getMeter('conformance').createHistogram(name);
  for (const value of values) histogram.record(value);
  await provider.shutdown();
  return name;
}

describe('histograms', () => {
  line('histogram.bounds', async () => {
    const values = [0, 0.5, 1, 1.5, 2, 2, 3, 5, 7];
    const name = await recordWithSdk(values, 'explicit');
    const [stored] = await receiver.stored<{ bound: number[]; counts: string[] }>(
      `SELECT explicit_bounds AS bound, bucket_counts AS counts FROM histogram_points FINAL
       WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = '${name}')`,
    );
    const upper = [...stored!.bound, Number.POSITIVE_INFINITY];
    const lower = [Number.NEGATIVE_INFINITY, ...stored!.bound];
    const expected = upper.map((to, i) => values.filter((value) => value > lower[i]! && value <= to).length);
    expect(stored!.counts.map(Number)).toEqual(expected);
  });

  line('histogram.exponential', 'positive, as the SDK fills them', async () => {
    const values = [0, 0.001, 0.25, 0.5, 1, 1, 1.0001, 2, 3, 4, 1024, 5e5];
    const name = await recordWithSdk(values, 'exponential');
    const [stored] = await receiver.stored<{ scale: number; from: number; counts: string[]; zeros: string }>(
      `SELECT scale, positive_offset AS from, positive_bucket_counts AS counts, zero_count AS zeros
       FROM exponential_histogram_points FINAL
       WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = '${name}')`,
    );
    const { scale, from, counts, zeros } = stored!;
    const edge = (index: number) => 2 ** (index * 2 ** -scale);
    const expected = counts.map(
      (_, i) => values.filter((value) => value > edge(from + i) && value <= edge(from + i + 1)).length,
    );
    expect(counts.map(Number)).toEqual(expected);
    expect(Number(zeros)).toBe(1);
  });

  line('histogram.exponential', 'negative ones by magnitude, kept apart from positive ones', async () => {
    const name = await send('exponentialHistogram', 'delta', [
      [
        {
          at: 70,
          count: 10n,
          zeroCount: 1n,
          scale: 0,
          positive: { offset: 0, bucketCounts: [2n] },
          negative: { offset: 3, bucketCounts: [3n, 4n] },
        },
      ],
    ]);
    const columns = `scale, increase_zero_count AS zeros, positive_offset, increase_positive_bucket_counts AS positive,
      negative_offset, increase_negative_bucket_counts AS negative`;
    expect(await increases('exponential_histogram_increase', name, columns)).toEqual([
      {
        minute: 1,
        scale: 0,
        zeros: 1,
        positive_offset: 0,
        positive: [2],
        negative_offset: 3,
        negative: [3, 4],
      },
    ]);
  });

  line('histogram.merging', 'at the smallest scale, bucket by bucket', async () => {
    // Scale 1: (1, √2] 5, (√2, 2] 6, (2, 2√2] 7. Scale 0: (1, 2] 1, (2, 4] 2.
    const name = await send('exponentialHistogram', 'delta', [
      [
        { at: 70, count: 18n, scale: 1, positive: { offset: 0, bucketCounts: [5n, 6n, 7n] } },
        { at: 80, count: 3n, scale: 0, positive: { offset: 0, bucketCounts: [1n, 2n] } },
      ],
    ]);
    const columns = 'scale, increase_count, positive_offset, increase_positive_bucket_counts AS positive';
    expect(await increases('exponential_histogram_increase', name, columns)).toEqual([
      { minute: 1, scale: 0, increase_count: 21, positive_offset: 0, positive: [12, 9] },
    ]);
  });

  line('histogram.merging', 'a cumulative stream that shrinks its scale', async () => {
    const name = await send('exponentialHistogram', 'cumulative', [
      [{ at: 70, start: 5, count: 3n, scale: 1, positive: { offset: -1, bucketCounts: [1n, 1n, 1n] } }],
      [{ at: 130, start: 5, count: 8n, scale: 0, positive: { offset: -1, bucketCounts: [2n, 3n, 3n] } }],
    ]);
    const rows = await increases(
      'exponential_histogram_increase',
      name,
      'scale, increase_count, positive_offset, increase_positive_bucket_counts AS positive',
    );
    // At scale 0 the first point is (½, 1] 1 and (1, 2] 2.
    expect(rows[0]).toMatchObject({ minute: 1, scale: 1, increase_count: 3, positive: [1, 1, 1] });
    expect(rows[1]).toMatchObject({ minute: 2, scale: 0, increase_count: 5, positive: [1, 1, 3] });
  });

  line('histogram.merging', 'zero thresholds widen, and take in the buckets below', async () => {
    const name = await send('exponentialHistogram', 'delta', [
      [
        { at: 70, count: 4n, zeroCount: 1n, scale: 0, positive: { offset: -2, bucketCounts: [1n, 1n, 1n] } },
        {
          at: 80,
          count: 2n,
          zeroCount: 1n,
          zeroThreshold: 0.5,
          scale: 0,
          positive: { offset: 0, bucketCounts: [1n] },
        },
      ],
    ]);
    const columns = `zero_threshold, increase_zero_count AS zeros, increase_count,
      arraySum(increase_positive_bucket_counts) AS positive`;
    // (¼, ½] joins the zero bucket: 1 + 1 + 1.
    expect(await increases('exponential_histogram_increase', name, columns)).toEqual([
      { minute: 1, zero_threshold: 0.5, zeros: 3, increase_count: 6, positive: 3 },
    ]);
  });
});

describe('increases of histograms', () => {
  line('increase.true-start', 'histograms', async () => {
    const name = await send('histogram', 'cumulative', [
      [explicit(70, 5, [1, 2, 3], 10), explicit(130, 5, [1, 4, 3], 13)],
    ]);
    expect(await increases('histogram_increase', name, EXPLICIT)).toEqual([
      row(1, [1, 2, 3], 10),
      row(2, [0, 2, 0], 3),
    ]);
  });

  line('increase.unknown-start', 'histograms', async () => {
    const name = await send('histogram', 'cumulative', [
      [explicit(70, 70, [100, 200, 300], 1000), explicit(130, 70, [101, 200, 302], 1006)],
    ]);
    expect(await increases('histogram_increase', name, EXPLICIT)).toEqual([row(2, [1, 0, 2], 6)]);
  });

  line('increase.reset-by-start', 'histograms', async () => {
    const name = await send('histogram', 'cumulative', [
      [explicit(70, 5, [1, 0, 0], 1), explicit(130, 80, [2, 1, 0], 4)],
    ]);
    expect(await increases('histogram_increase', name, EXPLICIT)).toEqual([
      row(1, [1, 0, 0], 1),
      row(2, [2, 1, 0], 4),
    ]);
  });

  line('increase.reset-by-drop', 'histograms', async () => {
    const name = await send('histogram', 'cumulative', [
      [explicit(70, 5, [5, 5, 5], 20), explicit(130, 5, [1, 1, 0], 2)],
    ]);
    expect(await increases('histogram_increase', name, EXPLICIT)).toEqual([
      row(1, [5, 5, 5], 20),
      row(2, [1, 1, 0], 2),
    ]);
  });

  line('increase.delta', 'histograms', async () => {
    const name = await send('histogram', 'delta', [
      [explicit(70, 70, [1, 0, 0], 1), explicit(80, 70, [0, 1, 0], 2), explicit(130, 80, [0, 0, 1], 3)],
    ]);
    expect(await increases('histogram_increase', name, EXPLICIT)).toEqual([
      row(1, [1, 1, 0], 3),
      row(2, [0, 0, 1], 3),
    ]);
  });

  line('increase.any-order', 'histograms', async () => {
    const points = [1, 3, 4, 8, 9].map((n, i) => explicit(70 + i * 30, 5, [n, 2 * n, 0], 4 * n));
    const batches = [3, 0, 4, 1, 3, 2, 0].map((i) => [points[i]!]);
    const name = await send('histogram', 'cumulative', batches);
    expect(await increases('histogram_increase', name, EXPLICIT)).toEqual([
      row(1, [3, 6, 0], 12),
      row(2, [5, 10, 0], 20),
      row(3, [1, 2, 0], 4),
    ]);
  });

  line('increase.retries', 'histograms', async () => {
    const points = [explicit(70, 60, [1, 0, 0], 1), explicit(80, 70, [0, 1, 0], 2)];
    const name = await send('histogram', 'delta', [points, points, points]);
    expect(await increases('histogram_increase', name, EXPLICIT)).toEqual([row(1, [1, 1, 0], 3)]);
  });

  line('valid.no-buckets', 'count and sum still grow', async () => {
    const bare = (at: number, count: bigint, sum: number): Point => ({ at, start: 5, count, sum });
    const name = await send('histogram', 'cumulative', [[bare(70, 3n, 6), bare(130, 5n, 11)]]);
    expect(await increases('histogram_increase', name, 'increase_count, increase_sum')).toEqual([
      { minute: 1, increase_count: 3, increase_sum: 6 },
      { minute: 2, increase_count: 2, increase_sum: 5 },
    ]);
  });
});
