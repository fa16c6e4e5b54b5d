/** Generated history against a sink: as many points as promised, sums that only grow, and nothing lost to retries. */
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProgressDisplay } from '../../src/demo/history/progress-display.js';
import { type HistoryOptions, type HistoryReport, runHistory } from '../../src/demo/history/run-history.js';
import { UserError } from '../../src/model/errors.js';
import { type ArrivedSeries, sumUp } from './arrived.js';
import { listDifferences, listSlotProblems, listTableProblems } from './compare-truth.js';
import { createOtlpSink, type OtlpSink } from './otlp-sink.js';

const clock = { unixMs: () => Date.now(), monotonicMs: () => performance.now() };
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A Wednesday, 19 h UTC. */
const TO_UNIX_MS = Date.UTC(2026, 0, 28, 19);

let sink: OtlpSink;
beforeEach(async () => {
  sink = await createOtlpSink();
});
afterEach(() => sink.close());

function write(
  spanMs: number,
  plan: Partial<HistoryOptions['plan']> = {},
  options: Partial<HistoryOptions> = {},
): Promise<HistoryReport> {
  return runHistory({
    plan: {
      fromUnixMs: TO_UNIX_MS - spanMs,
      toUnixMs: TO_UNIX_MS,
      intervalMs: MINUTE_MS,
      ratePerSecond: 20,
      isDelta: false,
      seed: 3,
      instanceId: 'test',
      ...plan,
    },
    target: { protocol: 'http/protobuf', endpoint: sink.httpUrl, temporality: 'cumulative' },
    clock,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...options,
  });
}

describe('a day of history', () => {
  it('has every metric of the table, one point a minute for each series, and sums as the truth says', async () => {
    const report = await write(DAY_MS);
    expect(listTableProblems(sink.points)).toEqual([]);
    expect(listDifferences(sumUp(sink.points), report.metrics)).toEqual([]);
    expect(listSlotProblems(report.metrics)).toEqual([]);
    expect(report).toMatchObject({ rejectedPoints: 0, isPartial: false, exports: sink.requestBytes.length });
    expect(report.points).toBe(1440 * report.series);
    expect(sink.points.length).toBe(report.points);
    const arrived = sumUp(sink.points);
    expect(arrived.size).toBe(report.series);
    expect([...arrived.values()].flatMap(listTimeProblems)).toEqual([]);
    expect([...arrived.values()].flatMap(listShrinking)).toEqual([]);
  });

  it('agrees with itself: requests, answers, errors and the durations of the http instrumentation', async () => {
    const { metrics } = await write(DAY_MS, { intervalMs: 5 * MINUTE_MS });
    const sumOf = (name: string): number => metrics[name]!.sum;
    const failed = metrics.response_time!.series.filter(({ attributes }) => attributes.success === false);
    expect(metrics.response_time!.count).toBe(sumOf('throughput'));
    expect(failed.reduce((sum, { count }) => sum + count, 0)).toBe(sumOf('error_rate'));
    expect(metrics['http.server.request.duration']!.count).toBe(sumOf('throughput') + 86_400);
    expect(sumOf('automated_tasks')).toBeLessThan(sumOf('total_tasks'));
    expect(sumOf('error_rate') / sumOf('throughput')).toBeGreaterThan(0.002);
    expect(sumOf('error_rate') / sumOf('throughput')).toBeLessThan(0.05);
  });

  it('has busy evenings, quiet nights and an outage', async () => {
    await write(DAY_MS, { isDelta: true, intervalMs: 5 * MINUTE_MS });
    const perHour = new Map<number, number>();
    for (const point of sink.points) {
      if (point.name !== 'throughput') continue;
      const hour = Math.floor((point.timeMs - 1) / 3_600_000);
      perHour.set(hour, (perHour.get(hour) ?? 0) + point.value);
    }
    const hours = [...perHour.values()];
    expect(Math.max(...hours) / Math.min(...hours)).toBeGreaterThan(1.6);
    expect(sink.points.some(({ name, value }) => name === 'availability' && value === 0)).toBe(true);
  });

  it('with delta sums joins interval to interval and adds up to the same truth', async () => {
    const report = await write(3_600_000, { isDelta: true });
    expect(listDifferences(sumUp(sink.points), report.metrics)).toEqual([]);
    const counters = sink.points.filter((point) => point.name === 'throughput');
    expect(counters.every((point) => point.isDelta && point.timeMs - point.startMs === MINUTE_MS)).toBe(true);
  });

  it('is the same history for the same seed and another one for another', async () => {
    const [one, same, other] = [
      await write(3_600_000),
      await write(3_600_000),
      await write(3_600_000, { seed: 4 }),
    ];
    expect(same!.metrics).toEqual(one!.metrics);
    expect(other!.metrics).not.toEqual(one!.metrics);
  });
});

describe('sending history', () => {
  it('waits as long as a 503 asks and loses nothing', async () => {
    sink.refuseNext(2, 503, { 'retry-after': '1' });
    const report = await write(6 * 3_600_000);
    expect(report.durationMs).toBeGreaterThan(1_000);
    expect(sink.points.length).toBe(report.points);
    expect(listDifferences(sumUp(sink.points), report.metrics)).toEqual([]);
  });

  it.each(['http/json', 'grpc'] as const)(
    'goes over %s too, and tries again when told so',
    async (protocol) => {
      sink.refuseNext(1, protocol === 'grpc' ? 14 : 502, {});
      const endpoint = protocol === 'grpc' ? sink.grpcUrl : sink.httpUrl;
      const report = await write(
        3_600_000,
        {},
        { target: { protocol, endpoint, temporality: 'cumulative' } },
      );
      expect(sink.points.length).toBe(report.points);
      expect(listDifferences(sumUp(sink.points), report.metrics)).toEqual([]);
    },
  );

  it('ends with a clear error where the backend refuses for good', async () => {
    sink.refuseNext(10, 401, {});
    await expect(write(3_600_000)).rejects.toThrow(UserError);
    sink.refuseNext(10, 401, {});
    await expect(write(3_600_000)).rejects.toThrow(
      /refused the history: 401 Unauthorized not now; check --endpoint/,
    );
  });

  it('stopped early, reports what really arrived', async () => {
    const stop = new AbortController();
    const report = await write(
      DAY_MS,
      {},
      { signal: stop.signal, onProgress: ({ points }) => points > 0 && stop.abort() },
    );
    expect(report.isPartial).toBe(true);
    expect(report.points).toBe(sink.points.length);
    expect(report.points).toBeLessThan(1440 * report.series);
    expect(listDifferences(sumUp(sink.points), report.metrics)).toEqual([]);
  });
});

describe('progress', () => {
  it('is a line for every tenth where there is no terminal', async () => {
    await sink.close();
    sink = await createOtlpSink({ keepsPoints: false });
    const stream = new PassThrough();
    const display = createProgressDisplay(stream);
    await write(DAY_MS, {}, { onProgress: display.show });
    display.end();
    const lines = String(stream.read()).trim().split('\n');
    expect(lines[0]).toMatch(/^History 0% \(0 of 313,920 points, /);
    expect(lines.at(-1)).toMatch(/^History 100% \(313,920 of 313,920 points, \d+\.\d s\)$/);
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThanOrEqual(11);
  });

  it('is a bar on a terminal', () => {
    const stream = Object.assign(new PassThrough(), {
      isTTY: true,
      cursorTo() {},
      clearLine() {},
      moveCursor() {},
    });
    const display = createProgressDisplay(stream);
    display.show({ stepsDone: 0, stepsTotal: 4, points: 0, pointsTotal: 40, elapsedMs: 0 });
    display.show({ stepsDone: 4, stepsTotal: 4, points: 40, pointsTotal: 40, elapsedMs: 1_500 });
    display.end();
    expect(String(stream.read())).toMatch(/History \|█+\| 100% \| 40 of 40 points \| 1\.5 s/);
  });
});

/** One point a minute, from the first minute to the last. */
function listTimeProblems({ points }: ArrivedSeries): string[] {
  const fromMs = TO_UNIX_MS - DAY_MS;
  const isRight = points.every(
    (point, i) => point.timeMs === fromMs + (i + 1) * MINUTE_MS && point.startMs === fromMs,
  );
  return points.length === 1440 && isRight
    ? []
    : [`${points[0]!.series}: times or starts are not as planned`];
}

/** Cumulative sums, counts and buckets may only grow, and buckets must add up. */
function listShrinking({ points }: ArrivedSeries): string[] {
  const wrong: string[] = [];
  for (let i = 0; i < points.length; i++) {
    const point = points[i]!;
    const before = points[i - 1];
    const inBuckets = point.bucketCounts.reduce((sum, count) => sum + count, 0);
    if (point.type.endsWith('istogram') && inBuckets !== point.count)
      wrong.push(`${point.series}: buckets at ${i}`);
    if (before === undefined) continue;
    if (point.isMonotonic && point.value < before.value) wrong.push(`${point.series}: value at ${i}`);
    if (point.count < before.count || point.sum < before.sum)
      wrong.push(`${point.series}: count or sum at ${i}`);
    if (
      point.type === 'histogram' &&
      point.bucketCounts.some((count, b) => count < before.bucketCounts[b]!)
    ) {
      wrong.push(`${point.series}: a bucket at ${i}`);
    }
  }
  return wrong;
}
