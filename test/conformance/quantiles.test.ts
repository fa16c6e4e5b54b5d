/** Quantiles of histograms as SQL answers: values in zero and negative buckets are values like all others. */
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_NANO, request } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { line } from './line.js';

vi.setConfig({ testTimeout: 120_000 });

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS);
});
afterAll(() => receiver.stop());

let metrics = 0;

interface Quantiles {
  p50: number;
  p75: number;
  p99: number;
  count: number;
}

/** Quantiles of delta points of one series. */
async function quantilesOf(type: string, points: OtlpMessage[]): Promise<Quantiles> {
  const name = `quantiles.${++metrics}`;
  const dataPoints = points.map((point, i) => ({
    timeUnixNano: NOW_UNIX_NANO - BigInt(i + 1) * 1_000_000_000n,
    ...point,
  }));
  await receiver.send(request({ name, [type]: { aggregationTemporality: 1, dataPoints } }));
  const to = Math.ceil(NOW_UNIX_MS / 1000);
  const rows = await receiver.stored<Quantiles>(
    `SELECT p50, p75, p99, count FROM histogram_quantiles(metric = '${name}', start_time = fromUnixTimestamp(${to - 3600}),
       end_time = fromUnixTimestamp(${to}), step_s = 3600, group_by = '')`,
  );
  expect(rows).toHaveLength(1);
  return rows[0]!;
}

const exponential = (negative: number, zeros: number, positive: number): OtlpMessage => ({
  count: BigInt(negative + zeros + positive),
  zeroCount: BigInt(zeros),
  scale: 0,
  negative: { offset: 1, bucketCounts: [BigInt(negative)] },
  positive: { offset: 2, bucketCounts: [BigInt(positive)] },
});

describe('quantiles', () => {
  line('histogram.quantiles', 'exponential', async () => {
    const balanced = await quantilesOf('exponentialHistogram', [exponential(30, 40, 30)]);
    expect(balanced.count).toBe(100);
    expect(balanced.p50).toBe(0);
    expect(balanced.p99).toBeGreaterThan(4);
    expect(balanced.p99).toBeLessThanOrEqual(8);
    const negative = await quantilesOf('exponentialHistogram', [exponential(80, 20, 0)]);
    expect(negative.p50).toBeGreaterThanOrEqual(-4);
    expect(negative.p50).toBeLessThan(-2);
    expect(negative.p99).toBe(0);
  });

  line('histogram.quantiles-exponential', async () => {
    const positive = { offset: -1, bucketCounts: [1n, 2n, 1n] };
    const { p50, p75 } = await quantilesOf('exponentialHistogram', [{ count: 4n, scale: 0, positive }]);
    expect(p50).toBeCloseTo(Math.SQRT2, 9);
    expect(p75).toBeCloseTo(2, 9);
  });

  line('histogram.quantiles-exponential', 'mirrored below zero', async () => {
    const negative = { offset: -1, bucketCounts: [1n, 2n, 1n] };
    const { p50, p99 } = await quantilesOf('exponentialHistogram', [{ count: 4n, scale: 0, negative }]);
    expect(p50).toBeCloseTo(-Math.SQRT2, 9);
    // 0.96 of the way from -1 to -½.
    expect(p99).toBeCloseTo(-(0.5 ** 0.96), 9);
  });

  line('histogram.quantiles-exponential', 'the zero bucket is linear', async () => {
    const { p50 } = await quantilesOf('exponentialHistogram', [
      {
        count: 8n,
        zeroCount: 5n,
        zeroThreshold: 0.5,
        scale: 0,
        positive: { offset: 0, bucketCounts: [3n] },
      },
    ]);
    expect(p50).toBeCloseTo(0.4, 9);
  });

  line('histogram.quantiles-exponential', 'between least and greatest value', async () => {
    const { p50 } = await quantilesOf('exponentialHistogram', [
      { count: 2n, scale: 0, min: 4.5, max: 8, positive: { offset: 2, bucketCounts: [2n] } },
    ]);
    expect(p50).toBeCloseTo(6, 9);
  });

  line('histogram.quantiles', 'explicit bounds below zero', async () => {
    const { p50, p99 } = await quantilesOf('histogram', [
      { count: 100n, explicitBounds: [-10, -5, 0, 10], bucketCounts: [0n, 80n, 15n, 5n, 0n] },
    ]);
    expect(p50).toBeGreaterThan(-10);
    expect(p50).toBeLessThanOrEqual(-5);
    expect(p99).toBeGreaterThan(0);
    expect(p99).toBeLessThanOrEqual(10);
  });

  line('histogram.quantiles', 'merged over points of different scales', async () => {
    // 30 in (¼, ½], 60 zeros, 10 in (4, 8].
    const { p50, p99, count } = await quantilesOf('exponentialHistogram', [
      { count: 90n, zeroCount: 60n, scale: 0, positive: { offset: -2, bucketCounts: [30n] } },
      { count: 10n, scale: 1, positive: { offset: 4, bucketCounts: [5n, 5n] } },
    ]);
    expect(count).toBe(100);
    expect(p50).toBe(0);
    expect(p99).toBeGreaterThan(4);
    expect(p99).toBeLessThanOrEqual(8);
  });
});
