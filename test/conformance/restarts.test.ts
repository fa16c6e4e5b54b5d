/**
 * Restarts of cumulative histograms and summaries that their counts do not show: a bucket, the zero bucket or the sum of a
 * summary shrinks while the count grows. Asked before anything is rolled up and after, in minute steps and as a whole.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { request } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { HOUR_S, nanos } from '../testkit/sums-asked.js';
import { line } from './line.js';

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS);
});
afterAll(() => receiver.stop());

/** Rows of a view over the first ten minutes, the same from raw points and from rollups. */
async function steps(shape: string, metric: string, columns: string, stepS: number): Promise<unknown[][]> {
  const text = `SELECT toUnixTimestamp(time) - ${HOUR_S} AS at, ${columns}, ${columns.startsWith('sum(') ? 'sum(resets)' : 'resets'} AS resets
    FROM ${shape}_increase(metric = '${metric}', start_time = fromUnixTimestamp(${HOUR_S}),
      end_time = fromUnixTimestamp(${HOUR_S + 3_600}), step_s = ${stepS}) ${columns.startsWith('sum(') ? 'GROUP BY time ' : ''}ORDER BY time`;
  const raw = await receiver.stored(text);
  const rolled = await receiver.sql(text);
  expect(rolled).toEqual(raw);
  return rolled.map((row) =>
    Object.values(row).map((value) => (Array.isArray(value) ? value.map(Number) : Number(value))),
  );
}

const send = (...metrics: OtlpMessage[]) => receiver.send(request(...metrics));

/** A point a minute, from minute `from` on. */
const histogram = (name: string, bounds: number[], points: bigint[][], from = 0): OtlpMessage => ({
  name,
  histogram: {
    aggregationTemporality: 2,
    dataPoints: points.map((bucketCounts, i) => ({
      timeUnixNano: nanos(60 * (from + i)),
      count: bucketCounts.reduce((a, b) => a + b, 0n),
      explicitBounds: bounds,
      bucketCounts,
    })),
  },
});

describe('a restart that only a bucket shows', () => {
  const COLUMNS = 'increase_count, increase_bucket_counts';

  line('increase.reset-by-bucket', 'explicit buckets', async () => {
    await send(
      histogram(
        'restart',
        [1],
        [
          [5n, 0n],
          [0n, 20n],
          [1n, 40n],
        ],
      ),
    );
    expect(await steps('histogram', 'restart', COLUMNS, 60)).toEqual([
      [0, 0, [0, 0], 0],
      [60, 20, [0, 20], 1],
      [120, 21, [1, 20], 0],
    ]);
    expect(await steps('histogram', 'restart', COLUMNS, 3_600)).toEqual([[0, 41, [1, 40], 1]]);
  });

  line('increase.reset-by-bucket', 'explicit buckets of other bounds', async () => {
    await send(
      histogram('restart.bounds', [1, 5], [[5n, 1n, 0n]]),
      histogram('restart.bounds', [1, 2, 3], [[1n, 10n, 0n, 9n]], 1),
    );
    const all = await steps('histogram', 'restart.bounds', 'sum(increase_count) AS n', 3_600);
    expect(all).toEqual([[0, 20, 1]]);
  });

  line('increase.reset-by-bucket', 'exponential buckets, of one scale and of two', async () => {
    const point = (at: number, scale: number, offset: number, counts: bigint[], zeroCount = 0n) => ({
      startTimeUnixNano: nanos(-60),
      timeUnixNano: nanos(at),
      count: counts.reduce((a, b) => a + b, zeroCount),
      scale,
      zeroCount,
      positive: { offset, bucketCounts: counts },
    });
    const metric = (name: string, dataPoints: OtlpMessage[]): OtlpMessage => ({
      name,
      exponentialHistogram: { aggregationTemporality: 2, dataPoints },
    });
    await send(
      metric('restart.exp', [point(0, 0, 0, [2n]), point(60, 0, 1, [2n])]),
      metric('restart.exp.grows', [point(0, 1, -1, [2n, 3n]), point(60, 0, -1, [2n, 4n])]),
      metric('restart.exp.scales', [point(0, 1, -1, [2n, 3n]), point(60, 0, -1, [1n, 9n])]),
      metric('restart.exp.far', [point(0, 20, 0, [], 1n), point(60, 20, 1_044_381_696, [1n], 1n)]),
      metric('restart.exp.zero', [point(0, 0, 0, [1n], 5n), point(60, 0, 0, [9n], 4n)]),
    );
    const columns = 'increase_count, increase_zero_count, positive_offset, increase_positive_bucket_counts';
    const second = async (name: string) => (await steps('exponential_histogram', name, columns, 60))[1];
    expect(await second('restart.exp')).toEqual([60, 2, 0, 1, [2], 1]);
    expect(await second('restart.exp.grows')).toEqual([60, 1, 0, -1, [0, 1], 0]);
    expect(await second('restart.exp.scales')).toEqual([60, 10, 0, -1, [1, 9], 1]);
    // As far apart as buckets can be: as an array from the one to the other they would not fit into memory.
    expect((await second('restart.exp.far'))!.slice(0, 3)).toEqual([60, 1, 0]);
    expect(await second('restart.exp.zero')).toEqual([60, 13, 4, 0, [9], 1]);
    expect(await steps('exponential_histogram', 'restart.exp.zero', columns, 3_600)).toEqual([
      [0, 19, 9, 0, [10], 1],
    ]);
  });

  line('increase.reset-by-bucket', 'a scrape that shows a bucket a little behind is none', async () => {
    await send(
      histogram(
        'behind',
        [1, 2],
        [
          [1_000n, 500n, 0n],
          // Read after two fast events, with the running total up to 2 from before them.
          [1_002n, 498n, 0n],
          [1_002n, 501n, 1n],
        ],
      ),
    );
    expect(await steps('histogram', 'behind', COLUMNS, 3_600)).toEqual([[0, 4, [2, 1, 1], 0]]);
    expect(await steps('histogram', 'behind', 'increase_count', 60)).toEqual([
      [0, 0, 0],
      [60, 0, 0],
      [120, 4, 0],
    ]);
  });

  line('increase.reset-by-bucket', 'the sum of a summary', async () => {
    const points = [
      [4n, 40],
      [7n, 70],
      [8n, 66],
    ] as const;
    await send({
      name: 'restart.summary',
      summary: { dataPoints: points.map(([count, sum], i) => ({ timeUnixNano: nanos(60 * i), count, sum })) },
    });
    const columns = 'increase_count, increase_sum';
    expect(await steps('summary', 'restart.summary', columns, 60)).toEqual([
      [0, 0, 0, 0],
      [60, 3, 30, 0],
      [120, 8, 66, 1],
    ]);
    expect(await steps('summary', 'restart.summary', columns, 3_600)).toEqual([[0, 11, 96, 1]]);
  });
});
